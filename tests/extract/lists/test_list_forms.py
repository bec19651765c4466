"""Every form of list: a miniature as its makers write it, read to the exact table."""

from __future__ import annotations

from pathlib import Path

import pytest
from fuzz import damaged_text, ends_well
from hypothesis import given
from hypothesis import strategies as st

from tcon.cache import InputError
from tcon.cache.schema import SPLITS
from tcon.extract.lists import Entry, ReadList, entries_from_epic, read_list
from tcon.extract.lists.forms.every import FORMS

# form (and case): name of the list, its text, its rows of (name, label, split, line)
MINIATURES = {
    "csv": (
        "list.csv",
        '\ufeffPath, Label,SPLIT\r\n"a, b.mp4",high jump,Training\r\n\r\nü c.mp4,,\r\n',
        [("a, b.mp4", "high jump", "train", 2), ("ü c.mp4", "", "", 4)],
    ),
    "kinetics": (
        "kinetics_val.csv",
        "label,youtube_id,time_start,time_end,split\n"
        '"passing American football (in game)",-1ohWBYNZC8,15,25,validate\n'
        "abseiling,_4YTwq0-73Y,1000.0,1010,val\n",
        [
            ("-1ohWBYNZC8_000015_000025", "passing American football (in game)", "val", 2),
            ("_4YTwq0-73Y_001000_001010", "abseiling", "val", 3),
        ],
    ),
    "kinetics test": (
        "kinetics_test.csv",
        "youtube_id,time_start,time_end,split\n--6bJUbfpnQ,17,27,test\n",
        [("--6bJUbfpnQ_000017_000027", "", "test", 2)],
    ),
    "ucf101": (
        "trainlist01.txt",
        "HandstandPushups/v_HandStandPushups_g08_c01.avi 37\r\nYoYo/v_YoYo_g25_c05.avi 101\r\n",
        [
            ("HandstandPushups/v_HandStandPushups_g08_c01.avi", "HandstandPushups", "train", 1),
            ("YoYo/v_YoYo_g25_c05.avi", "YoYo", "train", 2),
        ],
    ),
    "ucf101 test": (
        "testlist03.txt",
        "ApplyEyeMakeup/v_ApplyEyeMakeup_g01_c01.avi\r\n",
        [("ApplyEyeMakeup/v_ApplyEyeMakeup_g01_c01.avi", "ApplyEyeMakeup", "test", 1)],
    ),
    "hmdb51": (
        "kick_ball_test_split1.txt",
        "Kotasova_(CZE)_kick_0.avi 1 \nTHE_TRICK!!!_[HD]_&_kick_2.avi 2 \nunused.avi 0 \n",
        [
            ("Kotasova_(CZE)_kick_0.avi", "kick_ball", "train", 1),
            ("THE_TRICK!!!_[HD]_&_kick_2.avi", "kick_ball", "test", 2),
        ],
    ),
    "jester": (
        "jester-v1-validation.csv",
        "9223;Thumb Up\n42920;Drumming Fingers\n",
        [("9223", "Thumb Up", "val", 1), ("42920", "Drumming Fingers", "val", 2)],
    ),
    "jester test": (
        "jester-v1-test.csv",
        "1384\n5\n",
        [("1384", "", "test", 1), ("5", "", "test", 2)],
    ),
    "frames": (  # MA2L-TD's copy of TA3N's lists has CR-LF
        "hmdb_train.txt",
        "/home/cpp/RGB-feature/train/Olivia_Age_4_climb_2 133 0\r\n"
        '"/data/my set/-9t7-hXcl4U_00648_00780"\t133\t11\r\n',
        [
            ("/home/cpp/RGB-feature/train/Olivia_Age_4_climb_2", "0", "train", 1),
            ("/data/my set/-9t7-hXcl4U_00648_00780", "11", "train", 2),
        ],
    ),
    "span": (  # pykale's lists of parts of videos
        "D1_test.txt",
        "epic/P08/flow/P08_03 12 40 3\r\nP04/my clip\t17\t90\t5 2\r\n",
        [("epic/P08/flow/P08_03", "3", "test", 1), ("P04/my clip", "5", "test", 2)],
    ),
    "comma": (
        "hmdb51_val_hmdb_ucf.csv",
        "v_Rapier_at_Clinton_2007_fencing_5,1\nv_38_push-ups!_Not_bad_4,6\n",
        [
            ("v_Rapier_at_Clinton_2007_fencing_5", "1", "val", 1),
            ("v_38_push-ups!_Not_bad_4", "6", "val", 2),
        ],
    ),
    "comma paths": (  # SlowFast, PATH_LABEL_SEPARATOR ","
        "val.csv",
        '/k400/abseiling/x y.mp4,0\n"/k400/a, b.mp4",399\n',
        [("/k400/abseiling/x y.mp4", "0", "val", 1), ("/k400/a, b.mp4", "399", "val", 2)],
    ),
    "atcon": (
        "hmdb51_msda_test.txt",
        "0\t0\tdrink/50_FIRST_DATES_drink_29.avi\n1\t1\tjump/Goalkeeping__Academy 13\n",
        [
            ("drink/50_FIRST_DATES_drink_29.avi", "0", "test", 1),
            ("jump/Goalkeeping__Academy 13", "1", "test", 2),
        ],
    ),
    "text": (
        "videos.txt",
        'some/a.mp4 1\n  "my clip" 12 \nmy clip.mp4\nb.mp4\thigh jump\nc d.avi  2\n',
        [
            ("some/a.mp4", "1", "", 1),
            ("my clip", "12", "", 2),
            ("my clip.mp4", "", "", 3),
            ("b.mp4", "high jump", "", 4),
            ("c d.avi", "2", "", 5),
        ],
    ),
    "csv with tabs": (
        "list.csv",
        "path\tlabel\tsplit\na b.mp4\thigh jump\ttest\n",
        [("a b.mp4", "high jump", "test", 2)],
    ),
    "csv with spaces": (
        "list.txt",
        '# two videos\npath  label\na.mp4 run\n"b c.mp4"   "high jump"\n#\n',
        [("a.mp4", "run", "", 3), ("b c.mp4", "high jump", "", 4)],
    ),
    "text csv": (  # pytorchvideo, SlowFast: neither header nor comma
        "train.csv",
        "a/b c.mp4 3\nd,e.mp4 1\nf.mp4\n",
        [("a/b c.mp4", "3", "train", 1), ("d,e.mp4", "1", "train", 2), ("f.mp4", "", "train", 3)],
    ),
    "epic": (
        "EPIC_100_uda_source_train.csv",
        "narration_id,participant_id,video_id,narration_timestamp,start_timestamp,stop_timestamp,"
        "start_frame,stop_frame,narration,verb,verb_class,noun,noun_class,all_nouns,"
        "all_noun_classes\n"
        "P01_11_0,P01,P01_11,00:00:00.560,00:00:00.00,00:00:01.89,1,113,take plate,take,0,plate,"
        "2,\"['plate', 'board']\",\"[2, 8]\"\n",
        [("P01_11_0", "0", "train", 2)],
    ),
}


def _write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_bytes(text.encode())
    return path


def _rows(listed: ReadList) -> list[tuple[str, str, str, int]]:
    return [(e.name, e.label, e.split, e.line) for e in listed.entries]


@pytest.mark.parametrize("case", MINIATURES)
def test_miniature(tmp_path: Path, case: str) -> None:
    name, text, rows = MINIATURES[case]
    listed = read_list(_write(tmp_path, name, text))
    assert listed.form == case.split()[0]
    assert _rows(listed) == rows
    assert read_list(tmp_path / name, form=listed.form).entries == listed.entries


def test_frames_that_a_list_counts(tmp_path: Path) -> None:
    entries = read_list(_write(tmp_path, "list.txt", "/a/x 133 0\nb c 20 1\n")).entries
    assert entries == [Entry("/a/x", "0", line=1, frames=133), Entry("b c", "1", line=2, frames=20)]


def test_spans(tmp_path: Path) -> None:
    """pykale's lists: the end counts; further numbers are further labels."""
    listed = read_list(_write(tmp_path, "list.txt", "P04/my clip 1 16 3\nP04/x 17 40 5 2\n"))
    assert listed.form == "span"
    assert listed.entries == [
        Entry("P04/my clip", "3", line=1, span=(1, 16)),
        Entry("P04/x", "5", line=2, span=(17, 40)),
    ]
    assert "--list-form frames" in listed.note


def test_actions_of_epic(tmp_path: Path) -> None:
    rows = [
        {"narration_id": "P01_11_0", "video_id": "P01_11", "start_frame": 1, "stop_frame": 113}
        | {"verb": "take", "verb_class": 0},
        {"uid": 9, "video_id": "P08_01", "start_frame": 7.0, "stop_frame": "30", "verb": "put"}
        | {"verb_class": float("nan"), "narration_id": None},
    ]
    assert entries_from_epic(rows) == [
        Entry("P01_11_0", "0", line=1, span=(1, 113)),
        Entry("P08_01_9", "", line=2, span=(7, 30)),
    ]
    # MM-SADA's rows as pandas writes them: an index without a name before them
    text = ",uid,video_id,start_frame,stop_frame,verb_class\n0,9,P08_01,7,30,3\n"
    listed = read_list(_write(tmp_path, "D1_test.csv", text))
    assert listed.entries == [Entry("P08_01_9", "3", "test", line=2, span=(7, 30))]


@pytest.mark.parametrize(
    ("column", "value"),
    [("video_id", ""), ("narration_id", None), ("start_frame", "x"), ("stop_frame", -4)],
)
def test_action_of_epic_that_lacks_something(column: str, value: object) -> None:
    row = {"narration_id": "P1_1_0", "video_id": "P1_1", "start_frame": 1, "stop_frame": 2}
    with pytest.raises(InputError, match=r"^row 2: "):
        entries_from_epic([row, {**row, column: value}])


# --- which form, and which split


@pytest.mark.parametrize("blank", ["\r\n\r\n", "\n \t\n"])
def test_white_space_does_not_matter(tmp_path: Path, blank: str) -> None:
    text = f"\ufeff{blank}/a/x  133\t0 \t{blank}/a/y 20 1"
    listed = read_list(_write(tmp_path, "list.txt", text))
    assert [(e.name, e.frames, e.label) for e in listed.entries] == [
        ("/a/x", 133, "0"),
        ("/a/y", 20, "1"),
    ]


@pytest.mark.parametrize(
    ("text", "taken", "form", "names"),
    [
        ("clip 1 2\nclip 2 2\n", "frames", "text", ["clip 1", "clip 2"]),
        ("d 1 20 3\n", "span", "frames", ["d 1"]),
        ("A/v_A_g01_c01.avi 0\n", "ucf101", "text", ["A/v_A_g01_c01.avi"]),
    ],
)
def test_forms_that_look_alike(
    tmp_path: Path, text: str, taken: str, form: str, names: list[str]
) -> None:
    path = _write(tmp_path, "list.txt", text)
    listed = read_list(path)
    assert listed.form == taken
    assert f"--list-form {form}" in listed.note
    forced = read_list(path, form=form)
    assert [e.name for e in forced.entries] == names
    assert "could also be" not in forced.note


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("ucf101_train_hmdb_ucf.csv", "train"),
        ("jester_target_val.csv", "val"),
        ("kinetics_daily_msda_test.csv", "test"),
        ("hmdb_eval.csv", "test"),
        ("evaluation.csv", "test"),
        ("training-set.csv", "train"),
        ("valid2.csv", "val"),
        ("testing.csv", "test"),
        ("trainval.csv", ""),
        ("retrieval_evals.csv", ""),
        ("train_test.csv", ""),
        ("latest.csv", ""),
    ],
)
def test_split_by_the_name_of_the_list(tmp_path: Path, name: str, split: str) -> None:
    listed = read_list(_write(tmp_path, name, "v_a,3\n"))
    assert listed.entries[0].split == split
    assert (f"split {split}, by the list's name" in listed.note) == bool(split)


def test_what_is_no_video_is_said(tmp_path: Path) -> None:
    text = "# of 2020\npath\tlabel\n#20_(CZE)_kick_0.avi\tkick\n"
    listed = read_list(_write(tmp_path, "list.txt", text))
    assert [e.name for e in listed.entries] == ["#20_(CZE)_kick_0.avi"]
    assert "its first line names the columns path, label, with tabs between them" in listed.note
    assert "1 line of comment (# ...) left out" in listed.note


# --- class maps


# a class map, the labels of a list, their names
CLASS_MAPS = [
    ("1 ApplyEyeMakeup\r\n2 YoYo\r\n", "12", ["ApplyEyeMakeup", "YoYo"]),  # UCF101
    ("0 climb\n1 kick_ball  \n", "01", ["climb", "kick_ball"]),  # TA3N
    ("Swiping Left\nThumb Up\n", "01", ["Swiping Left", "Thumb Up"]),  # Jester
    ("id,key,instances\n0,take,\"['take', 'get']\"\n1,put,[]\n", "01", ["take", "put"]),  # EPIC
    ("verb_id,class_key,verbs\n0,take,x\n1,put,x\n", "01", ["take", "put"]),
    ("3 point shot\nfree throw\n", "01", ["3 point shot", "free throw"]),
]


@pytest.mark.parametrize(("text", "labels", "names"), CLASS_MAPS)
def test_class_map(tmp_path: Path, text: str, labels: str, names: list[str]) -> None:
    path = _write(tmp_path, "list.txt", "".join(f"v{n}.mp4 {n}\n" for n in labels))
    listed = read_list(path, classes=_write(tmp_path, "classes", text))
    assert [e.label for e in listed.entries] == names
    assert f"label {labels[0]} is {names[0]}" in listed.note


@pytest.mark.parametrize(
    ("text", "labels", "first"), [("1 a\n2 b\n3 c\n", "02", 0), ("a\nb\nc\n", "13", 1)]
)
def test_class_map_that_counts_from_another_number(
    tmp_path: Path, text: str, labels: str, first: int
) -> None:
    path = _write(tmp_path, "list.txt", "".join(f"v{n}.mp4 {n}\n" for n in labels))
    classes = _write(tmp_path, "classes", text)
    with pytest.raises(InputError, match=f"count from {first}, add --classes-from {first}$"):
        read_list(path, classes=classes)
    listed = read_list(path, classes=classes, classes_from=first)
    assert [e.label for e in listed.entries] == ["a", "c"]
    assert f"counts from {1 - first}, not from {first} as the list" in listed.note
    with pytest.raises(InputError, match="names no class"):
        read_list(path, classes=classes, classes_from=1 - first)


def test_a_class_map_is_never_shifted_unasked(tmp_path: Path) -> None:
    """Of two lists the one that happens to lack a class would be shifted otherwise."""
    classes = _write(tmp_path, "classes", "0 climb\n1 golf\n2 walk\n")
    path = _write(tmp_path, "val.txt", "v.mp4 1\nw.mp4 2\n")
    assert [e.label for e in read_list(path, classes=classes).entries] == ["golf", "walk"]
    shifted = read_list(path, classes=classes, classes_from=1).entries
    assert [e.label for e in shifted] == ["climb", "golf"]


def test_labels_that_are_names_already(tmp_path: Path) -> None:
    path = _write(tmp_path, "list.txt", "a.mp4 jump\nb.mp4 run\n")
    listed = read_list(path, classes=_write(tmp_path, "classes", "0 x\n"))
    assert [e.label for e in listed.entries] == ["jump", "run"]
    assert "no label is a number" in listed.note


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0 a\n1 b\n", "list.txt line 2: .* names no class 7; it names 0 to 1"),
        ("5 Punch\n5 BoxingSpeedBag\n", "classes line 2: class 5 is Punch and BoxingSpeedBag"),
        ("0 a\n1 b\n2\n", "classes line 3 is not of the form 'number name'"),
        ("id,key\n0,a\nx,b\n", "classes line 3 lacks the number or the name"),
        ("", "classes is an empty file"),
    ],
)
def test_class_map_that_does_not_fit(tmp_path: Path, text: str, message: str) -> None:
    path = _write(tmp_path, "list.txt", "a.mp4 0\nb.mp4 7\n")
    with pytest.raises(InputError, match=message):
        read_list(path, classes=_write(tmp_path, "classes", text))


# --- wrong input


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "l.txt",
            "/a 3 0\n/b 4 1\n/c x\n/d 5 1\n",
            "not of the form 'dir num_frames label', as most",
        ),
        ("l.csv", "v_a,3\nv_b 4\nv_c,5\n", "line 2 is not of the form 'video,label', as most"),
        ("l.txt", "/a -3 0\n", "line 1: no video has -3 frames"),
        ("l.txt", "/a 3 0\n/b 3 99999999999\n", "line 2: no video .* the class 99999999999"),
        ("l.txt", f"/a {'9' * 9000} 0\n", "line 1: no video has 9"),
        ("l.txt", "a.mp4 -2\n", "line 1: no video has the class -2$"),
        ("l.txt", "/a 20 3 0\n", "line 1: frame 3 is before frame 20"),
        ("l.txt", "a.mp4 x\0\n", r"is not a text file: line 1 holds '\\x00'"),
        ("l.txt", "a" * 10_001, "line 1 is longer than 10000 characters"),
        ("l.csv", 'path,label\n"a.mp4,x\nb.mp4,y\n', "line 2: its quotes do not match"),
        ("l.txt", 'a.mp4 1\n"" 1\n', "line 2 names no video"),
        ("l.csv", "path,label\n,x\n", "line 2: the column path is empty"),
        ("l.txt", "path label\na b.mp4 x\n", "line 2: has 3 cells of 2 columns: put quotes round"),
        ("l.txt", "# nothing\n", "lists no videos"),
        ("l.txt", "a.mp4 1 3 5\n", "line 1: a.mp4 is a video file: frames 1 to 3 can be taken of"),
        ("l.csv", "video,label\na.mp4,x\n", "line 1: a csv list starts with a header"),
        ("l.csv", "a.mp4,x\n", "line 1: a csv list starts with a header"),
        ("l.csv", "a.mp4,x,train\n", "line 1: a csv list starts with a header"),
        ("l.csv", "path\n", "lists no videos"),
        ("run_test_split1.txt", "a.avi 0 \n", "lists no videos"),
        ("l.csv", "youtube_id,time_start,time_end\na,nan,3\n", "line 2: time 'nan'"),
        ("l.csv", "youtube_id,time_start,time_end\na,1,1e9\n", "line 2: time '1e9'"),
    ],
)
def test_wrong_list(tmp_path: Path, name: str, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read_list(_write(tmp_path, name, text))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_form_that_does_not_fit(tmp_path: Path) -> None:
    path = _write(tmp_path, "l.txt", "a.mp4 1\n")
    with pytest.raises(InputError, match="1 is not of the form 'dir num_frames label': a.mp4 1"):
        read_list(path, form="frames")
    with pytest.raises(InputError, match="names the columns time_end, time_start, youtube_id, not"):
        read_list(path, form="kinetics")
    with pytest.raises(InputError, match="no list form 'frame': did you mean frames"):
        read_list(path, form="frame")
    with pytest.raises(InputError, match="no list "):
        read_list(tmp_path / "none.txt")


@pytest.mark.parametrize("case", MINIATURES)
@given(data=st.data())
def test_damaged_lists(tmp_path: Path, case: str, data: st.DataObject) -> None:
    name, text, _ = MINIATURES[case]
    path = tmp_path / name
    path.write_bytes(data.draw(damaged_text(text.encode())))
    form = data.draw(st.sampled_from([None, case.split()[0], *FORMS]))
    with ends_well():
        for entry in read_list(path, form=form).entries:
            assert entry.name and "\0" not in entry.name + entry.label
            assert entry.split in SPLITS
            assert 0 <= entry.frames < 2**31
            start, stop = entry.span or (0, 0)
            assert 0 <= start <= stop < 2**31


def test_a_class_map_names_every_class(tmp_path: Path) -> None:
    path = _write(tmp_path, "list.txt", "a.mp4 0\nb.mp4 1\n")
    (tmp_path / "classes").write_text("id,key\n0,take\n1,\n")
    with pytest.raises(InputError, match="line 3 lacks the number or the name of a class"):
        read_list(path, classes=tmp_path / "classes")


@pytest.mark.parametrize("text", [text for text, _, _ in CLASS_MAPS])
@given(data=st.data())
def test_damaged_class_maps(tmp_path: Path, text: str, data: st.DataObject) -> None:
    path = _write(tmp_path, "list.txt", "a.mp4 0\nb.mp4 1\n")
    (tmp_path / "classes").write_bytes(data.draw(damaged_text(text.encode())))
    with ends_well():
        assert all(e.label for e in read_list(path, classes=tmp_path / "classes").entries)
