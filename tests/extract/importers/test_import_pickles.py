"""Pickled features and annotations in the documented forms are read to the exact table."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from fuzz import PICKLE, damaged, ends_well
from hypothesis import given
from hypothesis import strategies as st

from tcon.cache import InputError
from tcon.extract import import_features
from tcon.extract.importers.formats.epic100 import Epic100
from tcon.extract.importers.formats.mmaction2 import MMAction2
from tcon.extract.importers.formats.mmsada import MMSada
from tcon.extract.lists import Entry, entries_from_epic, read_list
from tcon.extract.lists.forms.epic import entries_from_pickle

PANDAS = Path(__file__).parents[1] / "pickles" / "samples"


def features(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def epic100() -> dict:
    by_modality = {
        "RGB": features(3, 25, 8),
        "Flow": features(3, 25, 6),
        "Audio": features(3, 25, 4),
    }
    return {"features": by_modality, "narration_ids": ["P01_11_0", "P01_11_1", "P22_107_7"]}


def mmsada() -> dict:
    samples = [
        {"uid": uid, "video_name": video, "features_RGB": features(5, 8, seed=uid)}
        for uid, video in ((12917, "P08_01"), (12918, "P08_01"), (2, "P08_17"))
    ]
    return {"features": samples}


def write(path: Path, content: object, protocol: int = 4) -> Path:
    path.write_bytes(pickle.dumps(content, protocol))
    return path


@pytest.mark.parametrize("protocol", range(6))
def test_epic_100_is_read(tmp_path: Path, protocol: int) -> None:
    wrote = epic100()
    source = Epic100(write(tmp_path / "source_train.pkl", wrote, protocol), trust_pickle=True)
    assert list(source.names()) == wrote["narration_ids"]
    for place, name in enumerate(source.names()):
        found = source.read(name)
        assert {*found} == {"rgb", "flow", "audio"}
        for modality, rows in wrote["features"].items():
            np.testing.assert_array_equal(found[modality.lower()].features, rows[place])
            assert found[modality.lower()].frame.tolist() == list(range(25))
    assert source.entries() == []


def test_ids_can_be_an_array(tmp_path: Path) -> None:
    wrote = epic100() | {"narration_ids": np.array(["P01_1_0", "P01_1_1", "P01_1_2"])}
    source = Epic100(write(tmp_path / "x.pkl", wrote), trust_pickle=True)
    assert list(source.names()) == ["P01_1_0", "P01_1_1", "P01_1_2"]


@pytest.mark.parametrize("protocol", range(6))
def test_mm_sada_features_are_read(tmp_path: Path, protocol: int) -> None:
    wrote = mmsada()
    source = MMSada(write(tmp_path / "i3d_D1_train.pkl", wrote, protocol), trust_pickle=True)
    assert list(source.names()) == ["P08_01_12917", "P08_01_12918", "P08_17_2"]
    for name, sample in zip(source.names(), wrote["features"], strict=True):
        found = source.read(name)
        assert {*found} == {"rgb"}
        np.testing.assert_array_equal(found["rgb"].features, sample["features_RGB"])
    assert source.entries() == []
    for sample in wrote["features"]:
        sample["label"] = 4
    source = MMSada(write(tmp_path / "x.pkl", wrote), trust_pickle=True)
    assert source.entries()[0] == Entry("P08_01_12917", label="4")


# What MMAction2 writes per video: an array, a row of a batch's tensor, or a list.
MMACTION2: dict[str, Callable[[np.ndarray], object]] = {
    "array": lambda rows: rows,
    "tensor": lambda rows: torch.from_numpy(np.stack([rows, rows + 1]))[0],
    "half tensor": lambda rows: torch.from_numpy(rows).half(),
    "list": lambda rows: list(rows),
    "list of tensors": lambda rows: list(torch.from_numpy(rows)),
}


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("kind", MMACTION2)
def test_mmaction2_is_read(tmp_path: Path, kind: str, protocol: int) -> None:
    rows = features(7, 16).astype(np.float16).astype(np.float32)
    (tmp_path / "YoYo").mkdir()
    write(tmp_path / "YoYo" / "v_YoYo_g01_c01.avi.pkl", MMACTION2[kind](rows), protocol)
    write(tmp_path / "one.pkl", MMACTION2["tensor"](rows[0]), protocol)
    source = MMAction2(tmp_path, trust_pickle=True)
    assert {*source.names()} == {"YoYo/v_YoYo_g01_c01.avi", "one"}
    (found,) = source.read("YoYo/v_YoYo_g01_c01.avi").values()
    np.testing.assert_array_equal(found.features, rows)
    (found,) = source.read("one").values()
    np.testing.assert_array_equal(found.features, rows[:1])


def test_the_file_of_all_videos_is_no_video(tmp_path: Path) -> None:
    write(tmp_path / "total_feats.pkl", [features(2, 4)] * 2)
    with pytest.raises(InputError, match="total_feats.pkl alone"):
        MMAction2(tmp_path, trust_pickle=True)
    write(tmp_path / "a.mp4.pkl", features(2, 4))
    assert [*MMAction2(tmp_path, trust_pickle=True).names()] == ["a.mp4"]


def test_a_tensor_hides_nothing(tmp_path: Path) -> None:
    """Torch itself would load a tensor's bytes as another pickle, and run it."""
    ran = tmp_path / "ran"
    evil = b"cos\nsystem\n(V" + f"touch {ran}".encode() + b"\ntR."
    wrote = pickle.dumps(torch.ones(3), 4)
    inner = wrote.index(b"\x80\x02\x8a\x0a")  # the legacy file of torch.save
    length = int.from_bytes(wrote[inner - 4 : inner], "little")
    payload = evil + wrote[inner + len(evil) : inner + length]
    (tmp_path / "x.pkl").write_bytes(wrote[:inner] + payload + wrote[inner + length :])
    with pytest.raises(InputError, match=r"os\.system"):
        MMAction2(tmp_path, trust_pickle=True).read("x")
    assert not ran.exists()


def test_annotations_of_mm_sada_are_read(tmp_path: Path) -> None:
    path = tmp_path / "D1_train.pkl"
    path.write_bytes((PANDAS / "pandas-1.0.5.pkl").read_bytes())
    listed = read_list(path, trust_pickle=True)
    assert (listed.form, listed.entries[0].where) == ("epic", f"{path} line 1")
    assert "split train, by the list's name" in listed.note
    assert listed.entries == [
        Entry("P08_01_12917", "3", "train", 1, span=(437, 537)),
        Entry("P08_02_12918", "9", "train", 2, span=(540, 600)),
        Entry("P08_02_12920", "2", "train", 3, span=(4037, 4137)),
    ]


def test_train_and_test_go_into_one_file(tmp_path: Path) -> None:
    """Two imports, each with its own list."""
    for split, uids in (("train", (1, 2)), ("test", (3,))):
        samples = [
            {"uid": uid, "video_name": "P08_01", "features_RGB": features(5, 8, seed=uid)}
            for uid in uids
        ]
        write(tmp_path / f"i3d_D1_{split}.pkl", {"features": samples})
        rows = "".join(f"{uid},P08_01,1,9,{uid + 3}\n" for uid in uids)
        (tmp_path / f"D1_{split}.csv").write_text(
            f"uid,video_id,start_frame,stop_frame,verb_class\n{rows}"
        )
        lists = [str(tmp_path / f"D1_{split}.csv")]
        pickled = tmp_path / f"i3d_D1_{split}.pkl"
        output = tmp_path / "D1.h5"
        file = import_features(pickled, output, kind="mmsada", lists=lists, trust_pickle=True)
        assert not file.failures
    assert [(video.id, video.label, video.split) for video in file.videos] == [
        ("P08_01_1", "4", "train"),
        ("P08_01_2", "5", "train"),
        ("P08_01_3", "6", "test"),
    ]
    wrote = np.concatenate([features(5, 8, seed=uid) for uid in (1, 2, 3)])
    np.testing.assert_array_equal(file.packed().features, wrote.astype(np.float16))


def test_annotations_of_epic_100_are_read(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(
        {
            "narration_id": ["P01_11_0", "P22_107_7"],
            "participant_id": ["P01", "P22"],
            "video_id": ["P01_11", "P22_107"],
            "narration_timestamp": ["00:00:00.560", "00:01:01.000"],
            "start_timestamp": ["00:00:00.000", "00:01:00.000"],
            "stop_timestamp": ["00:00:01.890", "00:01:02.000"],
            "start_frame": [1, 3000],
            "stop_frame": [113, 3100],
            "narration": ["take plate", "put plate"],
            "verb": ["take", "put"],
            "verb_class": [0, 1],
            "noun": ["plate", "plate"],
            "noun_class": [2, 2],
            "all_nouns": [["plate"], ["plate"]],
            "all_noun_classes": [[2], [2]],
        }
    )
    frame.set_index("narration_id").to_pickle(tmp_path / "EPIC_100_uda_source_val.pkl")
    path = tmp_path / "EPIC_100_uda_source_val.pkl"
    assert read_list(path, trust_pickle=True).entries == [
        Entry("P01_11_0", "0", "val", 1, span=(1, 113)),
        Entry("P22_107_7", "1", "val", 2, span=(3000, 3100)),
    ]
    unlabelled = frame.drop(columns=["verb", "verb_class", "noun", "noun_class"])
    unlabelled.to_pickle(tmp_path / "EPIC_100_uda_target_test_timestamps.pkl")
    path = tmp_path / "EPIC_100_uda_target_test_timestamps.pkl"
    found = read_list(path, trust_pickle=True).entries
    assert {(entry.label, entry.split) for entry in found} == {("", "test")}
    frame.drop(columns="video_id").to_pickle(tmp_path / "x.pkl")
    with pytest.raises(InputError, match="row 1: an action needs a video_id"):
        entries_from_pickle(tmp_path / "x.pkl", trust=True)


def test_nothing_is_read_without_trust(tmp_path: Path) -> None:
    path = write(tmp_path / "x.pkl", epic100())
    readers = (
        lambda: Epic100(path),
        lambda: MMSada(path),
        lambda: MMAction2(tmp_path),
        lambda: entries_from_pickle(path, trust=False),
    )
    for reader in readers:
        with pytest.raises(InputError, match="--trust-pickle"):
            reader()


WRONG: dict[str, tuple[type, object, str]] = {
    "mmsada as epic100": (Epic100, mmsada(), "mmsada"),
    "epic100 as mmsada": (MMSada, epic100(), "epic100"),
    "rows missing": (
        Epic100,
        epic100() | {"narration_ids": ["a", "b"]},
        "one row per narration_id",
    ),
    "ids twice": (Epic100, epic100() | {"narration_ids": ["a", "b", "a"]}, "twice"),
    "ids as numbers": (Epic100, epic100() | {"narration_ids": [1, 2, 3]}, "narration_ids"),
    "sample twice": (
        MMSada,
        {"features": mmsada()["features"] + mmsada()["features"]},
        "second of",
    ),
    "one sample again": (MMSada, {"features": mmsada()["features"][:1] * 9}, "second of"),
    "no uid": (MMSada, {"features": [{"features_RGB": features(2, 2)}]}, "no uid and video_name"),
    "no features": (MMSada, {"features": [{"uid": 1, "video_name": "P01"}]}, "no arrays"),
    "odd modality": (
        MMSada,
        {"features": [{"uid": 1, "video_name": "P01", "features_/videos": features(2, 2)}]},
        "'/videos' cannot be a modality",
    ),
}


@pytest.mark.parametrize("kind", WRONG)
def test_other_forms_are_refused(tmp_path: Path, kind: str) -> None:
    importer, content, message = WRONG[kind]
    with pytest.raises(InputError, match=message) as caught:
        importer(write(tmp_path / "x.pkl", content), trust_pickle=True)
    assert str(tmp_path / "x.pkl") in str(caught.value)


def test_bytes_that_all_share_are_counted(tmp_path: Path) -> None:
    """A thousand samples of one megabyte, in a file of one megabyte."""
    rows = features(100, 2560)
    samples = [{"uid": n, "video_name": "P01", "features_RGB": rows} for n in range(1000)]
    with pytest.raises(InputError, match="more features than it holds"):
        MMSada(write(tmp_path / "x.pkl", {"features": samples}), trust_pickle=True)
    write(tmp_path / "x.pkl", [rows] * 1000)
    with pytest.raises(InputError, match="more features than it holds"):
        MMAction2(tmp_path, trust_pickle=True).read("x")


LONG = "x" * 10**6  # that all rows share: some megabytes of file, and gigabytes if repeated


@pytest.mark.parametrize(
    ("key", "said"),
    [("video_name", "video_name"), ("uid", "uid"), ("label", "labels that are not names: one")],
)
def test_long_names_that_all_samples_share(tmp_path: Path, key: str, said: str) -> None:
    one = {"label": "a", "video_name": "P01"}
    samples = [
        one | {"uid": f"{n}", "features_RGB": features(2, 2, seed=n)} | {key: LONG}
        for n in range(100)
    ]
    path = write(tmp_path / "x.pkl", {"features": samples})
    assert path.stat().st_size < 2 * 10**6
    with pytest.raises(InputError, match=f"{said} has 1000000 characters, .* at most 4096"):
        MMSada(path, trust_pickle=True).entries()


def test_long_ids_and_cells(tmp_path: Path) -> None:
    path = write(tmp_path / "x.pkl", epic100() | {"narration_ids": ["a", "b", LONG]})
    with pytest.raises(InputError, match="a narration_id has 1000000 characters"):
        Epic100(path, trust_pickle=True)
    row = {"video_id": "P01_1", "uid": 1, "start_frame": 1, "stop_frame": 2, "verb_class": 0}
    for column in row:
        with pytest.raises(InputError, match=f"row 2: {column} has 1000000 characters"):
            entries_from_epic([row, row | {column: LONG}])


PICKLES: dict[str, Callable[[int], bytes]] = {
    "epic100": lambda protocol: pickle.dumps(epic100(), protocol),
    "mmsada": lambda protocol: pickle.dumps(mmsada(), protocol),
    "mmaction2": lambda protocol: pickle.dumps([*torch.ones(2, 3)], max(protocol, 2)),
    "annotations": lambda n: sorted(PANDAS.glob("*.pkl"))[n].read_bytes(),
}


@pytest.mark.parametrize("kind", PICKLES)
@pytest.mark.filterwarnings("ignore:invalid escape sequence:DeprecationWarning")
@given(data=st.data())
def test_damaged_pickles(tmp_path: Path, kind: str, data: st.DataObject) -> None:
    version = data.draw(st.integers(0, 8 if kind == "annotations" else 5))
    path = tmp_path / "x.pkl"
    path.write_bytes(data.draw(damaged(PICKLES[kind](version), PICKLE)))
    with ends_well():
        if kind == "annotations":
            entries_from_pickle(path, trust=True)
            return
        importer = {"epic100": Epic100, "mmsada": MMSada, "mmaction2": MMAction2}[kind]
        source = importer(tmp_path if kind == "mmaction2" else path, trust_pickle=True)
        assert all(entry.name for entry in source.entries())
        for name in source.names():
            assert all(rows.features.ndim == 2 for rows in source.read(name).values())
