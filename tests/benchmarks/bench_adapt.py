"""Training steps of every method: ``python tests/benchmarks/bench_adapt.py``.

At the size of UCF -> HMDB: 1438 and 840 videos of 32 snippets of 1024 dimensions, 12 classes,
K = 6, batch 64 + 64, random features. Runs the loop itself (`adapt.training.loop.train`), in fp32
and in bf16, and beside it a plain loop of the same layers (`plain_loops`) and that loop's matrix
products alone, which no step can be faster than; all in turn in every round, so that a machine that
others use hurts all alike. Prints medians over rounds, the ratio to the plain loop among them.

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
import resource
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "helpers"))
from pieces.plain_loops import METHODS, make_step
from pieces.products import products_of
from prepared_runs import invented_record

from tcon.adapt.config.options import RunConfig
from tcon.adapt.config.runs import make_runs
from tcon.adapt.data import feeds as feed
from tcon.adapt.data.domains import Domains, Videos
from tcon.adapt.data.feeds import CachedFeed
from tcon.adapt.methods import FittedMethod, Method, entry, names
from tcon.adapt.run.folder import RunFolder
from tcon.adapt.tasks.task import Task
from tcon.adapt.training.programs import loop, trainee
from tcon.adapt.training.recorder import Recorder
from tcon.cache.common.device import choose_device

SOURCE, TARGET_TRAIN, TARGET_TEST, CLASSES = 1438, 840, 360, 12
SNIPPETS, DIM = 32, 1024
WARM_UP = 3  # steps that are not timed
PARTS = ("gather", "draw", "forward", "backward", "optimiser")


class Clock:
    """Times the steps of one run, or their parts as well.

    Args:
        device: is to be idle whenever the time is taken.
        steps: to time, after the warm-up.
    """

    def __init__(self, device: torch.device, steps: int) -> None:
        self.device, self.steps, self.step = device, steps, -1
        self.started = self.seconds = 0.0
        self.parts: dict[str, float] = defaultdict(float)

    def now(self) -> float:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return time.perf_counter()

    def begin_step(self) -> None:
        self.step += 1
        if self.step == WARM_UP:
            self.started = self.now()
        if self.step == WARM_UP + self.steps:
            self.seconds = self.now() - self.started

    def timed(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **kwargs: Any) -> Any:
            before = self.now()
            result = function(*args, **kwargs)
            if WARM_UP <= self.step < WARM_UP + self.steps:
                self.parts[part] += self.now() - before
            return result

        return run


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
    domains = _domains(device)
    for precision in options.precisions.split(","):
        own = [*settings, f"train.precision={precision}"]
        runs = {run.method: run for run in make_runs(chosen, own, segments=options.segments)}
        print(f"\n{precision}:")
        if options.parts:
            _print_parts(runs, domains, device, options.rounds, options.steps)
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
            ours = _train(run, domains, device, steps).seconds / steps
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


def _print_parts(
    runs: dict[str, RunConfig], domains: Domains, device: torch.device, rounds: int, steps: int
) -> None:
    """Where each method's time goes, and its memory."""
    fitted = [name for name in runs if issubclass(entry(name).method, FittedMethod)]
    stepped = [name for name in runs if name not in fitted]
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        needed = pool.map(partial(_memory, device=device), [runs[name] for name in stepped])
        memory = dict(zip(stepped, needed, strict=True))
    seconds: dict[str, list[float]] = defaultdict(list)
    shares: dict[str, list[dict[str, float]]] = defaultdict(list)
    for _ in range(rounds):
        for name in stepped:
            seconds[name].append(_train(runs[name], domains, device, steps).seconds)
            clock = _train(runs[name], domains, device, steps, parts=True)
            shares[name].append({part: clock.parts[part] / clock.seconds for part in PARTS})
    head = ["method", "steps/s", "memory, MiB", *PARTS, "other"]
    print(f"| {' | '.join(head)} |\n" + "|---" * len(head) + "|")
    for name in stepped:
        share = [statistics.median(one[part] for one in shares[name]) for part in PARTS]
        cells = [name, f"{steps / statistics.median(seconds[name]):.1f}", f"{memory[name]:.0f}"]
        cells += [f"{value:.0%}" for value in (*share, 1 - sum(share))]
        print(f"| {' | '.join(cells)} |")
    for name in fitted:
        base = next(run for run in runs.values() if run.method == "source_only")
        print(f"{name}: {_fit(runs[name], base, domains, device):.1f} s for a whole fit")


def _train(
    run: RunConfig, domains: Domains, device: torch.device, steps: int, *, parts: bool = False
) -> Clock:
    """A short run of the loop itself, timed."""
    clock = Clock(device, steps)
    begin, new, make = feed.step_generator, trainee.new_method, trainee.make_optimiser
    clip = torch.nn.utils.clip_grad_norm_

    def step_generator(*args: Any) -> torch.Generator:
        clock.begin_step()
        return begin(*args)

    def new_method(*args: Any) -> Method:
        method = new(*args)
        method.draw = clock.timed("draw", method.draw)
        method.losses = clock.timed("forward", method.losses)
        return method

    def make_optimiser(*args: Any) -> torch.optim.Optimizer:
        optimiser = make(*args)
        optimiser.step = clock.timed("optimiser", optimiser.step)
        return optimiser

    changes = [(feed, "step_generator", step_generator)]
    if parts:
        changes += [
            (trainee, "new_method", new_method),
            (trainee, "make_optimiser", make_optimiser),
            (feed, "_batch", clock.timed("gather", feed._batch)),
            (torch.Tensor, "backward", clock.timed("backward", torch.Tensor.backward)),
            (torch.nn.utils, "clip_grad_norm_", clock.timed("optimiser", clip)),
        ]
    with TemporaryDirectory() as folder, ExitStack() as patches:
        for owner, name, function in changes:
            patches.enter_context(patch.object(owner, name, function))
        output = RunFolder(Path(folder) / "run", invented_record(run))
        loop.train(run, CachedFeed(run, domains, device), output, save_seconds=float("inf"))
    return clock


def _fit(run: RunConfig, base_run: RunConfig, domains: Domains, device: torch.device) -> float:
    """Seconds of a whole fit, evaluations included."""
    with TemporaryDirectory() as folder:
        named = {"base": base_run, "run": run}
        outputs = [RunFolder(Path(folder) / n, invented_record(r)) for n, r in named.items()]
        base = loop.train(base_run, CachedFeed(base_run, domains, device), outputs[0])
        clock = Clock(device, 0)
        started = clock.now()
        loop.fit(run, CachedFeed(run, domains, device), outputs[1], base=base)
        return clock.now() - started


def _memory(run: RunConfig, device: torch.device) -> float:
    """MiB that training adds at its peak; in a process of its own."""
    domains, on_gpu = _domains(device), device.type == "cuda"

    def peak() -> float:
        if on_gpu:
            return torch.cuda.max_memory_allocated(device) / 2**20
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10

    before = peak()
    with patch.object(Recorder, "evaluate", lambda *_, **__: {}), patch.object(Recorder, "finish"):
        _train(run, domains, device, steps=2)
    return peak() - before


def _domains(device: torch.device) -> Domains:
    """Random non-negative features."""
    names = tuple(f"class{n}" for n in range(CLASSES))
    index = {name: n for n, name in enumerate(names)}
    return Domains(
        task=Task("random", names, index, index),
        source_train=_videos(SOURCE, device, labelled=True),
        source_val=None,
        target_train=_videos(TARGET_TRAIN, device),
        target_test=_videos(TARGET_TEST, device),
        protocol="inductive",
    )


def _videos(count: int, device: torch.device, *, labelled: bool = False) -> Videos:
    features = torch.empty(count * SNIPPETS, DIM, dtype=torch.float16, device=device)
    for chunk in features.split(8192):
        chunk.copy_(torch.rand(chunk.shape, device=device))
    n = torch.arange(count, device=device)
    return Videos(
        ids=tuple(f"v{number}" for number in range(count)),
        features=features,
        start=n * SNIPPETS,
        count=torch.full_like(n, SNIPPETS),
        labels=n % CLASSES if labelled else None,
    )


if __name__ == "__main__":
    main()
