"""Training steps of every method: ``python tests/benchmarks/bench_adapt.py``.

At the size of UCF -> HMDB: 1438 and 840 videos of 32 snippets of 1024 dimensions, 12 classes, K =
6, batch 64 + 64, random features. Runs the loop itself (`adapt.training.programs.loop.train`), in
fp32 and in bf16, and beside it a plain loop of the same layers (`plain_loops`) and that loop's
matrix products alone, which no step can be faster than; all in turn in every round, so that a
machine that others use hurts all alike. Prints medians over rounds, the ratio to the plain loop
among them.

With ``--parts`` it prints of every method steps/s, the memory that training adds to what the
features need, and where a step's time goes:

- gather: choosing snippets and copying them to a batch in float32;
- draw: random numbers, dropout masks among them;
- forward: features, losses and logs;
- backward: gradients;
- optimiser: clipping and the update;
- other: the rest of the loop.

Shares come from runs of their own, as they need the device to be idle at each boundary. For methods
that are fitted the seconds of a whole fit are printed.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "helpers"))
from pieces.plain_loops import METHODS, make_step
from pieces.products import products_of
from pieces.step_parts import print_parts
from pieces.timed_training import (
    DIM,
    SNIPPETS,
    SOURCE,
    TARGET_TRAIN,
    WARM_UP,
    Clock,
    random_domains,
    timed_training,
)

from tcon.adapt.config.options import RunConfig
from tcon.adapt.config.runs import make_runs
from tcon.adapt.data.domains import Domains
from tcon.adapt.methods import entry, names
from tcon.cache.common.machine.device import choose_device


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--methods", help="names, separated by commas; all if not given")
    parser.add_argument("--precisions", default="fp32,bf16", help="of the steps")
    parser.add_argument("--parts", action="store_true", help="where a step's time goes, and memory")
    parser.add_argument("--steps", type=int, default=10, help="timed ones of a run")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--segments", default="6", help="of --parts; plain loops have 6")
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--device", default="auto")
    options = parser.parse_args()
    device = choose_device(options.device)
    chosen = list(names() if options.parts else METHODS)
    if options.methods:
        chosen = options.methods.split(",")
    chosen = [name for name in chosen if not entry(name).method.reads_target_labels]
    settings = ["train.epochs=1", "train.evaluations=1", *options.set]
    settings.append(f"train.min_steps={WARM_UP + options.steps + 1}")
    what = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    print(
        f"{what}, {torch.get_num_threads()} threads, torch {torch.__version__}; {SOURCE} and "
        f"{TARGET_TRAIN} videos of {SNIPPETS} x {DIM}, K = {options.segments}, batch 64 + 64; "
        f"medians of {options.rounds} rounds of {options.steps} steps"
    )
    domains = random_domains(device)
    for precision in options.precisions.split(","):
        own = [*settings, f"train.precision={precision}"]
        runs = {run.method: run for run in make_runs(chosen, own, segments=options.segments)}
        print(f"\n{precision}:")
        if options.parts:
            print_parts(runs, domains, device, options.rounds, options.steps)
        else:
            _print_comparison(runs, domains, device, options.rounds, options.steps)


def _print_comparison(
    runs: dict[str, RunConfig], domains: Domains, device: torch.device, rounds: int, steps: int
) -> None:
    """Each method's steps, those of its plain loop and their products, in turn in every round."""
    taken: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
    plain = {
        name: make_step(
            name,
            domains.source_train.features.view(SOURCE, SNIPPETS, DIM),
            domains.source_train.labels,
            domains.target_train.features.view(TARGET_TRAIN, SNIPPETS, DIM),
            bf16=run.train.precision == "bf16",
        )
        for name, run in runs.items()
    }
    products = {name: products_of(step) for name, step in plain.items()}
    others = OthersLoad()
    for _ in range(rounds):
        for name, run in runs.items():
            ours = timed_training(run, domains, device, steps).seconds / steps
            by_hand = _seconds_of(plain[name], device, steps)
            alone = _seconds_of(products[name][0], device, steps)
            taken[name].append((ours, by_hand, alone))
    head = ["method", "ms/step", "plain loop", "ratio", "products alone", "GFLOP"]
    print(f"| {' | '.join(head)} |\n" + "|---" * len(head) + "|")
    for name, rows in taken.items():
        ours, by_hand, alone = (1000 * statistics.median(x) for x in zip(*rows, strict=True))
        ratio = statistics.median(row[0] / row[1] for row in rows)
        cells = [f"{ours:.1f}", f"{by_hand:.1f}", f"{ratio:.2f}", f"{alone:.1f}"]
        print(f"| {' | '.join([name, *cells, f'{products[name][1]:.1f}'])} |")
    print(f"Other processes kept {others.cores():.2f} cores busy meanwhile.")


def _seconds_of(work: Callable[[], None], device: torch.device, times: int) -> float:
    clock = Clock(device, times)
    for _ in range(WARM_UP):
        work()
    started = clock.now()
    for _ in range(times):
        work()
    return (clock.now() - started) / times


class OthersLoad:
    """How many cores other processes have kept busy since this was made."""

    def __init__(self) -> None:
        self.started, self.before = time.perf_counter(), self._others()

    def cores(self) -> float:
        return (self._others() - self.before) / (time.perf_counter() - self.started)

    @staticmethod
    def _others() -> float:
        """Seconds of all cores that were not idle, without this process's own."""
        words = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
        user, nice, system, _, _, irq, softirq = (int(word) for word in words[:7])
        busy = (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")
        own = os.times()
        return busy - own.user - own.system


if __name__ == "__main__":
    main()
