"""What makes accuracies say little is said before training."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from feature_files import CLASSES, recipe, write_domain

from tcon.adapt.config.runs import make_runs
from tcon.adapt.data.cached_store import CachedStore
from tcon.cache import FeatureFile, FeatureWriter, Snippets, Video

RUN = make_runs(["source_only"], segments=2)[0]


def warnings(source: Path, target: Path) -> str:
    store = CachedStore(source, target, task=None, device=torch.device("cpu"))
    return " | ".join(store.warnings(RUN))


def write(path: Path, rows: list[tuple[str, str, str, float]]) -> Path:
    """Videos by id, label, split and the value of all their features."""
    with FeatureWriter(path, {"rgb": recipe()}) as writer:
        for id_, label, split, value in rows:
            features = np.full((4, 12), value, np.float16)
            video = Video(id_, label, split, "", 100, 25.0)
            writer.add(video, {"rgb": Snippets(features, np.arange(4))})
    return path


def renamed(path: Path, file: Path, first: int) -> Path:
    """The same videos from the first on under other names."""
    held, packed = FeatureFile(file), FeatureFile(file).packed("rgb")
    with FeatureWriter(path, held.recipes) as writer:
        for n in range(first, len(held.videos)):
            own = slice(packed.start[n], packed.start[n] + packed.count[n])
            video = replace(held.videos[n], id=f"other/{n}.avi")
            writer.add(video, {"rgb": Snippets(packed.features[own], packed.frame[own])})
    return path


def test_sound_files_are_not_accused(tmp_path: Path) -> None:
    files = [write_domain(tmp_path / f"{seed}.h5", seed=seed) for seed in range(2)]
    assert not warnings(*files)
    zeros = [(f"{n}.mp4", CLASSES[n % 3], "train", 0.0) for n in range(6)]
    assert not warnings(files[0], write(tmp_path / "zeros.h5", zeros))  # they say nothing


def test_the_same_videos_on_both_sides(tmp_path: Path) -> None:
    file = write_domain(tmp_path / "a.h5")
    assert "all of the 12 target videos are source videos too" in warnings(file, file)
    again = renamed(tmp_path / "b.h5", file, 0)
    assert "all of the 12 target videos are source videos too" in warnings(file, again)
    part = renamed(tmp_path / "c.h5", file, 3)
    assert "9 of the 12 target videos are source videos too" in warnings(part, file)


def test_one_file_whose_labels_tell_the_domains_apart(tmp_path: Path) -> None:
    labels = ["run", "run_", "sit", "sit_"] * 3
    file = write_domain(tmp_path / "a.h5", labels=labels, splits=("train",))
    task = tmp_path / "task.csv"
    task.write_text("class,source_label,target_label\nA,run,run_\nB,sit,sit_\n")
    store = CachedStore(file, file, task=task, device=torch.device("cpu"))
    assert not store.warnings(RUN)


@pytest.mark.parametrize(("side", "said"), [("source", "trained on"), ("target", "adapted on")])
def test_train_and_test_share_videos(tmp_path: Path, side: str, said: str) -> None:
    split = "val" if side == "source" else "test"
    rows = [(f"{n}.mp4", CLASSES[n % 3], "train", n + 1.0) for n in range(6)]
    rows += [
        (f"{split}/{n}.mp4", CLASSES[n % 3], split, n + (1.0 if n < 2 else 50.0)) for n in range(6)
    ]
    file = write(tmp_path / "a.h5", rows)
    other = write_domain(tmp_path / "b.h5", splits=("train", "test"))
    text = warnings(*((file, other) if side == "source" else (other, file)))
    assert f"2 {side} {'validation' if side == 'source' else 'test'} videos are {said}" in text


def test_one_class(tmp_path: Path) -> None:
    file = write_domain(tmp_path / "a.h5")
    one = write_domain(tmp_path / "b.h5", labels=["run"] * 12, seed=1)
    assert "there is only one class, run: every prediction is right" in warnings(file, one)
    rows = [(f"{n}.mp4", CLASSES[n % 3], "train", n + 1.0) for n in range(6)]
    rows += [(f"test/{n}.mp4", "sit", "test", n + 50.0) for n in range(3)]
    split = write(tmp_path / "c.h5", rows)
    assert "all target test videos are of one class, sit" in warnings(file, split)
    assert "all source validation videos are of one class, sit" in warnings(split, file)
