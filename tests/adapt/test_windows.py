"""Adaptation to windows of recordings, from the videos to the labels: as to clips."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from extraction import extract
from tiny_backbones import MACHINE, tiny_backbones

from tcon.adapt import adapt
from tcon.adapt.run.videos import read_videos as videos_of_run
from tcon.cache.recipe import Sampling, Windows
from tcon.evaluate import evaluate
from tcon.extract.lists.videos import read_videos

CLIPS = replace(
    MACHINE, backbone="tiny", weights="random", precision="fp32", sampling=Sampling("uniform", 4)
)
RECORDINGS = replace(CLIPS, windows=Windows(0.4, 0.2, "seconds"))
QUICK = {"train.epochs": 1, "train.min_steps": 2, "train.evaluations": 1, "train.precision": "fp32"}


@pytest.fixture(autouse=True)
def _backbones() -> Iterator[None]:
    with tiny_backbones():
        yield


def test_windows_of_unlabelled_recordings_are_a_target_as_clips_are(
    tmp_path: Path, write_video: Callable[..., Path]
) -> None:
    for n, label in enumerate(("fight", "calm") * 2):
        write_video(tmp_path / "clips" / label / f"{n}.mp4", 8, first=16 * n)
    for name, frames in (("gate/a.mp4", 20), ("yard/b.mp4", 15), ("yard/clip.mp4", 8)):
        write_video(tmp_path / "cameras" / name, frames)
    source, target = tmp_path / "clips.h5", tmp_path / "cameras.h5"
    assert not extract(read_videos(tmp_path / "clips"), source, CLIPS)
    assert not extract(read_videos(tmp_path / "cameras", unlabelled=True), target, RECORDINGS)
    runs = adapt(
        *(source, target),
        methods="source_only",
        segments=2,
        settings=QUICK | {"source_only.features": 4},
        output=tmp_path / "runs",
        device="cpu",
        jobs=1,
    )
    [run] = runs.finished
    windows = [
        *(f"gate/a.mp4#t={part}" for part in ("0.0,0.4", "0.2,0.6", "0.4,0.8", "0.6")),
        *(f"yard/b.mp4#t={part}" for part in ("0.0,0.4", "0.2,0.6", "0.4")),
        "yard/clip.mp4",
    ]
    known = videos_of_run(run.path)
    assert known is not None and [*known.of("target")] == windows
    assert run.record.data.protocol == "transductive" and not any(runs.unreadable)
    [group] = evaluate(runs).unlabelled
    assert [label.video for label in group.labels] == windows
    # What was extracted with the file's windows is predicted with them, from the video too.
    predicted = run.predict(tmp_path / "cameras/gate/a.mp4", machine=CLIPS.machine)
    stored = run.predict(target)
    assert [one.video.id for one in stored] == windows
    for one, same in zip(predicted, stored[:4], strict=True):
        assert one.video.id.endswith(same.video.id)
        assert one.logits == pytest.approx(same.logits, abs=1e-3)
