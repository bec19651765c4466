"""Official layouts: miniatures in exactly the distributed form, and the command that takes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tcon.cache import FeatureFile, InputError
from tcon.cli import main
from tcon.extract.lists.datasets import Found, read_dataset
from tcon.extract.lists.selection import Selection

Row = tuple[str, str, str]


@pytest.fixture
def lay(tmp_path: Path) -> Callable[..., Path]:
    """``lay(*videos, **texts)``: empty videos, and annotation files by their path, below a root."""

    def lay_(*videos: str, texts: Mapping[str, str] | None = None) -> Path:
        for name in videos:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).touch()
        for name, text in (texts or {}).items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(text.encode())
        return tmp_path

    return lay_


def _rows(found: Found) -> list[Row]:
    return sorted((item.id, item.label, item.split) for item in found.items)


def _refusal(name: str, root: Path, **options: object) -> str:
    with pytest.raises(InputError) as caught:
        read_dataset(name, root, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# --- UCF101

UCF101 = {
    "ucfTrainTestlist/classInd.txt": "1 Archery\r\n2 HandstandPushups\r\n",
    "ucfTrainTestlist/trainlist01.txt": "Archery/v_Archery_g08_c01.avi 1\r\n"
    "HandstandPushups/v_HandStandPushups_g08_c01.avi 2\r\n",
    "ucfTrainTestlist/testlist01.txt": "Archery/v_Archery_g01_c01.avi\r\n"
    "HandstandPushups/v_HandStandPushups_g01_c01.avi\r\n",
    "ucfTrainTestlist/trainlist02.txt": "Archery/v_Archery_g01_c01.avi 1\r\n",
    "ucfTrainTestlist/testlist02.txt": "Archery/v_Archery_g08_c01.avi\r\n",
}
UCF101_VIDEOS = (
    *("UCF-101/Archery/v_Archery_g01_c01.avi", "UCF-101/Archery/v_Archery_g08_c01.avi"),
    "UCF-101/HandstandPushups/v_HandStandPushups_g01_c01.avi",
    "UCF-101/HandstandPushups/v_HandStandPushups_g08_c01.avi",
)


def test_ucf101(lay: Callable[..., Path]) -> None:
    root = lay(*UCF101_VIDEOS, "UCF-101/Archery/v_Archery_g09_c01.avi", texts=UCF101)
    found = read_dataset("ucf101", root)
    assert _rows(found) == [
        (UCF101_VIDEOS[0], "Archery", "test"),
        (UCF101_VIDEOS[1], "Archery", "train"),
        (UCF101_VIDEOS[2], "HandstandPushups", "test"),
        (UCF101_VIDEOS[3], "HandstandPushups", "train"),
    ]
    assert {item.path for item in found.items} == {root / video for video in UCF101_VIDEOS}
    assert str(found) == "all 4 listed videos are there"
    assert found.passed == ()  # not the lists themselves
    assert _rows(read_dataset("ucf101", root, split=2)) == [
        (UCF101_VIDEOS[0], "Archery", "train"),
        (UCF101_VIDEOS[1], "Archery", "test"),
    ]


def test_ucf101_as_folders_of_frames(lay: Callable[..., Path]) -> None:
    frames = [f"frames/{Path(video).stem}/img_00001.jpg" for video in UCF101_VIDEOS]
    found = read_dataset("ucf101", lay(*frames, texts=UCF101))
    assert ("frames/v_HandStandPushups_g08_c01", "HandstandPushups", "train") in _rows(found)
    assert found.missing == []


def test_lists_beside_the_root(lay: Callable[..., Path], tmp_path: Path) -> None:
    lay(*UCF101_VIDEOS, texts=UCF101)
    found = read_dataset(
        "ucf101", tmp_path / "UCF-101", annotations=tmp_path / "ucfTrainTestlist", split=2
    )
    assert _rows(found) == [
        ("Archery/v_Archery_g01_c01.avi", "Archery", "train"),
        ("Archery/v_Archery_g08_c01.avi", "Archery", "test"),
    ]
    assert "no annotation file trainlist01.txt" in _refusal("ucf101", tmp_path / "UCF-101")


def test_of_two_copies_of_the_lists_the_upper_one(lay: Callable[..., Path]) -> None:
    copies = {f"old/{name}": "Wrong/v_Wrong_g01_c01.avi\n" for name in UCF101}
    root = lay(*UCF101_VIDEOS, texts=UCF101 | copies)
    assert read_dataset("ucf101", root).missing == []
    lay(texts={f"b/{Path(name).name}": text for name, text in UCF101.items()})
    message = _refusal("ucf101", root)
    assert "holds trainlist01.txt twice, in " in message
    assert "--annotations" in message


# --- UCF50


def test_ucf50(lay: Callable[..., Path]) -> None:
    root = lay(
        *("UCF50/Diving/v_Diving_g07_c01.avi", "UCF50/Diving/v_Diving_g08_c01.avi"),
        *("UCF50/YoYo/v_YoYo_g25_c04.avi", "UCF50/extra/holiday.avi"),
        "UCF50/HandstandPushups/v_HandStandPushups_g01_c01.avi",
    )
    expected = [
        ("UCF50/Diving/v_Diving_g07_c01.avi", "Diving", "test"),
        ("UCF50/Diving/v_Diving_g08_c01.avi", "Diving", "train"),
        ("UCF50/HandstandPushups/v_HandStandPushups_g01_c01.avi", "HandstandPushups", "test"),
        ("UCF50/YoYo/v_YoYo_g25_c04.avi", "YoYo", "train"),
    ]
    assert _rows(read_dataset("ucf50", root)) == expected


def test_ucf50_in_one_folder(lay: Callable[..., Path]) -> None:
    root = lay("all/v_TennisSwing_g03_c02.mp4")
    row = ("all/v_TennisSwing_g03_c02.mp4", "TennisSwing", "test")
    assert _rows(read_dataset("ucf50", root)) == [row]
    assert "named like v_Basketball_g01_c01.avi" in _refusal("ucf50", lay("other/a.mp4") / "other")


# --- HMDB51

ODD = "#20_(CZE)_&_Chiba!__[x]_kick_ball_f_nm_np1_fr_med_0.avi"
HMDB51 = {
    "testTrainMulti_7030_splits/kick_ball_test_split1.txt": f"{ODD} 1 \na_kick_ball_1.avi 2 \n"
    "b_kick_ball_2.avi 0 \n",
    "testTrainMulti_7030_splits/wave_test_split1.txt": "a_wave_1.avi 1 \nb_wave_2.avi 2 \n",
    "testTrainMulti_7030_splits/wave_test_split2.txt": "a_wave_1.avi 2 \nb_wave_2.avi 1 \n",
}


@pytest.mark.parametrize("folders", [True, False])
@pytest.mark.parametrize(
    "odd", [ODD, ODD.replace("(", "").replace(")", "").replace("&", "_").replace("!", "_")]
)
def test_hmdb51(lay: Callable[..., Path], folders: bool, odd: str) -> None:
    kick, wave = ("hmdb51_org/kick_ball/", "hmdb51_org/wave/") if folders else ("", "")
    root = lay(
        *(kick + odd, f"{kick}a_kick_ball_1.avi", f"{kick}b_kick_ball_2.avi"),
        *(f"{wave}a_wave_1.avi", f"{wave}b_wave_2.avi"),
        texts=HMDB51,
    )
    expected = [
        (kick + odd, "kick_ball", "train"),
        (f"{kick}a_kick_ball_1.avi", "kick_ball", "test"),
        (f"{wave}a_wave_1.avi", "wave", "train"),
        (f"{wave}b_wave_2.avi", "wave", "test"),
    ]
    assert _rows(read_dataset("hmdb51", root)) == sorted(expected)
    second = read_dataset("hmdb51", root, split=2)
    assert _rows(second)[0][1:] == ("wave", "test")
    assert "no split 4: its official splits are 1, 2, 3" in _refusal("hmdb51", root, split=4)


def test_the_same_name_in_two_classes(lay: Callable[..., Path]) -> None:
    lists = {f"{name}_test_split1.txt": "clip_1.avi 1 \n" for name in ("run", "wave")}
    root = lay("wave/clip_1.avi", "run/clip_1.avi", texts=lists)
    expected = [("run/clip_1.avi", "run", "train"), ("wave/clip_1.avi", "wave", "train")]
    assert _rows(read_dataset("hmdb51", root)) == expected


def test_a_rewritten_name_does_not_take_the_file_of_another(lay: Callable[..., Path]) -> None:
    lists = {"run_test_split1.txt": "a(1).avi 1 \n", "wave_test_split1.txt": "a_1.avi 2 \n"}
    found = read_dataset("hmdb51", lay("wave/a_1.avi", texts=lists))
    assert _rows(found) == [("wave/a_1.avi", "wave", "test")]
    assert found.missing == ["run/a(1).avi"]


def test_a_video_of_another_class_is_not_taken(lay: Callable[..., Path]) -> None:
    lists = {
        "a_test_split1.txt": "other_1.avi 1 \nother_2.avi 1 \n",
        "b_test_split1.txt": "x.avi 1 \n",
    }
    found = read_dataset("hmdb51", lay("org/a/other_1.avi", "org/b/other_2.avi", texts=lists))
    assert _rows(found) == [("org/a/other_1.avi", "a", "train")]
    assert found.hints == ["a/other_2.avi (did you mean org/b/other_2.avi?)", "b/x.avi"]


# --- Olympic Sports


@pytest.mark.parametrize("suffix", [".avi", ".mp4"])
def test_olympic(lay: Callable[..., Path], suffix: str) -> None:
    lists = {
        "train_test_split/train/basketball layup.txt": "-0cZn_00002\r\nZz9_00010\r\n",
        "train_test_split/train/springboard 3m.txt": "abc_00001\n",
        "train_test_split/test/springboard 3m.txt": "ABD_00001\n",
        "train_test_split/test/platform 10m.txt": "xyz_00001\n",
    }
    expected = [
        (f"basketball_layup/-0cZn_00002{suffix}", "basketball_layup", "train"),
        (f"basketball_layup/Zz9_00010{suffix}", "basketball_layup", "train"),
        (f"diving_platform_10m/xyz_00001{suffix}", "diving_platform_10m", "test"),
        (f"diving_springboard_3m/ABD_00001{suffix}", "diving_springboard_3m", "test"),
        (f"diving_springboard_3m/abc_00001{suffix}", "diving_springboard_3m", "train"),
    ]
    root = lay(*(video for video, *_ in expected), texts=lists)
    assert _rows(read_dataset("olympic", root)) == expected
    lay(texts={"train_test_split/train/tenis serve.txt": "x\n"})
    message = _refusal("olympic", root)
    assert "train/tenis serve.txt: no class" in message
    assert "'tenis serve': did you mean tennis_serve?" in message


# --- Jester

JESTER = {
    "jester-v1-labels.csv": "Swiping Left\nThumb Up\n",
    "jester-v1-train.csv": "34870;Swiping Left\n56557;Thumb Up\n",
    "jester-v1-validation.csv": "9223;Thumb Up\n",
    "jester-v1-test.csv": "7\n",
}


def test_jester(lay: Callable[..., Path]) -> None:
    frames = [f"20bn-jester-v1/{id_}/00001.jpg" for id_ in (34870, 56557, 9223, 7, 3)]
    root = lay(*frames, texts=JESTER)
    found = read_dataset("jester", root)
    assert _rows(found) == [
        ("34870", "Swiping Left", "train"),
        ("56557", "Thumb Up", "train"),
        ("9223", "Thumb Up", "val"),
    ]
    assert found.items[0].path == root / "20bn-jester-v1" / "34870"


# --- Kinetics

HEADER = "label,youtube_id,time_start,time_end,split\n"
KINETICS = {
    "annotations/train.csv": HEADER + "riding a bike,-AbCdEfGhIj,10,20,train\n"
    '"dancing, slowly",__0123456_8,7,17.0,train\n',
    "annotations/validate.csv": "label,youtube_id,time_start,time_end,split,is_cc\n"
    "riding a bike,KLMNopqrstu,0,10,validate,0\n",
    "annotations/test.csv": HEADER
    + ",vwxyzVWXYZ0,1,11,test\nriding a bike,11111111111,1,11,test\n",
    "notes.csv": "path,label\nx,y\n",
}


@pytest.mark.parametrize(
    ("first", "second"),
    [("train/riding_a_bike/", "train/dancing, slowly/"), ("videos/", "videos/")],
)
def test_kinetics(lay: Callable[..., Path], first: str, second: str) -> None:
    expected = [
        (f"{first}-AbCdEfGhIj_000010_000020.mp4", "riding a bike", "train"),
        (f"{second}__0123456_8.webm", "dancing, slowly", "train"),
        (f"{first}KLMNopqrstu_000000_000010.mp4", "riding a bike", "val"),
        (f"{first}11111111111_000001_000011.mkv", "riding a bike", "test"),
    ]
    root = lay(*(video for video, *_ in expected), "vwxyzVWXYZ0_000001_000011.mp4", texts=KINETICS)
    assert _rows(read_dataset("kinetics", root)) == sorted(expected)


def test_kinetics_lists_in_sibling_folders(lay: Callable[..., Path]) -> None:
    row = "riding a bike,KLMNopqrstu,0,10,train\n"
    texts = {
        "kinetics_train/kinetics_train.csv": HEADER + row + row,
        "kinetics_val/kinetics_val.csv": HEADER + "riding a bike,-AbCdEfGhIj,10,20,val\n",
    }
    root = lay("KLMNopqrstu.mp4", "-AbCdEfGhIj.mp4", texts=texts)
    assert _rows(read_dataset("kinetics", root)) == [
        ("-AbCdEfGhIj.mp4", "riding a bike", "val"),
        ("KLMNopqrstu.mp4", "riding a bike", "train"),
    ]
    # Two rows of one clip contradict each other.
    lay(texts={"kinetics_val/kinetics_val.csv": HEADER + row.replace("train", "val")})
    message = _refusal("kinetics", root)
    assert "kinetics_train.csv line 2 'riding a bike', 'train'" in message
    assert "kinetics_val.csv line 2 gives KLMNopqrstu_000000_000010 label 'riding" in message


def test_one_video_in_two_lists(lay: Callable[..., Path]) -> None:
    root = lay(
        "20bn-jester-v1/9223/00001.jpg",
        texts=JESTER | {"jester-v1-train.csv": "34870;Swiping Left\n9223;Thumb Up\n"},
    )
    message = _refusal("jester", root)
    assert "jester-v1-train.csv line 2 'Thumb Up', 'train'" in message
    assert "jester-v1-validation.csv line 1 gives 9223 label 'Thumb Up', split 'val'" in message


# --- what is missing, and what is wrong


def test_what_is_passed_over_is_told(lay: Callable[..., Path]) -> None:
    root = lay(*UCF101_VIDEOS, "UCF-101/Archery/notes.md", texts=UCF101)
    (root / "UCF-101" / "Diving").symlink_to("nowhere")
    notes: list[str] = []
    items = Selection(dataset="ucf101", root=root).read(on_note=notes.append)
    assert len(items) == 4
    assert notes == [
        "ucf101: all 4 listed videos are there.",
        f"{root}: passed over 1 file that holds no video (.md); 1 link that leads nowhere "
        "(UCF-101/Diving)",
    ]


def test_missing_videos_are_told(lay: Callable[..., Path]) -> None:
    root = lay(*UCF101_VIDEOS[1:3], "x/v_Archery_g01_c1.avi", texts=UCF101)
    found = read_dataset("ucf101", root)
    assert str(found) == (
        "2 of 4 listed videos are there, missing are HandstandPushups/v_HandStandPushups_g08_c01"
        ".avi; Archery/v_Archery_g01_c01.avi (did you mean x/v_Archery_g01_c1.avi?)"
    )
    assert found.missing == [
        "HandstandPushups/v_HandStandPushups_g08_c01.avi",
        "Archery/v_Archery_g01_c01.avi",
    ]
    message = _refusal("ucf101", root, strict=True)
    assert message.startswith("ucf101: 2 of 4 listed videos are there")
    assert "--strict" in message


def test_a_video_that_is_there_twice(lay: Callable[..., Path]) -> None:
    copies = [f"copy/{Path(video).name}" for video in UCF101_VIDEOS[:1]]
    root = lay(*UCF101_VIDEOS, "frames/v_Archery_g08_c01/1.jpg", *copies, texts=UCF101)
    found = read_dataset("ucf101", root)
    # Of two files the one in a folder of the class; one that has the list's suffix too.
    assert len(found.items) == 4
    lay(f"frames/Archery/{Path(copies[0]).stem}/1.jpg")
    assert read_dataset("ucf101", root).missing == []
    lay(f"other/Archery/{Path(copies[0]).name}")
    message = str(read_dataset("ucf101", root))
    assert "3 of 4" in message
    assert "is that UCF-101/Archery/v_Archery_g01_c01.avi or other/Archery/v_Arch" in message


def test_no_video_is_there(lay: Callable[..., Path], tmp_path: Path) -> None:
    root = lay(texts=UCF101)
    message = _refusal("ucf101", root)
    assert f"none of the 4 listed videos is below {root}, but no videos" in message
    assert "--root" in message
    assert "but other videos, as holiday.mp4" in _refusal("ucf101", lay("holiday.mp4"))
    assert "no such folder" in _refusal("ucf101", tmp_path / "no")
    assert "no such folder" in _refusal("ucf101", root, annotations=tmp_path / "no")
    assert "did you mean hmdb51?" in _refusal("hmdb", root)


@pytest.mark.parametrize(
    ("name", "file", "text", "says"),
    [
        ("ucf101", "trainlist01.txt", "A/v_A_g01_c01.avi 1\nv.avi 1\n", "line 2 is no"),
        ("ucf101", "trainlist01.txt", "A/v_A_g01_c01.avi 1 2\n", "line 1 is no"),
        ("hmdb51", "run_test_split1.txt", "a.avi 1 \na.avi 3 \n", "line 2 is no"),
        ("hmdb51", "run_test_split1.txt", "a.avi\n", "line 1 is no"),
        ("jester", "jester-v1-train.csv", "id;label\n", "line 1 is no"),
        (
            "kinetics",
            "a.csv",
            f"{HEADER}a,b,x,2,train\n",
            "line 2",
        ),
        ("kinetics", "a.csv", f"{HEADER}a,b,1\n", "line 2"),
        ("kinetics", "a.csv", f"{HEADER}a,,1,4,train\n", "line 2: the column youtube_id is empty"),
        ("kinetics", "a.csv", f"{HEADER}a,b,1,2,x\n", "line 2"),
        ("kinetics", "a.csv", f'{HEADER}"a,b,1,2,train\nc,d,1,2,train\n', "line 2"),
        ("ucf101", "trainlist01.txt", "\0\ud800", "is not a text file"),
    ],
)
def test_lists_of_another_form(
    lay: Callable[..., Path], name: str, file: str, text: str, says: str
) -> None:
    root = lay("a.avi")
    (root / file).write_bytes(text.encode("utf-8", "surrogatepass"))
    message = _refusal(name, root)
    assert says in message
    assert file in message


# --- the command


def _run(*arguments: str | Path) -> int | str | None:
    with pytest.raises(SystemExit) as caught:
        main.main([str(a) for a in arguments], prog_name="tcon")
    return caught.value.code


CHEAP = (
    *("--backbone", "resnet18", "--weights", "random", "--snippets", "2", "--min-frames", "1"),
    *("--device", "cpu", "--precision", "fp32", "--workers", "0"),
)


@pytest.mark.slow
def test_a_dataset_is_extracted(
    lay: Callable[..., Path],
    clips: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    root = lay(texts={f"data/{name}": text for name, text in UCF101.items()}) / "data"
    folder = root / "UCF-101" / "Archery"
    folder.mkdir(parents=True)
    for n, group in ((0, 1), (2, 8)):
        (folder / f"v_Archery_g{group:02d}_c01.avi").symlink_to(clips / f"jump/{n}.mp4")
    monkeypatch.chdir(tmp_path)
    for split in ("1", "2"):
        assert _run("extract", "--dataset", "ucf101", "--root", root, "--split", split, *CHEAP) == 0
    out = capsys.readouterr().out
    assert "ucf101: 2 of 4 listed videos are there, missing are HandstandPushups/v_Hand" in out
    assert "ucf101: all 2 listed videos are there." in out
    assert "2 videos; 1 class (Archery); train 1, test 1." in out
    for name, splits in (("ucf101", ["test", "train"]), ("ucf101_split2", ["train", "test"])):
        rows = sorted(FeatureFile(Path("cache") / f"{name}.h5").videos, key=lambda row: row.id)
        assert [row.split for row in rows] == splits
        assert rows[0].id == "UCF-101/Archery/v_Archery_g01_c01.avi"
    assert _run("extract", "--dataset", "ucf101", "--root", root, "--strict", "-o", "no.h5") == 2
    assert "missing are" in capsys.readouterr().err
    assert not Path("no.h5").exists()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("videos", "--dataset", "ucf101", "--root", "."), "no VIDEOS"),
        (("--dataset", "ucf101"), "needs --root DIR"),
        (("--dataset", "ucf101", "--root", ".", "--check"), "no VIDEOS, --check"),
        (("--dataset", "ucf101", "--root", ".", "--split", "0"), "no split 0"),
        (("--dataset", "ucf11", "--root", "."), "did you mean ucf101?"),
        (("videos", "--split", "1"), "for a --dataset"),
        (("videos", "--strict"), "for a --dataset"),
        (("--dataset", "hmdb51", "--root", ".", "--list-form", "foo"), "are for lists"),
        (("--dataset", "hmdb51", "--root", ".", "--classes", "no"), "are for lists"),
        (("--dataset", "hmdb51", "--root", ".", "--classes-from", "0"), "are for lists"),
        (("a.mp4", "--check", "--trust-pickle"), "are for lists"),
        ((".", "--classes-from", "0"), "is a folder"),
        ((), "name the VIDEOS to extract"),
    ],
)
def test_options_that_do_not_go_together(
    options: tuple[str, ...], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run("extract", *options) == 2
    error = capsys.readouterr().err
    assert says in error
    assert error.count("\n") == 1
