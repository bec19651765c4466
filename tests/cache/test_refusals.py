"""Wrong input is refused with one line that says what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from tcon.cache import FeatureFile, FeatureWriter, InputError, Recipe, Snippets, Video
from tcon.cache.common.machine.device import choose_device
from tcon.cache.recipe import Preprocessing, Sampling, Views

COMPARED = {
    "backbone": "other",
    "weights_sha256": "ff",
    "layer": "conv5",
    "dim": 5,
    "preprocessing": Preprocessing(value_range=255.0),
    "snippet_length": 16,
    "sampling": Sampling("stride", 8),
    "precision": "bf16",
    "views": Views("flip"),
    "imported": "t7",
}

APART = {
    "backbone": "net in place of other",
    "weights_sha256": "a1 in place of ff",
    "layer": "pool in place of conv5",
    "dim": "4 in place of 5",
    "preprocessing": "value_range=1.0 in place of value_range=255.0",
    "snippet_length": "1 in place of 16",
    "sampling": "uniform:32 in place of stride:8",
    "precision": "fp32 in place of bf16",
    "views": "centre in place of flip",
    "imported": "none in place of t7",
}


@pytest.fixture
def path(
    tmp_path: Path,
    recipe: Callable[..., Recipe],
    video: Callable[..., Video],
    snippets: Callable[..., Snippets],
) -> Path:
    """A feature file of one video."""
    with FeatureWriter(tmp_path / "x.h5", {"rgb": recipe()}) as writer:
        writer.add(video("a"), {"rgb": snippets(2)})
    return tmp_path / "x.h5"


@pytest.mark.parametrize("field", COMPARED)
def test_mixing_is_refused_and_the_field_named(
    path: Path, recipe: Callable[..., Recipe], field: str
) -> None:
    before = path.read_bytes()
    changed = recipe(**{field: COMPARED[field]})
    with pytest.raises(InputError) as caught:
        FeatureWriter(path, {"rgb": changed})
    message = str(caught.value)
    assert recipe().differences(changed) == [f"{field}: {APART[field]}"]
    assert f"{field}: {APART[field]}" in message
    assert sum(f"{name}: " in message for name in COMPARED) == 1
    assert "\n" not in message
    assert path.read_bytes() == before


def test_a_model_of_transformers_may_lie_elsewhere(recipe: Callable[..., Recipe]) -> None:
    here = {"backbone": "hf:./clip", "weights": "clip", "weights_sha256": "ab" * 32}
    there = {**here, "backbone": "hf:/models/clip"}
    assert recipe(**here).differences(recipe(**there)) == []
    for other in ({"weights": "cut"}, {"weights_sha256": "cd" * 32}, {"backbone": "clip"}):
        assert recipe(**here).differences(recipe(**{**there, **other}))
    unknown = {"weights": "random", "weights_sha256": ""}
    assert recipe(**{**here, **unknown}).differences(recipe(**{**there, **unknown}))


def test_fields_that_hold_commas_are_compared_as_a_whole(recipe: Callable[..., Recipe]) -> None:
    other = recipe(preprocessing=Preprocessing(resize=(256, 340), mean=(0.485, 0.4, 0.406)))
    assert recipe().differences(other) == [
        "preprocessing: resize=256 in place of resize=(256, 340), "
        "mean=(0.485, 0.456, 0.406) in place of mean=(0.485, 0.4, 0.406)"
    ]


def test_all_differing_fields_are_named(path: Path, recipe: Callable[..., Recipe]) -> None:
    with pytest.raises(InputError) as caught:
        FeatureWriter(path, {"rgb": recipe(**COMPARED)})
    assert all(f"{name}: " in str(caught.value) for name in COMPARED)


@pytest.mark.parametrize("field", ["weights", "tool_version", "device", "list_sha256"])
def test_a_mere_record_may_differ(
    path: Path,
    recipe: Callable[..., Recipe],
    video: Callable[..., Video],
    snippets: Callable[..., Snippets],
    field: str,
) -> None:
    with FeatureWriter(path, {"rgb": recipe(**{field: "else"})}) as writer:
        writer.add(video("b"), {"rgb": snippets(1)})
    assert [v.id for v in FeatureFile(path).videos] == ["a", "b"]


def test_another_set_of_modalities_is_refused(path: Path, recipe: Callable[..., Recipe]) -> None:
    with pytest.raises(InputError, match="holds rgb features, not flow features: choose another"):
        FeatureWriter(path, {"flow": recipe()})


def test_a_refused_writer_releases_the_file(path: Path, recipe: Callable[..., Recipe]) -> None:
    with pytest.raises(InputError, match="made differently"):
        FeatureWriter(path, {"rgb": recipe(dim=5)})
    FeatureWriter(path, {"rgb": recipe()}).close()


def test_a_second_writer_is_refused_until_the_first_closes(
    path: Path, recipe: Callable[..., Recipe]
) -> None:
    with FeatureWriter(path, {"rgb": recipe()}):
        with pytest.raises(InputError, match="another process is writing"):
            FeatureWriter(path, {"rgb": recipe()})
        assert len(FeatureFile(path).videos) == 1  # reading is allowed
    FeatureWriter(path, {"rgb": recipe()}).close()


def test_a_path_below_a_file_cannot_be_written(
    tmp_path: Path, recipe: Callable[..., Recipe]
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot write .*file/x.h5"):
        FeatureWriter(tmp_path / "file" / "x.h5", {"rgb": recipe()})


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="no file system that refuses root")
def test_a_folder_that_takes_no_files_cannot_be_written(
    recipe: Callable[..., Recipe],
) -> None:
    with pytest.raises(InputError, match="cannot write /proc/x.h5"):
        FeatureWriter("/proc/x.h5", {"rgb": recipe()})


def test_a_folder_is_no_output(tmp_path: Path, recipe: Callable[..., Recipe]) -> None:
    (tmp_path / "x.h5").mkdir()
    with pytest.raises(InputError, match="x.h5"):
        FeatureWriter(tmp_path / "x.h5", {"rgb": recipe()})


def _not_hdf5(path: Path) -> None:
    path.write_text("path,label\n")


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-2000])


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _foreign(path: Path) -> None:
    with h5py.File(path, "w") as h5:
        h5["features"] = np.zeros(3)


def _newer(path: Path) -> None:
    with h5py.File(path, "a") as h5:
        h5.attrs["format_version"] = 4


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (Path.unlink, "no such feature file"),
        (_not_hdf5, r"x.h5 is not a feature file \(tcon extract makes them\)$"),
        (_cut, "x.h5 is cut off or damaged: extract it again$"),
        (_empty, r"x.h5 is not a feature file \(tcon extract makes them\)$"),
        (_foreign, "not a feature file of tcon"),
        (_newer, "format version 4, this tcon reads up to 3: upgrade"),
    ],
)
def test_what_is_no_feature_file_is_refused(
    path: Path, spoil: Callable[[Path], None], reason: str
) -> None:
    spoil(path)
    with pytest.raises(InputError, match=reason) as caught:
        FeatureFile(path)
    assert "x.h5" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("spoil", [_not_hdf5, _foreign, _newer])
def test_what_is_no_feature_file_is_not_overwritten(
    path: Path, recipe: Callable[..., Recipe], spoil: Callable[[Path], None]
) -> None:
    spoil(path)
    before = path.read_bytes()
    with pytest.raises(InputError):
        FeatureWriter(path, {"rgb": recipe()})
    assert path.read_bytes() == before


def test_an_absent_modality_is_named(path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no flow features, only \['rgb'\]"):
        FeatureFile(path).packed("flow")


@pytest.mark.parametrize("name", ["nosuch", "", "cuda:63", "meta", "hpu"])
def test_a_device_that_cannot_compute_is_refused(name: str) -> None:
    with pytest.raises(InputError, match=f"device '{name}' cannot be used here") as caught:
        choose_device(name)
    assert "\n" not in str(caught.value)


def test_a_device_is_found() -> None:
    assert choose_device("cpu").type == "cpu"
    assert choose_device("auto").type in {"cpu", "cuda"}


def test_refused_writer_leaves_nothing_behind(
    tmp_path: Path, recipe: Callable[..., Recipe]
) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("not a feature file")
    with pytest.raises(InputError, match="is not a feature file"):
        FeatureWriter(notes, {"rgb": recipe()})
    assert list(tmp_path.iterdir()) == [notes]
    assert notes.read_text() == "not a feature file"


def test_folder_in_place_of_a_file(tmp_path: Path, recipe: Callable[..., Recipe]) -> None:
    (tmp_path / "folder").mkdir()
    for folder in (tmp_path / "folder", Path(), Path("/")):
        with pytest.raises(InputError, match="is a folder, not a feature file"):
            FeatureFile(folder)
    with pytest.raises(InputError, match="is a folder, not a feature file"):
        FeatureWriter(tmp_path / "folder", {"rgb": recipe()})
