"""Accuracy of methods on a feature-level shift: ``python tests/benchmarks/shift_accuracy.py``.

Every seed makes its own pair of domains (tests/helpers/shift.py says what differs between them) and
trains every row once on it, so that a result is not one draw of prototypes. All rows train equally:
the same narrow networks and short runs, long enough for `source_only` to be right and sure on
source validation videos. Prints a markdown table: mean and standard deviation over seeds, 95 %
intervals by bootstrap over seeds and videos, and the paired difference to `source_only` on the same
domains.

``--vary tcon.tau=0.1`` adds a row: the method with that setting (several with commas).
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "helpers"))
from prepared_runs import prepare
from shift import ShiftConfig, write_shift

from tcon.adapt.config.runs import make_runs
from tcon.adapt.config.settings import keys
from tcon.adapt.grid import run_all
from tcon.adapt.methods import entry
from tcon.evaluate.runs.groups import group_runs
from tcon.evaluate.runs.read import find_runs
from tcon.evaluate.scores.intervals import bootstrap
from tcon.evaluate.tables.layout import mean_std

BASELINE = "source_only"
METHODS = (
    *("target_only", "dann", "daaa", "cdan", "trn", "ta3n", "tcon"),
    *("tcon-sadnet", "tcon-tadnet", "tcon-attn", "tcon-coattn"),
)
TRAIN = (
    *("train.batch_size=32", "train.epochs=1", "train.min_steps=600", "train.evaluations=1"),
    "train.lr=3e-3",
)
# Narrower than the defaults, where a method has such a network.
WIDTHS = {
    "features": "128",
    "dropout": "0.5",
    "att_hidden": "64",
    "disc.hidden": "128",
    "disc.max_segments": "256",
    "pair.max_pairs": "256",
}


@dataclass(frozen=True)
class Row:
    """A method, and ``key=value`` settings beyond those of all rows."""

    method: str
    settings: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return " ".join((self.method, *(s.removeprefix(f"{self.method}.") for s in self.settings)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--vary", action="append", default=[], metavar="METHOD.KEY=VALUE,...")
    parser.add_argument("--set", action="append", default=[], help="for all rows")
    parser.add_argument("--normalise", choices=["none", "source", "domain"], default="domain")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--jobs", type=int, default=1, help="processes, one thread each")
    parser.add_argument("-o", "--output", type=Path, help="keep the runs; finished ones are reused")
    options = parser.parse_args()
    names = filter(None, options.methods.split(","))
    rows = [Row(name) for name in dict.fromkeys([BASELINE, *names])]
    for settings in options.vary:
        rows.append(Row(settings.partition(".")[0], tuple(settings.split(","))))
    common = (*TRAIN, f"train.normalise={options.normalise}", *options.set)
    with TemporaryDirectory() as temporary:
        output = (options.output or Path(temporary)) / options.normalise
        work = partial(correct_videos, rows=rows, common=common, output=output)
        with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as pool:
            by_seed = list(pool.map(work, range(options.seeds)))
    difficulty = ", ".join(f"{name} {value}" for name, value in asdict(ShiftConfig()).items())
    print(
        f"\nNormalise {options.normalise}; shift: {difficulty}; {options.seeds} seeds, each with "
        f"its own domains; {', '.join(TRAIN)}{''.join(f', {s}' for s in options.set)}\n"
    )
    print(_table([row.name for row in rows], np.stack(by_seed, 1)))


def correct_videos(
    seed: int, *, rows: list[Row], common: tuple[str, ...], output: Path
) -> np.ndarray:
    """Which target test videos of a seed's domains each row gets right, [rows, n]."""
    torch.set_num_threads(1)
    folder = output / f"seed{seed}"
    folder.mkdir(parents=True, exist_ok=True)
    source, target = folder / "source.h5", folder / "target.h5"
    if not target.exists():
        write_shift(folder, seed=seed)
    correct = []
    for row in rows:
        (run,) = make_runs([row.method], [*common, *_widths(row.method), *row.settings])
        runs = folder / row.name.replace(" ", "_")
        prepared = prepare(
            source, target, [replace(run, seed=seed)], runs, device="cpu", oracle=True
        )
        run_all(prepared, on_state=_say)
        (group,) = group_runs(find_runs([runs])[0])
        correct.append(group.scores.correct[0])
    return np.stack(correct)


def _widths(method: str) -> list[str]:
    has = set(keys(entry(method).config))
    return [f"{method}.{key}={value}" for key, value in WIDTHS.items() if key in has]


def _say(folder: object, state: str, why: str) -> None:
    if state != "running":
        print(
            f"{folder.path.parent.parent.name} {folder.path.parent.name}: {state} {why}",
            file=sys.stderr,
            flush=True,
        )


def _table(names: list[str], correct: np.ndarray) -> str:
    """``correct`` [rows, seeds, n]; the first row is the baseline."""
    head = ["method", "accuracy ± std", "95 % interval"]
    head += [f"minus {BASELINE}", "95 % interval", "better in"]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for name, row in zip(names, correct, strict=True):
        cells = [name, mean_std(row.mean(1)), interval(row)]
        if name != BASELINE:
            gain = row.astype(int) - correct[0]  # [seeds, n]
            wins = (gain.mean(1) > 0).sum()
            cells += [f"{100 * gain.mean():+.1f}", interval(gain), f"{wins} of {len(gain)} seeds"]
        lines.append(f"| {' | '.join(cells + [''] * (6 - len(cells)))} |")
    return "\n".join(lines)


def interval(values: np.ndarray) -> str:
    low, high = bootstrap(values)
    return f"{100 * low:.1f} to {100 * high:.1f}"


if __name__ == "__main__":
    main()
