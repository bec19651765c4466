"""What goes into a feature file comes out of it, through our reader and through plain h5py."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import h5py
import numpy as np
import pytest

from tcon.cache import Failure, FeatureFile, FeatureWriter, Recipe, Snippets, Video

Make = Callable[..., Snippets]


@pytest.fixture
def videos() -> list[Video]:
    return [
        Video("jump/ä b.mp4", "jump", "train", "/in/jump/ä b.mp4", 40, 29.97, "pyav"),
        Video("run/2.avi", "run", "test", "/in/run/2.avi", 3, 0.0, "decord", "breaks off"),
        Video("un/3.avi", "", "", "3.avi", 9, 25.0),
    ]


def test_reader_returns_what_was_written(
    tmp_path: Path, recipe: Callable[..., Recipe], videos: list[Video], snippets: Make
) -> None:
    made = [snippets(n, seed) for seed, n in enumerate((5, 1, 3))]
    failure = Failure("bad.mp4", "decode", "no video")
    with FeatureWriter(tmp_path / "x.h5", {"rgb": recipe()}, commit_videos=2) as writer:
        writer.fail(failure)
        for video, part in zip(videos, made, strict=True):
            writer.add(video, {"rgb": part})

    file = FeatureFile(tmp_path / "x.h5")
    packed = file.packed("rgb")
    assert file.videos == videos
    assert file.failures == [failure]
    assert file.modalities == ["rgb"]
    assert asdict(file.recipes["rgb"]) == asdict(recipe())
    assert packed.features.dtype == np.float16
    assert packed.start.tolist() == [0, 5, 6]
    assert packed.count.tolist() == [5, 1, 3]
    np.testing.assert_array_equal(packed.features, np.concatenate([m.features for m in made]))
    np.testing.assert_array_equal(packed.frame, np.concatenate([m.frame for m in made]))


def test_layout_is_the_documented_one(
    tmp_path: Path, recipe: Callable[..., Recipe], videos: list[Video], snippets: Make
) -> None:
    """A reader with nothing but h5py and the layout's description finds everything."""
    with FeatureWriter(tmp_path / "x.h5", {"rgb": recipe()}) as writer:
        for seed, video in enumerate(videos):
            writer.add(video, {"rgb": snippets(seed + 1, seed)})
        writer.fail(Failure("bad.mp4", "decode", "no video"))

    with h5py.File(tmp_path / "x.h5") as h5:
        assert (h5.attrs["format"], h5.attrs["format_version"]) == ("tcon-features", 3)
        assert set(h5) == {"videos", "rgb", "failures"}
        columns = {"id", "label", "split", "path", "frames", "fps", "decoder", "damage"} | {
            "early_stopped",
            "duration",
        }
        assert set(h5["videos"]) == columns
        assert h5["videos/id"].asstr()[()].tolist() == ["jump/ä b.mp4", "run/2.avi", "un/3.avi"]
        assert h5["videos/label"].asstr()[()].tolist() == ["jump", "run", ""]
        assert h5["videos/split"].asstr()[()].tolist() == ["train", "test", ""]
        assert h5["videos/path"].asstr()[0] == "/in/jump/ä b.mp4"
        assert h5["videos/frames"][()].tolist() == [40, 3, 9]
        assert h5["videos/fps"][()].tolist() == [29.97, 0, 25]
        assert h5["videos/decoder"].asstr()[()].tolist() == ["pyav", "decord", ""]
        assert h5["videos/damage"].asstr()[()].tolist() == ["", "breaks off", ""]
        assert h5["failures/video"].asstr()[()].tolist() == ["bad.mp4"]
        assert h5["failures/stage"].asstr()[()].tolist() == ["decode"]
        assert h5["failures/reason"].asstr()[()].tolist() == ["no video"]
        rgb = h5["rgb"]
        assert rgb["features"].dtype == np.float16
        assert rgb["features"].shape == (6, 4)
        for n in range(3):
            own = slice(rgb["start"][n], rgb["start"][n] + rgb["count"][n])
            np.testing.assert_array_equal(rgb["features"][own], snippets(n + 1, n).features)
            np.testing.assert_array_equal(rgb["frame"][own], snippets(n + 1, n).frame)
        assert json.loads(rgb.attrs["recipe"]) == json.loads(json.dumps(asdict(recipe())))


def test_times_survive_parts_and_merges(
    tmp_path: Path, recipe: Callable[..., Recipe], video: Callable[..., Video]
) -> None:
    """Those of a video without time stamps are NaN."""
    features = np.zeros((2, 4), np.float16)
    times = {"b": np.array([0.36, 4.6]), "a": np.array([1.0, 2.5]), "c": None}
    with FeatureWriter(tmp_path / "x.h5", {"rgb": recipe()}, commit_videos=1) as writer:
        for name, time in times.items():
            writer.add(video(name), {"rgb": Snippets(features, np.arange(2), time)})
        parts = FeatureFile(tmp_path / "x.h5")
        assert parts.times()[parts.starts("rgb")].tolist()[:2] == [1.0, 0.36]
    merged = FeatureFile(tmp_path / "x.h5").times()
    np.testing.assert_array_equal(merged, [1.0, 2.5, 0.36, 4.6, np.nan, np.nan])


def test_features_are_rounded_to_float16(
    tmp_path: Path, recipe: Callable[..., Recipe], video: Callable[..., Video]
) -> None:
    features = np.random.default_rng(0).normal(size=(2, 4)).astype(np.float32)
    with FeatureWriter(tmp_path / "x.h5", {"rgb": recipe()}) as writer:
        writer.add(video("a"), {"rgb": Snippets(features, np.arange(2))})
    packed = FeatureFile(tmp_path / "x.h5").packed()
    assert packed.features.dtype == np.float16
    np.testing.assert_allclose(packed.features, features, rtol=2**-11, atol=1e-6)


def test_several_modalities_share_the_videos(
    tmp_path: Path,
    recipe: Callable[..., Recipe],
    video: Callable[..., Video],
    snippets: Make,
) -> None:
    both = {"rgb": recipe(), "flow": recipe(backbone="flownet", snippet_length=10)}
    with FeatureWriter(tmp_path / "x.h5", both, commit_videos=1) as writer:
        writer.add(video("a"), {"rgb": snippets(3, 1), "flow": snippets(2, 2)})
        writer.add(video("b"), {"rgb": snippets(1, 3), "flow": snippets(4, 4)})
    file = FeatureFile(tmp_path / "x.h5")
    assert file.modalities == ["flow", "rgb"]
    assert file.recipes == both
    assert file.packed("rgb").count.tolist() == [3, 1]
    assert file.packed("flow").count.tolist() == [2, 4]
    np.testing.assert_array_equal(file.packed("flow").features[2:], snippets(4, 4).features)


def test_a_file_without_videos_can_be_read(tmp_path: Path, recipe: Callable[..., Recipe]) -> None:
    with FeatureWriter(tmp_path / "x.h5", {"rgb": recipe()}):
        pass
    file = FeatureFile(tmp_path / "x.h5")
    assert file.videos == file.failures == []
    assert file.packed().features.shape == (0, 4)


def test_a_closed_file_stands_alone(
    tmp_path: Path,
    recipe: Callable[..., Recipe],
    video: Callable[..., Video],
    snippets: Make,
) -> None:
    with FeatureWriter(tmp_path / "sub" / "x.h5", {"rgb": recipe()}, commit_videos=1) as writer:
        writer.add(video("a"), {"rgb": snippets(2)})
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == ["x.h5"]


def test_an_extended_file_keeps_what_it_held(
    tmp_path: Path,
    recipe: Callable[..., Recipe],
    video: Callable[..., Video],
    snippets: Make,
) -> None:
    for seed, name in enumerate("abc"):
        with FeatureWriter(tmp_path / "x.h5", {"rgb": recipe()}) as writer:
            assert list(writer.committed) == list("abc"[:seed])
            writer.add(video(name), {"rgb": snippets(seed + 1, seed)})
    file = FeatureFile(tmp_path / "x.h5")
    assert [v.id for v in file.videos] == ["a", "b", "c"]
    for n, start in enumerate(file.packed().start):
        found = file.packed().features[start : start + n + 1]
        np.testing.assert_array_equal(found, snippets(n + 1, n).features)


def test_a_video_is_taken_once_and_with_every_modality(
    tmp_path: Path,
    recipe: Callable[..., Recipe],
    video: Callable[..., Video],
    snippets: Make,
) -> None:
    with FeatureWriter(tmp_path / "x.h5", {"rgb": recipe()}) as writer:
        writer.add(video("a"), {"rgb": snippets(2)})
        with pytest.raises(ValueError, match="a is already in"):
            writer.add(video("a"), {"rgb": snippets(2)})
        with pytest.raises(ValueError, match="b needs features of .'rgb'."):
            writer.add(video("b"), {"flow": snippets(2)})
    assert [v.id for v in FeatureFile(tmp_path / "x.h5").videos] == ["a"]
