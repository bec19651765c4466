"""Recordings in windows, from the list to the feature file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from extraction import extract
from tiny_backbones import MACHINE, tiny_backbones

from tcon.adapt.data.splits import split_videos
from tcon.adapt.tasks.task import shared_classes
from tcon.cache import FeatureFile, InputError
from tcon.cache.recipe import Sampling, Windows
from tcon.extract.features import pipeline
from tcon.extract.features.like import options_like
from tcon.extract.features.sink import Progress
from tcon.extract.lists.videos import VideoItem, read_videos
from tcon.extract.progress import ExtractionDisplay

RGB = replace(
    MACHINE,
    backbone="tiny",
    weights="random",
    precision="fp32",
    sampling=Sampling("uniform", 4),
    windows=Windows(1.0, 0.5, "seconds"),
)
PARTS = ["#t=0.0,1.0", "#t=0.5,1.5", "#t=1.0,2.0", "#t=1.5"]


@pytest.fixture(scope="module", autouse=True)
def _backbones() -> Iterator[None]:
    with tiny_backbones():
        yield


@pytest.fixture(scope="module")
def items(tmp_path_factory: pytest.TempPathFactory, write_video: Callable) -> list[VideoItem]:
    """Two recordings of 2.4 s, a clip, and what is no video."""
    folder = tmp_path_factory.mktemp("clips")
    for name, frames in (("a.mp4", 60), ("b.mp4", 60), ("clip.mp4", 20)):
        write_video(folder / name, frames)
    (folder / "broken.mp4").write_bytes(b"\0" * 100)
    rows = ["a.mp4,wave,train", "b.mp4,jump,test", "clip.mp4,wave,", "broken.mp4,wave,"]
    (folder / "list.csv").write_text("\n".join(["path,label,split", *rows]))
    return read_videos(folder / "list.csv")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, items: list[VideoItem]) -> FeatureFile:
    path = tmp_path_factory.mktemp("whole") / "x.h5"
    [failure] = extract(items, path, RGB)
    assert failure.video == "broken.mp4"
    return FeatureFile(path)


def test_the_first_long_recording_is_said_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    display = ExtractionDisplay(tmp_path / "x.h5")
    for done, long in ((1, 0), (2, 1), (3, 2)):
        display(Progress(5, 0, done=done, long=long))
        assert capsys.readouterr().out.count("--window 4s --hop 2s") == (done == 2)


def test_each_window_is_a_video_of_its_recordings_label_and_split(whole: FeatureFile) -> None:
    assert [video.id for video in whole.videos] == [
        *(f"a.mp4{part}" for part in PARTS),
        *(f"b.mp4{part}" for part in PARTS),
        "clip.mp4",
    ]
    assert {(v.label, v.split) for v in whole.videos[:4]} == {("wave", "train")}
    assert {(v.label, v.split) for v in whole.videos[4:8]} == {("jump", "test")}
    assert [video.frames for video in whole.videos[:4]] == [25, 25, 25, 22]
    assert whole.videos[1].path.endswith("a.mp4#t=0.5,1.5")
    assert str(whole.recipes["rgb"].windows) == "1s every 0.5s"
    assert options_like(whole).windows == RGB.windows


@pytest.mark.parametrize("stop", [1, 3, 4, 6])
def test_a_kill_in_a_recording_loses_and_doubles_nothing(
    tmp_path: Path, items: list[VideoItem], whole: FeatureFile, stop: int
) -> None:
    path = tmp_path / "x.h5"

    def kill(progress: Progress) -> None:
        if progress.videos >= stop:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        extract(items, path, RGB, on_progress=kill)
    assert len(FeatureFile(path).videos) >= stop - 1
    seen: list[Progress] = []
    extract(items, path, RGB, on_progress=seen.append)
    again = FeatureFile(path)
    assert again.videos == whole.videos
    assert np.array_equal(again.packed("rgb").features, whole.packed("rgb").features)
    assert seen[-1].before + seen[-1].videos == 9
    assert extract(items, path, RGB, on_progress=seen.append)
    assert seen[-1].todo == 0, "nothing is decoded again"


@pytest.mark.parametrize("part", [PARTS[1], PARTS[-1]])
def test_a_window_that_failed_is_listed_and_tried_again(
    tmp_path: Path,
    items: list[VideoItem],
    whole: FeatureFile,
    part: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    finish = pipeline._Run._finish_if_complete

    def overflow(run: pipeline._Run, video: pipeline._Unfinished) -> None:
        if video.id == f"a.mp4{part}":
            video.features["rgb"] = [rows * np.inf for rows in video.features["rgb"]]
        finish(run, video)

    path = tmp_path / "x.h5"
    with monkeypatch.context() as broken:
        broken.setattr(pipeline._Run, "_finish_if_complete", overflow)
        [failure] = extract(items[:3], path, RGB)
    assert failure.video == f"a.mp4{part}" and failure.stage == "backbone"
    seen: list[Progress] = []
    assert extract(items[:3], path, RGB, on_progress=seen.append) == [failure]
    assert seen[-1].todo == 0
    again = replace(RGB, retry_failed=True)
    assert extract(items[:3], path, again, on_progress=seen.append) == []
    assert (seen[-1].todo, seen[-1].done, seen[-1].videos) == (1, 1, 1)
    mended = FeatureFile(path)
    assert not mended.failures and mended.videos == whole.videos


def test_a_mended_recording_is_no_failure_any_more(
    tmp_path: Path, items: list[VideoItem], write_video: Callable
) -> None:
    bad = VideoItem("a.mp4", tmp_path / "a.mp4", "", "")
    bad.path.write_bytes(b"\0" * 100)
    assert [failure.video for failure in extract([bad], tmp_path / "x.h5", RGB)] == ["a.mp4"]
    write_video(bad.path, 60)
    assert extract([bad], tmp_path / "x.h5", replace(RGB, retry_failed=True)) == []
    assert not FeatureFile(tmp_path / "x.h5").failures
    other = replace(RGB, windows=None)
    with pytest.raises(InputError, match=r"windows: 1s every 0\.5s in place of none"):
        extract([bad], tmp_path / "x.h5", other)


def test_names_that_could_mean_two_videos(tmp_path: Path, items: list[VideoItem]) -> None:
    whole, like_a_part = items[0], tmp_path / "rec#t=4.0"
    named = replace(whole, id="a.mp4#t=0.0,1.0", path=Path(f"{whole.path}#t=0.0,1.0"))
    with pytest.raises(InputError, match=r"a\.mp4#t=0\.0,1\.0 is a part of a\.mp4: name one"):
        extract([whole, named], tmp_path / "x.h5", RGB)
    assert not extract([whole, named], tmp_path / "y.h5", replace(RGB, windows=None))
    like_a_part.symlink_to(whole.path)
    with pytest.raises(InputError, match="called like a part of another video: rename it"):
        extract([replace(whole, id="rec#t=4.0", path=like_a_part)], tmp_path / "x.h5", RGB)


def test_windows_of_a_recording_are_held_out_together(whole: FeatureFile) -> None:
    videos = [replace(video, split="") for video in whole.videos]
    videos = [replace(v, label="wave", id=v.id.replace("clip", "c")) for v in videos]
    task = shared_classes(["wave"], ["wave"])
    splits = split_videos(videos, videos, task, holdout=0.3)
    held = {videos[n].id.partition("#")[0] for n in splits.source_val}
    trained = {videos[n].id.partition("#")[0] for n in splits.source_train}
    assert held and not held & trained
