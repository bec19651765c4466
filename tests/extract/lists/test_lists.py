"""Lists and folders of videos."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tcon.cache import InputError
from tcon.extract.lists.videos import VideoItem, read_videos

Touch = Callable[..., Path]


@pytest.fixture
def touch(tmp_path: Path) -> Touch:
    """Make empty files below ``tmp_path``; the readers of lists do not open videos."""

    def touch_(*names: str) -> Path:
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return tmp_path

    return touch_


def _rows(items: list[VideoItem]) -> list[tuple[str, str, str]]:
    return [(item.id, item.label, item.split) for item in items]


def _csv(folder: Path, text: str, *, name: str = "list.csv", encoding: str = "utf-8") -> Path:
    (folder / name).write_bytes(text.encode(encoding))
    return folder / name


# --- csv lists


LABELLED = [("run/a.mp4", "run", ""), ("walk/a.mp4", "walk", "")]
DIALECTS = {
    "semicolons": ("path;label\nrun/a.mp4;run\nwalk/a.mp4;walk\n", LABELLED, "with semicolons"),
    "bars": ("path|label\nrun/a.mp4|run\nwalk/a.mp4|walk\n", LABELLED, "with bars"),
    "sep": ("sep=;\npath;label\nrun/a.mp4;run\nwalk/a.mp4;walk\n", LABELLED, "semicolons"),
    "empty rows": ('path,label\nrun/a.mp4,run\n,\nwalk/a.mp4,walk\n,,\n"",\n', LABELLED, ""),
    "unused": (
        "path,class,subset,\nrun/a.mp4,run,train,\nwalk/a.mp4,walk,test,\n",
        [("run/a.mp4", "", ""), ("walk/a.mp4", "", "")],
        "not used: columns class, subset",
    ),
    "fractions": (
        "path,label\nrun/a.mp4,0.0\nwalk/a.mp4,1.0\n",
        [("run/a.mp4", "0", ""), ("walk/a.mp4", "1", "")],
        "labels like 0.0 taken as whole numbers (0)",
    ),
    "a gap": (
        "path,label\nrun/a.mp4,\nwalk/a.mp4,1.0\n",
        [("run/a.mp4", "", ""), ("walk/a.mp4", "1", "")],
        "labels like 1.0",
    ),
    "names with a dot": (
        "path,label\nrun/a.mp4,1.0\nwalk/a.mp4,walk\n",
        [("run/a.mp4", "1.0", ""), ("walk/a.mp4", "walk", "")],
        "",
    ),
    "minus one": (
        "run/a.mp4 -1\nwalk/a.mp4 3\n",
        [("run/a.mp4", "", ""), ("walk/a.mp4", "3", "")],
        "1 video labelled -1: taken as unlabelled",
    ),
    "no label": (
        "path,label\nrun/a.mp4,nan\nwalk/a.mp4,<NA>\n",
        [("run/a.mp4", "", ""), ("walk/a.mp4", "", "")],
        "2 videos labelled <NA>, nan: taken as unlabelled",
    ),
}


@pytest.mark.parametrize("name", DIALECTS)
def test_what_spreadsheets_and_pandas_write(touch: Touch, name: str) -> None:
    text, rows, said = DIALECTS[name]
    notes: list[str] = []
    folder = touch("run/a.mp4", "walk/a.mp4")
    assert _rows(read_videos(_csv(folder, text), on_note=notes.append)) == rows
    assert said in "; ".join(notes)
    assert said or not notes


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("path,label\na.mp4,run, fast\n", "line 2: has 3 cells of 2 columns: put quotes round"),
        ("path;label\na.mp4;run;fast\n", "put quotes round what holds semicolons"),
        ("path,label,Label\na.mp4,run,walk\n", "names the column label 2 times: keep one"),
        ("a.mp4;run\n", "need a header: path;label"),
    ],
)
def test_no_cell_is_lost(touch: Touch, text: str, said: str) -> None:
    assert said in _error(_csv(touch("a.mp4"), text))


@pytest.mark.parametrize("text", ['{"path": "a.mp4"}\n', '[{"path": "a.mp4"}]', "[\n  {\n", "{\n"])
def test_json_is_no_list(touch: Touch, text: str) -> None:
    assert "is JSON, not a list: write it as csv" in _error(_csv(touch("a.mp4"), text))


def test_a_name_with_brackets_is_not_json(touch: Touch) -> None:
    folder = touch("[run] a.mp4", "{b}.mp4")
    assert len(read_videos(_csv(folder, "[run] a.mp4\n{b}.mp4\n", name="list.txt"))) == 2


def test_an_endless_pipe_is_refused(touch: Touch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tcon.extract.lists.forms.lines._MOST_LINES", 3)
    assert "more than 3 lines" in _error(_csv(touch("a.mp4"), "a.mp4\n" * 4))


def test_csv_with_all_columns(touch: Touch) -> None:
    folder = touch("jump/a.mp4", "run/b.avi", "c.webm")
    path = _csv(folder, "path,label,split\njump/a.mp4,jump,train\nrun/b.avi,run,test\nc.webm,,\n")
    items = read_videos(path)
    assert _rows(items) == [
        ("jump/a.mp4", "jump", "train"),
        ("run/b.avi", "run", "test"),
        ("c.webm", "", ""),
    ]
    assert [item.path for item in items] == [folder / item.id for item in items]


@pytest.mark.parametrize(
    ("text", "label", "split"),
    [
        ("path\na.mp4\n", "", ""),
        ("path,label\na.mp4,jump\n", "jump", ""),
        ("path,split\na.mp4,val\n", "", "val"),
        ("split,frames,path,label\ntest,9,a.mp4,jump\n", "jump", "test"),
        ("path,label\na.mp4\n", "", ""),  # a short row
        ("Path, Label , SPLIT\na.mp4, jump , Test\n", "jump", "test"),
        ("path,label\n\na.mp4,jump\n\n", "jump", ""),
        ("path,label\na.mp4,high jump", "high jump", ""),  # no newline at the end
    ],
)
def test_csv_columns(touch: Touch, text: str, label: str, split: str) -> None:
    assert _rows(read_videos(_csv(touch("a.mp4"), text))) == [("a.mp4", label, split)]


def test_csv_with_byte_order_mark_and_windows_line_ends(touch: Touch) -> None:
    path = _csv(touch("a.mp4"), "path,label\r\na.mp4,jump\r\n", encoding="utf-8-sig")
    assert _rows(read_videos(path)) == [("a.mp4", "jump", "")]


def test_csv_quotes_commas_and_other_alphabets(touch: Touch) -> None:
    folder = touch("a, b.mp4", 'say "x".mp4', "прыжок/ü.mp4")
    path = _csv(folder, 'path,label\n"a, b.mp4","x, y"\n"say ""x"".mp4",z\nпрыжок/ü.mp4,прыжок\n')
    assert _rows(read_videos(path)) == [
        ("a, b.mp4", "x, y", ""),
        ('say "x".mp4', "z", ""),
        ("прыжок/ü.mp4", "прыжок", ""),
    ]


@pytest.mark.parametrize(
    ("written", "split"),
    [
        ("train", "train"),
        ("training", "train"),
        ("TRAIN", "train"),
        ("val", "val"),
        ("valid", "val"),
        ("validation", "val"),
        ("test", "test"),
        ("testing", "test"),
        ("eval", "test"),
        ("", ""),
    ],
)
def test_names_of_splits(touch: Touch, written: str, split: str) -> None:
    path = _csv(touch("a.mp4"), f"path,split\na.mp4,{written}\n")
    assert read_videos(path)[0].split == split


# --- pickled tables


def test_annotations_of_mm_sada(touch: Touch) -> None:
    folder = touch("rgb/P08_01/frame_0000000437.jpg", "rgb/P08_02/frame_0000000540.jpg")
    pickled = Path(__file__).parents[1] / "pickles" / "samples" / "pandas-1.0.5.pkl"
    path = folder / "D1_test.pkl"
    path.write_bytes(pickled.read_bytes())
    items = read_videos(path, root=folder / "rgb", trust_pickle=True)
    assert _rows(items) == [
        ("P08_01_12917", "3", "test"),
        ("P08_02_12918", "9", "test"),
        ("P08_02_12920", "2", "test"),
    ]
    assert items[0].path == folder / "rgb" / "P08_01#frames=437-537"
    with pytest.raises(InputError, match="add --trust-pickle"):
        read_videos(path, trust_pickle=False)
    with pytest.raises(InputError, match=r"DataFrame\.to_csv"):
        read_videos(path)
    with pytest.raises(InputError, match="its form is epic, not text"):
        read_videos(path, form="text", trust_pickle=True)


# --- text lists


@pytest.mark.parametrize(
    ("line", "id", "label"),
    [
        ("a.mp4 jump", "a.mp4", "jump"),
        ("a.mp4\tjump", "a.mp4", "jump"),
        ("  a.mp4   jump  ", "a.mp4", "jump"),
        ("a.mp4 7", "a.mp4", "7"),
        ("a.mp4", "a.mp4", ""),
        ("my clip.mp4", "my clip.mp4", ""),
        ("my clip.mp4 jump", "my clip.mp4", "jump"),
        ("my clip.mp4\tjump", "my clip.mp4", "jump"),
        ('"my clip.mp4" jump', "my clip.mp4", "jump"),
        ("sub/a.mp4 jump", "sub/a.mp4", "jump"),
    ],
)
def test_text_line(touch: Touch, line: str, id: str, label: str) -> None:
    folder = touch("a.mp4", "my clip.mp4", "sub/a.mp4", "z.mp4")
    path = _csv(folder, f"\n{line}\n\nz.mp4 last\r\n", name="list.txt")
    assert _rows(read_videos(path)) == [(id, label, ""), ("z.mp4", "last", "")]


# --- where the paths start


def test_root_is_where_paths_start(touch: Touch, tmp_path: Path) -> None:
    touch("videos/jump/a.mp4", "lists/x")
    path = _csv(tmp_path / "lists", "path\njump/a.mp4\n")
    (item,) = read_videos(path, root=tmp_path / "videos")
    assert item == VideoItem("jump/a.mp4", tmp_path / "videos/jump/a.mp4", "", "")


def test_ids_are_relative_to_the_root(
    touch: Touch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However the same file is written, its id is the same, so that a list can be resumed."""
    folder = touch("sub/a.mp4")
    monkeypatch.chdir(tmp_path)
    whole = str(folder / "sub" / "a.mp4")
    for written in ("sub/a.mp4", "./sub/a.mp4", "sub//a.mp4", "sub/../sub/a.mp4", whole):
        _csv(folder, f"path\n{written}\n")
        assert [item.id for item in read_videos(folder / "list.csv")] == ["sub/a.mp4"]
        assert [item.id for item in read_videos("list.csv")] == ["sub/a.mp4"]


def test_a_video_outside_the_root_keeps_its_path(touch: Touch, tmp_path: Path) -> None:
    touch("videos/a.mp4", "lists/x")
    path = _csv(tmp_path / "lists", f"path\n{tmp_path}/videos/a.mp4\n")
    assert read_videos(path)[0].id == (tmp_path / "videos" / "a.mp4").as_posix()


# --- lists of other people


def _notes(source: Path, **options: Path | str) -> tuple[list[VideoItem], str]:
    notes: list[str] = []
    return read_videos(source, on_note=notes.append, **options), "\n".join(notes)


def test_names_of_another_machine(touch: Touch, tmp_path: Path) -> None:
    """Absolute paths, no suffixes, rewritten characters; the ids are those of the files."""
    touch("v/climb/Kotasova_(CZE)_climb_0.avi", "v/golf/swing.mp4", "v/.old/swing.mp4")
    text = "/home/me/Kotasova_CZE_climb_0 30 0\n/home/me/swing 41 1\n"
    items, notes = _notes(_csv(tmp_path, text, name="list.txt"), root=tmp_path / "v")
    assert items == [
        VideoItem(id_, tmp_path / "v" / id_, label, "")
        for id_, label in (("climb/Kotasova_(CZE)_climb_0.avi", "0"), ("golf/swing.mp4", "1"))
    ]
    assert "2 of 2 videos were found" in notes
    assert "climb/Kotasova_(CZE)_climb_0.avi for /home/me/Kotasova_CZE_climb_0" in notes


def test_nothing_is_said_where_nothing_is_taken(touch: Touch) -> None:
    assert _notes(_csv(touch("a.mp4"), "path,label\na.mp4,x\n"))[1] == ""


def test_folders_of_frames(touch: Touch) -> None:
    folder = touch("jester/34870/00001.jpg", "jester/34870/00002.jpg", "tsn/x/img_00001.PNG")
    path = _csv(folder, "34870;Thumb Up\n", name="jester-v1-train.csv")
    (item,) = read_videos(path, root=folder / "jester")
    assert item == VideoItem("34870", folder / "jester/34870", "Thumb Up", "train")
    (item,) = read_videos(_csv(folder, "/far/x 2 5\n", name="list.txt"))
    assert item == VideoItem("tsn/x", folder / "tsn/x", "5", "")


def test_parts_of_folders_of_frames(touch: Touch) -> None:
    folder = touch("P01/P01_11/frame_0000000001.jpg")
    items = read_videos(_csv(folder, "P01/P01_11 1 16 3\nP01/P01_11 17 40 5\n", name="l.txt"))
    assert [(item.id, item.path, item.label) for item in items] == [
        (f"P01/P01_11#frames={part}", folder / f"P01/P01_11#frames={part}", label)
        for part, label in (("1-16", "3"), ("17-40", "5"))
    ]
    text = "narration_id,video_id,start_frame,stop_frame,verb_class\nP01_11_0,P01_11,1,113,4\n"
    (item,) = read_videos(_csv(folder, text))
    assert item == VideoItem("P01_11_0", folder / "P01/P01_11#frames=1-113", "4", "")


def test_classes_and_form_of_a_list(touch: Touch) -> None:
    folder = touch("a 3.mp4", "a 3/1.jpg")
    classes = _csv(folder, "0 jump\n1 run\n", name="classInd.txt")
    path = _csv(folder, "a 3 1\n", name="list.txt")
    items, notes = _notes(path, form="text", classes=classes)
    assert _rows(items) == [("a 3", "run", "")]
    assert "label 1 is run" in notes


def test_same_file_elsewhere_is_not_meant(touch: Touch) -> None:
    """A video that its class folder lacks is missing, whatever other classes hold."""
    folder = touch("jump/1.mp4", "run/2.mp4")
    message = _error(_csv(folder, "path\njump/2.mp4\n"))
    assert "no such video" in message
    assert "did you mean run/2.mp4?" in message


def test_name_that_can_be_two_files(touch: Touch) -> None:
    folder = touch("jump/1.mp4", "run/1.mp4")
    assert "missing; is that jump/1.mp4 or run/1.mp4?" in _error(_csv(folder, "path\n1\n"))
    assert _rows(read_videos(_csv(folder, "path,label\n1,run\n"))) == [("run/1.mp4", "run", "")]


def test_path_that_leads_out_of_the_root(touch: Touch, tmp_path: Path) -> None:
    touch("secret.mp4", "frames/1.jpg", "videos/a.mp4")
    for name in ("../secret.mp4", "x/../../secret.mp4", "../frames"):
        message = _error(_csv(tmp_path, f"path\n{name}\n"), root=tmp_path / "videos")
        assert "leads out" in message
    # but the same list may serve where its videos lie now
    (item,) = read_videos(_csv(tmp_path, "path\n../old/a.mp4\n"), root=tmp_path / "videos")
    assert item.path == tmp_path / "videos/a.mp4"


@pytest.mark.parametrize("root", [".", "RGB-feature"])
def test_folder_of_features(touch: Touch, root: str) -> None:
    folder = touch("RGB-feature/x/img_00001.t7")
    path = _csv(folder, "/far/x 1 0\n", name="l.txt")
    message = _error(path, root=folder / root)
    assert "line 1" in message
    assert "holds features (img_00001.t7)" in message
    assert "tcon import" in message


def test_frames_of_a_video_file(touch: Touch) -> None:
    message = _error(_csv(touch("a.mp4"), "a.mp4 1 16 3\n", name="l.txt"))
    assert "a.mp4 is a video file: frames 1 to 16" in message


def test_form_of_a_folder(touch: Touch) -> None:
    assert "are for lists" in _error(touch("a.mp4"), form="text")


# --- folders


def test_folder_of_classes(touch: Touch) -> None:
    folder = touch("run/b.AVI", "jump/a.mp4", "jump/notes.txt", "README.md")
    assert _rows(read_videos(folder)) == [("jump/a.mp4", "jump", ""), ("run/b.AVI", "run", "")]


def test_folder_of_splits_and_classes(touch: Touch) -> None:
    folder = touch("train/jump/a.mp4", "Validation/jump/b.mp4", "testing/run/c.mkv")
    assert set(_rows(read_videos(folder))) == {
        ("train/jump/a.mp4", "jump", "train"),
        ("Validation/jump/b.mp4", "jump", "val"),
        ("testing/run/c.mkv", "run", "test"),
    }


def test_flat_folder_is_unlabelled(touch: Touch) -> None:
    folder = touch("b.mp4", "a.mp4")
    items = read_videos(folder)
    assert _rows(items) == [("a.mp4", "", ""), ("b.mp4", "", "")]
    assert items[0].path == folder / "a.mp4"


def test_hidden_files_are_no_videos(touch: Touch) -> None:
    folder = touch("jump/a.mp4", "jump/._a.mp4", "jump/.part.mp4", ".b.mp4")
    assert _rows(read_videos(folder)) == [("jump/a.mp4", "jump", "")]


@pytest.mark.parametrize("hidden", [".trash/x.mp4", "jump/.old/x.mp4", ".git/lfs/x.mp4"])
def test_files_in_hidden_folders_are_no_videos(touch: Touch, hidden: str) -> None:
    assert _rows(read_videos(touch("jump/a.mp4", hidden))) == [("jump/a.mp4", "jump", "")]


def test_a_folder_named_like_a_video_is_none(touch: Touch) -> None:
    assert _rows(read_videos(touch("odd.mp4/a.mp4"))) == [("odd.mp4/a.mp4", "odd.mp4", "")]


# --- wrong input


def _error(source: Path, **options: Path | str) -> str:
    with pytest.raises(InputError) as caught:
        read_videos(source, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_missing_list(tmp_path: Path) -> None:
    assert "no such list or folder" in _error(tmp_path / "no.csv")


def test_unknown_path_names_line_and_count(touch: Touch) -> None:
    text = "path,label\na.mp4,x\n\nno1.mp4,x\nno2.mp4,x\n"
    message = _error(_csv(touch("a.mp4"), text))
    assert "line 4:" in message
    assert "no1.mp4" in message
    assert "2 of 3 missing" in message
    assert "--root" in message


def test_unknown_path_in_a_text_list(touch: Touch) -> None:
    message = _error(_csv(touch("a.mp4"), "a.mp4 x\n\nno.mp4 x\n", name="list.txt"))
    assert "line 3:" in message
    assert "no.mp4" in message
    assert "1 of 2 missing" in message


def test_a_folder_in_a_list_is_no_video(touch: Touch) -> None:
    message = _error(_csv(touch("jump/a.mp4"), "path\njump\n"))
    assert "line 2: no such video" in message


def test_empty_folder(touch: Touch) -> None:
    message = _error(touch("notes.txt"))
    assert "holds no video files" in message
    assert "1 file that holds no video (.txt)" in message


@pytest.mark.parametrize("text", ["", "\n\n", "path,label,split\n"])
def test_list_without_videos(touch: Touch, text: str) -> None:
    assert "lists no videos" in _error(_csv(touch(), text))


@pytest.mark.parametrize(
    "names", [("a.mp4", "jump/b.mp4"), ("jump/b.mp4", "train/jump/c.mp4"), ("a/b/c/d.mp4",)]
)
def test_folder_of_mixed_or_deep_levels(touch: Touch, names: tuple[str, ...]) -> None:
    assert "mixes levels" in _error(touch(*names))


@pytest.mark.parametrize("again", ["a.mp4", "./a.mp4"])
def test_video_listed_twice(touch: Touch, again: str) -> None:
    message = _error(_csv(touch("a.mp4", "b.mp4"), f"path,label\na.mp4,x\nb.mp4,x\n{again},y\n"))
    assert "a.mp4 is listed 2 times" in message


def test_one_file_by_two_paths(touch: Touch) -> None:
    folder = touch("run/001.mp4")
    (folder / "linked").symlink_to(folder / "run")
    message = _error(_csv(folder, "path\nrun/001.mp4\nrun/../run/001.mp4\n"))
    assert "run/001.mp4 is listed 2 times" in message
    message = _error(_csv(folder, "path\nrun/001.mp4\nlinked/001.mp4\n"))
    assert "line 3: linked/001.mp4 is the file run/001.mp4, which is listed too" in message


def test_two_names_that_mean_one_file(touch: Touch) -> None:
    message = _error(_csv(touch("run/a_1.mp4"), "path\nx/a(1).mp4\ny/a-1.mp4\n"))
    assert "line 2: no such video" in message
    assert "is that run/a_1.mp4, which y/a-1.mp4 can mean too?" in message


def test_same_file_one_folder_deeper_is_not_meant(touch: Touch) -> None:
    folder = touch("videos/run/001.mp4", "videos/walk/002.mp4")
    message = _error(_csv(folder, "walk/001.mp4 walk\nwalk/002.mp4 walk\n", name="l.txt"))
    assert "1 of 2 missing; did you mean videos/run/001.mp4?" in message


def test_bad_split_in_a_list(touch: Touch) -> None:
    message = _error(_csv(touch("a.mp4", "b.mp4"), "path,split\na.mp4,train\nb.mp4,holdout\n"))
    assert "line 3" in message
    assert "split 'holdout' is not one of train, val, test" in message


def test_bad_split_in_a_folder(touch: Touch) -> None:
    message = _error(touch("fold1/jump/a.mp4"))
    assert "fold1" in message
    assert "is not one of train, val, test" in message


@pytest.mark.parametrize(
    "content",
    [
        bytes(range(256)),
        b"\xff\xfea\x00.\x00m\x00p\x004\x00",  # UTF-16
        b"\0" * 2000,
        b"\0" * 200_000,
        b"x" * 5000,  # longer than a file's name can be
    ],
    ids=["bytes", "utf16", "zeros", "many-zeros", "long-line"],
)
def test_file_that_is_no_list(touch: Touch, tmp_path: Path, content: bytes) -> None:
    touch()
    (tmp_path / "clip.mp4").write_bytes(content)
    assert "clip.mp4" in _error(tmp_path / "clip.mp4")
