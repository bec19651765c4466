"""Where a training step's time goes, and the memory that training takes, of every method."""

from __future__ import annotations

import resource
import statistics
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import torch
from pieces.timed_training import Clock, random_domains, timed_training
from prepared_runs import invented_record

from tcon.adapt.config.options import RunConfig
from tcon.adapt.data.domains import Domains
from tcon.adapt.data.feeds import CachedFeed
from tcon.adapt.methods import FittedMethod, entry
from tcon.adapt.run.folder import RunFolder
from tcon.adapt.training.programs import loop
from tcon.adapt.training.recorder import Recorder

PARTS = ("gather", "draw", "forward", "backward", "optimiser")


def print_parts(
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
            seconds[name].append(timed_training(runs[name], domains, device, steps).seconds)
            clock = timed_training(runs[name], domains, device, steps, parts=True)
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
    domains, on_gpu = random_domains(device), device.type == "cuda"

    def peak() -> float:
        if on_gpu:
            return torch.cuda.max_memory_allocated(device) / 2**20
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10

    before = peak()
    with patch.object(Recorder, "evaluate", lambda *_, **__: {}), patch.object(Recorder, "finish"):
        timed_training(run, domains, device, steps=2)
    return peak() - before
