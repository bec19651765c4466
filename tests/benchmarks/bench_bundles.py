"""Runs as one program against processes of their own: ``python tests/benchmarks/bench_bundles.py``.

Two sizes: UCF -> HMDB (1438 and 840 videos of 32 x 1024, K = 6, batch 64 + 64), and small (36
videos of 8 x 12, K = 4, batch 16 + 16). In every round each method does its steps

- alone: one run on all threads;
- bundle: several runs as one program on all threads;
- processes: as many runs as threads, each in a process of its own with one thread (CPU only).

Printed are steps of runs per second (median of the rounds) and the ratio to ``alone`` (median of
the rounds' ratios), so that a machine that others use hurts all alike. The load is the mean number
of busy processes in the last minute, our own among them.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import Barrier, get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "helpers"))
from feature_files import write_domain
from prepared_runs import prepare
from random_features import write_both

from tcon.adapt.config.runs import make_runs
from tcon.adapt.grid import Prepared
from tcon.adapt.training.programs.program import make_program
from tcon.adapt.training.programs.trainee import Trainee
from tcon.cache.common.machine.device import choose_device

WARM_UP = 2  # steps that are not timed
_barrier: Any = None  # of this process's pool


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--methods", default="source_only,daaa,tcon")
    parser.add_argument("--sizes", default="small,ucf_hmdb")
    parser.add_argument("--runs", default="2,8", help="sizes of bundles, separated by commas")
    parser.add_argument("--steps", type=int, default=10, help="timed ones of a run")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--device", default="auto")
    options = parser.parse_args()
    device, threads = choose_device(options.device), torch.get_num_threads()
    counts = [int(count) for count in options.runs.split(",")]
    what = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    print(
        f"{what}, {threads} threads, torch {torch.__version__}; {options.rounds} rounds of "
        f"{options.steps} steps; load {os.getloadavg()[0]:.1f}"
    )
    with TemporaryDirectory() as folder:
        for size in options.sizes.split(","):
            files, settings = _data(size, Path(folder))
            rates: dict[tuple[str, str], list[float]] = defaultdict(list)
            for _ in range(options.rounds):
                for method in options.methods.split(","):
                    job = _Job(files, method, settings, str(device), options.steps)
                    rates[method, "alone"].append(job.rate(1))
                    for count in counts:
                        rates[method, f"bundle of {count}"].append(job.rate(count))
                    if device.type == "cpu" and threads > 1:
                        rates[method, f"{threads} processes"].append(job.in_processes(threads))
            print(f"| {size} | steps/s | against alone |\n|---|---|---|")
            for (method, how), own in rates.items():
                alone = rates[method, "alone"]
                ratio = statistics.median(a / b for a, b in zip(own, alone, strict=True))
                print(f"| {method}, {how} | {statistics.median(own):.1f} | {ratio:.2f} |")
    print(f"load {os.getloadavg()[0]:.1f}")


def _data(size: str, folder: Path) -> tuple[tuple[Path, Path], list[str]]:
    """Feature files, and the settings that go with them."""
    if size == "ucf_hmdb":
        return write_both(folder), ["segments=6"]
    files = [
        write_domain(folder / f"small{seed}.h5", videos=36, shift=0.5 * seed, seed=seed)
        for seed in range(2)
    ]
    return (files[0], files[1]), ["segments=4", "train.batch_size=16"]


class _Job:
    """Steps of a method's runs, on given files.

    Args:
        files: source and target.
        method: a registered name.
        settings: of the runs; the first one is ``segments=K``.
        device: of the runs.
        steps: to time.
    """

    def __init__(
        self,
        files: tuple[Path, Path],
        method: str,
        settings: Sequence[str],
        device: str,
        steps: int,
    ) -> None:
        self.files, self.method, self.device, self.steps = files, method, device, steps
        self.segments, self.settings = settings[0].removeprefix("segments="), settings[1:]

    def rate(self, runs: int) -> float:
        """Steps per second of all runs together, as one program."""
        with TemporaryDirectory() as output:
            prepared = self._prepared(runs, Path(output))
            program = make_program(
                [Trainee(run, prepared.store.feed(run), folder) for run, folder in prepared.runs]
            )
            for _ in range(WARM_UP):
                program.step()
            if _barrier is not None:
                _barrier.wait()
            started = self._now()
            for _ in range(self.steps):
                program.step()
            return runs * self.steps / (self._now() - started)

    def in_processes(self, count: int) -> float:
        """Steps per second of all processes together, which start at the same moment."""
        context = get_context("spawn")
        barrier = context.Barrier(count)
        with ProcessPoolExecutor(count, context, _one_thread, (barrier,)) as pool:
            return sum(pool.map(self.rate, [1] * count))

    def _prepared(self, runs: int, output: Path) -> Prepared:
        settings = [f"train.min_steps={WARM_UP + self.steps}", "train.epochs=1", *self.settings]
        made = make_runs([self.method], settings, segments=self.segments, seeds=runs)
        return prepare(*self.files, made, output, device=self.device)

    def _now(self) -> float:
        if self.device != "cpu":
            torch.cuda.synchronize(self.device)
        return time.perf_counter()


def _one_thread(barrier: Barrier) -> None:
    global _barrier
    _barrier = barrier
    torch.set_num_threads(1)


if __name__ == "__main__":
    main()
