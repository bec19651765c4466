"""Import of many small files: ``python tests/benchmarks/extract/bench_import.py FOLDER``.

Writes synthetic TA3N features below FOLDER (by default the 3,209 videos of UCF-HMDB full, about
300,000 files), imports them in a process of its own that is killed half-way, continues, and prints
seconds, files per second, peak memory and sizes. FOLDER/features is kept for another run.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import torch

from tcon.cache import FeatureFile


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--videos", type=int, default=3209)
    parser.add_argument("--frames", type=int, default=94, help="mean per video")
    parser.add_argument("--dim", type=int, default=2048)
    options = parser.parse_args()
    features, output = options.folder / "features", options.folder / "features.h5"
    output.unlink(missing_ok=True)
    rng = np.random.default_rng(0)
    lengths = rng.integers(options.frames // 2, options.frames * 3 // 2 + 1, options.videos)
    started = time.perf_counter()
    with ProcessPoolExecutor() as pool:
        folders = [features / f"v_{n:05d}" for n in range(options.videos)]
        list(pool.map(_write, folders, lengths.tolist(), [options.dim] * len(folders), chunksize=8))
    files = int(lengths.sum())
    print(f"{files} files of {options.videos} videos in {time.perf_counter() - started:.0f} s")

    started = time.perf_counter()
    process = _start(features, output)
    while process.poll() is None and _held(output) < options.videos // 2:
        time.sleep(0.5)
    process.send_signal(signal.SIGKILL)
    process.wait()
    killed = time.perf_counter() - started
    print(f"killed after {killed:.0f} s with {_held(output)} videos committed")

    started = time.perf_counter()
    process = _start(features, output)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    file = FeatureFile(output)
    code = os.waitstatus_to_exitcode(status)
    print(f"continued in {seconds:.0f} s to {_held(output)} videos, exit code {code}")
    print(f"{files / (killed + seconds):.0f} files/s, peak {usage.ru_maxrss / 1024:.0f} MiB")
    print(f"{output.stat().st_size / 1e9:.2f} GB, {file.counts('rgb').sum()} snippets")


def _write(folder: Path, frames: int, dim: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(1, frames + 1):
        if not (file := folder / f"img_{number:05d}.t7").exists():
            torch.save(torch.rand(dim), file)


def _start(features: Path, output: Path) -> subprocess.Popen[bytes]:
    command = "from tcon.cli import main; main()"
    arguments = ["import", "t7", str(features), "-o", str(output)]
    return subprocess.Popen([sys.executable, "-c", command, *arguments])


def _held(output: Path) -> int:
    return len(FeatureFile(output).videos) if output.exists() else 0


if __name__ == "__main__":
    main()
