"""Accuracy in bf16 and in fp32: ``python tests/benchmarks/precision_accuracy.py -o FOLDER``.

Every seed makes its own pair of domains, as in `shift_accuracy`, whose networks and training these
are, and trains each method on it once in fp32 and once in bf16. Prints both accuracies, with 95 %
intervals by bootstrap over seeds and videos, and that of the paired difference, in points. With
``-o`` runs are kept: repeat the command, and it goes on.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from shift_accuracy import TRAIN, Row, correct_videos, interval


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--methods", default="source_only,tcon")
    parser.add_argument("--set", action="append", default=[], help="for all runs")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--jobs", type=int, default=1, help="processes, one thread each")
    parser.add_argument("-o", "--output", type=Path, help="keep the runs; finished ones are reused")
    options = parser.parse_args()
    methods = options.methods.split(",")
    rows = [
        Row(method, (f"train.precision={precision}",))
        for method in methods
        for precision in ("fp32", "bf16")
    ]
    common = (*TRAIN, *options.set)
    with TemporaryDirectory() as temporary:
        output = options.output or Path(temporary)
        work = partial(correct_videos, rows=rows, common=common, output=output)
        with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as pool:
            by_seed = list(pool.map(work, range(options.seeds)))
    print(f"\n{options.seeds} seeds, each with its own domains; {', '.join(common)}\n")
    print("| method | fp32 | bf16 | bf16 minus fp32 |\n|---|---|---|---|")
    for n, method in enumerate(methods):
        full, half = (np.stack([seed[2 * n + k] for seed in by_seed]) for k in (0, 1))
        cells = [f"{_points(full)} ({interval(full)})", f"{_points(half)} ({interval(half)})"]
        difference = half.astype(int) - full  # [seeds, videos]
        cells.append(f"{_points(difference)} ({interval(difference)})")
        print(f"| {' | '.join([method, *cells])} |")


def _points(values: np.ndarray) -> str:
    return f"{100 * values.mean():.1f}"


if __name__ == "__main__":
    main()
