"""The dataset on disk: two folders of video files, their lists and the two tasks."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from ...cache.common.machine.cores import cores
from .actions import CONTROL, Action
from .domains import Codec, Domain
from .render import render_clip
from .timeline import clip_seed
from .world import World


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
    world: World = World(),  # noqa: B008 (it is frozen)
    progress: Callable[[int, int], None] | None = None,
) -> Pair:
    """Render and encode both domains below ``root``, overwriting what is there.

    Args:
        root: folder for the files, made if needed.
        world: what the domains are like; the same one gives the same pixels before encoding.
        progress: called with (done, total) after every clip.
    """
    root = Path(root)
    splits = _splits(world.per_class)
    listed = {
        domain.name: [
            (_Clip(domain, action, index), split)
            for action in world.actions
            for index, split in enumerate(splits[domain.name])
        ]
        for domain in (world.source, world.target)
    }
    made = [clip for clips in listed.values() for clip, _ in clips]
    with ThreadPoolExecutor(cores()) as pool:  # drawing and encoding run beside each other
        written = pool.map(lambda clip: clip.write(root, world.seed), made)
        for done, _ in enumerate(written, start=1):
            if progress:
                progress(done, len(made))
    for name, clips in listed.items():
        rows = [(clip.path.as_posix(), clip.action.name, split) for clip, split in clips]
        _write_csv(root / f"{name}.csv", ("path", "label", "split"), rows)
    return Pair(
        source_list=root / "source.csv",
        target_list=root / "target.csv",
        task=_write_task(root / "task.csv", world.main),
        control=_write_task(root / "control.csv", CONTROL),
    )


def _splits(per_class: int) -> dict[str, list[str]]:
    """The split of each clip of a class, by domain, of ``per_class`` >= 4 clips of both.

    About half are for testing the target, and a quarter each for training in both domains: what a
    comparison of methods shows depends on the target's test clips most. A few of the source test
    whether a method has learned it.
    """
    source_test = max(per_class // 20, 1)
    spare = per_class - source_test - 3  # one of each other kind is certain
    target_test = 1 + spare // 2
    source_train = 1 + (spare - spare // 2) // 2
    target_train = per_class - source_test - target_test - source_train
    return {
        "source": ["train"] * source_train + ["test"] * source_test,
        "target": ["train"] * target_train + ["test"] * target_test,
    }


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


def _write_task(path: Path, actions: Sequence[Action]) -> Path:
    header = ("task", "class", "source_label", "target_label", "class_index", "status", "note")
    rows = [(path.stem, a.name, a.name, a.name, i, "", "") for i, a in enumerate(actions)]
    _write_csv(path, header, rows)
    return path


def _write_csv(path: Path, header: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
