"""The dataset on disk: two folders of video files, their lists and the two tasks."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from ...cache.common.cores import cores
from .actions import CONTROL, MAIN, Action
from .domains import SOURCE, TARGET, Codec, Domain
from .render import render_clip
from .timeline import clip_seed

_TRAIN_SHARE = 0.6


@dataclass(frozen=True)
class Pair:
    """What ``write_pair`` wrote.

    ``source_list`` and ``target_list`` are csv files with the columns path, label and split; paths
    are relative to their folder. ``task`` and ``control`` are csv task files: the classes with a
    key pose of their own, and the two that differ in order alone.
    """

    source_list: Path
    target_list: Path
    task: Path
    control: Path


@dataclass(frozen=True)
class _Clip:
    """A clip to be made, the ``index``-th of its class in its domain."""

    domain: Domain
    action: Action
    index: int

    @property
    def path(self) -> Path:
        """Relative to the folder of both domains."""
        name = f"{self.index:03d}{self.domain.codec.suffix}"
        return Path(self.domain.name, self.action.name, name)

    def write(self, root: Path, seed: int) -> None:
        """Render and encode it."""
        domain = self.domain
        drawn = clip_seed(seed, domain, self.action, self.index)
        frames = render_clip(self.action, domain, drawn)
        write_video(root / self.path, frames, fps=domain.timing.fps, codec=domain.codec)


def write_pair(
    root: Path,
    *,
    clips: int = 224,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Pair:
    """Render and encode both domains below ``root``, overwriting what is there.

    Args:
        root: folder for the files, made if needed.
        clips: of both domains and all classes together; rounded down to the same number for each.
        seed: 0 or more; the same seed gives the same pixels before encoding.
        progress: called with (done, total) after every clip.

    Raises:
        ValueError: too few clips for every class to have one to train and one to test.
    """
    actions = (*MAIN, *CONTROL)
    each = clips // (2 * len(actions))
    if each < 2:
        raise ValueError(
            f"clips={clips} is too small: {2 * len(actions)} class folders need a train and a "
            f"test clip each, at least {4 * len(actions)} clips"
        )
    root = Path(root)
    made = [
        _Clip(domain, action, index)
        for domain in (SOURCE, TARGET)
        for action in actions
        for index in range(each)
    ]
    with ThreadPoolExecutor(cores()) as pool:  # drawing and encoding run beside each other
        for done, _ in enumerate(pool.map(lambda clip: clip.write(root, seed), made), start=1):
            if progress:
                progress(done, len(made))
    for domain in (SOURCE, TARGET):
        rows = [
            (
                clip.path.as_posix(),
                clip.action.name,
                "train" if clip.index < _train_count(each) else "test",
            )
            for clip in made
            if clip.domain is domain
        ]
        _write_csv(root / f"{domain.name}.csv", ("path", "label", "split"), rows)
    return Pair(
        source_list=root / f"{SOURCE.name}.csv",
        target_list=root / f"{TARGET.name}.csv",
        task=_write_task(root / "task.csv", MAIN),
        control=_write_task(root / "control.csv", CONTROL),
    )


def _train_count(each: int) -> int:
    """How many of a class's ``each`` >= 2 clips are for training; at least one is left to test."""
    return min(max(round(each * _TRAIN_SHARE), 1), each - 1)


def write_video(path: Path, frames: np.ndarray, *, fps: int, codec: Codec) -> None:
    """Encode uint8 RGB ``frames`` [T, H, W, 3] (H and W even), creating the folder if needed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec.name, rate=Fraction(fps), options=dict(codec.options))
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())


def _write_task(path: Path, actions: tuple[Action, ...]) -> Path:
    header = ("task", "class", "source_label", "target_label", "class_index", "status", "note")
    rows = [(path.stem, a.name, a.name, a.name, i, "", "") for i, a in enumerate(actions)]
    _write_csv(path, header, rows)
    return path


def _write_csv(path: Path, header: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
