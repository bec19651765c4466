"""Kill commands at random moments: ``python tests/benchmarks/kills.py FOLDER``.

``extract --modality rgb,flow``, ``import``, ``adapt`` and ``eval --report`` of synthetic clips are
each killed ``--kills`` times (SIGKILL), and repeated until they end. Printed are, per command, what
was held after a kill and is gone after a later one (videos, finished runs, whole outputs), seconds
of work that a kill cost on average, the time that the command takes to start left out, and whether
what is made in the end equals what an undisturbed command makes.
"""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from tcon.adapt.run.folder import is_finished
from tcon.cache import FeatureFile
from tcon.extract.synthetic import World, write_pair

_SMALL = "--segments 2 --seeds 2 --set train.epochs=1 --set train.min_steps=300 --jobs 1"
Content = dict[str, bytes]  # of what a command has made, by name


@dataclass(frozen=True)
class Job:
    """A command, and how to tell what it has made.

    Args:
        name: of it.
        words: of it, after ``tcon``.
        output: what it writes, below its folder.
        held: what is whole by now.
        content: what is there in the end.
    """

    name: str
    words: str
    output: str
    held: Callable[[Path], set[str]]
    content: Callable[[Path], Content]


def jobs() -> list[Job]:
    """In the order in which each finds what it needs."""
    clips = "clips/source.csv --weights random --snippets 2 --workers 1 --modality rgb,flow"
    adapt = f"--source s.h5 --target s.h5 --method source_only,dann {_SMALL}"
    return [
        Job("extract", f"extract {clips} -o s.h5", "s.h5", _videos, _features),
        Job("import", "import t7 t7 -o i.h5", "i.h5", _videos, _features),
        Job("adapt", f"adapt {adapt} -o runs", "runs", _finished, _run_files),
        Job("eval", "eval runs --report e/r.html --csv e/r.csv", "e", _reports, _reports_content),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kills", type=int, default=10, help="of each command")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    folder = options.folder.resolve()
    shutil.rmtree(folder, ignore_errors=True)
    write_pair(folder / "clips", world=World(clips=64))
    for n in range(300):
        (folder / "t7" / f"v{n}").mkdir(parents=True)
        for frame in range(1, 11):
            rows = torch.full((64,), float(n + frame))
            torch.save(rows, folder / "t7" / f"v{n}" / f"img_{frame:05d}.t7")
    draw = random.Random(options.seed)
    for job in jobs():
        print(_try(job, folder, options.kills, draw), flush=True)


def _try(job: Job, folder: Path, kills: int, draw: random.Random) -> str:
    """Kill a command so many times; what came of it, in a line."""
    output = folder / job.output
    _fresh(job, output)
    _run(job, folder)  # compiles, and fills caches
    _fresh(job, output)
    whole = _run(job, folder)
    expected = job.content(output)
    start = 0.0 if job.name == "eval" else _run(job, folder)  # it begins anew each time
    killed, seconds, endings, lost, equal, ended = 0, 0.0, 0, 0, True, True
    held: set[str] = set()
    while killed < kills or not ended:
        if ended:
            _fresh(job, output)
            held = set()
        limit = draw.uniform(0, whole) if killed < kills else None
        took, ended = _run_until(job, folder, limit)
        seconds += took
        now = job.held(output)
        lost += len(held - now)
        held = now
        killed += not ended
        if ended:
            equal &= job.content(output) == expected
            endings += 1
    cost = max(0.0, (seconds - endings * whole) / killed - start)
    return (
        f"{job.name}, {whole:.1f} s undisturbed and {start:.1f} s to start: {killed} kills, {lost} "
        f"lost, {cost:.1f} s of work per kill, {endings} endings "
        f"{'equal' if equal else 'UNEQUAL'} to the undisturbed one"
    )


def _run(job: Job, folder: Path) -> float:
    """Seconds that the command takes."""
    return _run_until(job, folder, None)[0]


def _run_until(job: Job, folder: Path, limit: float | None) -> tuple[float, bool]:
    """Start the command and kill it after so many seconds; those that it ran, and if it ended."""
    words = [sys.executable, "-m", "tcon.cli", *job.words.split()]
    started = time.perf_counter()
    process = subprocess.Popen(
        words, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        _, said = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return time.perf_counter() - started, False
    if process.returncode:
        raise SystemExit(f"{job.words} ended with {process.returncode}: {said}")
    return time.perf_counter() - started, True


def _fresh(job: Job, output: Path) -> None:
    """Remove what a command has made."""
    for path in output.parent.glob(f"{output.name}*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    if job.name == "eval":
        output.mkdir()


def _videos(output: Path) -> set[str]:
    return {video.id for video in FeatureFile(output).videos} if output.exists() else set()


def _features(output: Path) -> Content:
    """By video and modality; in which order they lie is left to which was ready first."""
    file, found = FeatureFile(output), {}
    for modality in file.modalities:
        packed = file.packed(modality)
        for video, start, count in zip(file.videos, packed.start, packed.count, strict=True):
            rows = slice(start, start + count)
            parts = [packed.features[rows], packed.frame[rows]]
            found[f"{video.id} {modality}"] = b"".join(np.ascontiguousarray(p) for p in parts)
    return found


def _finished(output: Path) -> set[str]:
    return {path.name for path in output.glob("*") if is_finished(path)}


def _run_files(output: Path) -> Content:
    return {str(path.relative_to(output)): path.read_bytes() for path in output.glob("*/*")}


def _reports(output: Path) -> set[str]:
    return {path.name for path in output.glob("r.*") if path.suffix in (".html", ".csv")}


def _reports_content(output: Path) -> Content:
    return {name: (output / name).read_bytes() for name in _reports(output)}


if __name__ == "__main__":
    main()
