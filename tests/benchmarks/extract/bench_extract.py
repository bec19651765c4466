"""Extraction against its parts: ``python tests/benchmarks/extract/bench_extract.py [VIDEOS]``.

In one run, on the same clips: (a) decoding alone on all cores, (b) the backbone alone, as `extract`
runs it and in a plain loop over batches, whichever is faster, (c) `extract` from videos to feature
file. On a CPU both share the cores, so the best that (c) can be is 1 / (1/a + 1/b); on a GPU it is
min(a, b). Prints snippets/s of each round, the ratio of (c) to that bound, the CPU time of the
decoding processes in (c), and the peak memory of the process and of its children. Rounds in which
other processes were busy tell little: their share of the machine is printed beside them. The
process that the decoding processes are forked from starts before the first round, as in the
command, where it starts while the backbone is loaded.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # before torch is loaded, as the command does

import argparse
import copy
import resource
import statistics
import tempfile
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from tcon.cache.common.machine.cores import cores
from tcon.cache.recipe import Sampling
from tcon.extract.decoding.pool import DecodePool
from tcon.extract.decoding.server import decoding_soon
from tcon.extract.features.items import extract_items
from tcon.extract.features.options import ExtractOptions
from tcon.extract.features.plan import Plan
from tcon.extract.lists.videos import VideoItem, read_videos
from tcon.extract.machine.batching import Batcher
from tcon.extract.machine.devices import Devices, layout_of
from tcon.extract.machine.machine import Machine
from tcon.extract.machine.memory import keep_freed_memory
from tcon.extract.machine.precision import DTYPES
from tcon.extract.snippets.reading import Chunk, Reading
from tcon.extract.snippets.transforms import normalise

CORES = cores()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("videos", nargs="?", help="list or folder; synthetic clips if not given")
    parser.add_argument("--root")
    parser.add_argument("--backbone", default="efficientnet_lite0", help="or several, a,b,c")
    parser.add_argument("--weights")
    parser.add_argument("--snippets", type=int, default=32)
    parser.add_argument("--clips", type=int, default=120, help="how many to take")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--device", default="auto")
    options = parser.parse_args()
    keep_freed_memory()  # as the command does
    with tempfile.TemporaryDirectory() as folder:
        source = options.videos or _synthetic(Path(folder) / "clips", options.clips)
        items = read_videos(source, root=options.root)
        items = items[:: max(1, len(items) // options.clips)][: options.clips]
        for backbone in options.backbone.split(","):
            how = ExtractOptions(
                backbone=backbone,
                weights=options.weights,
                sampling=Sampling("uniform", options.snippets),
            )
            plan = Plan.make(how, Machine(device=options.device))
            with decoding_soon(Reading, workers=CORES):
                _compare(items, plan, Path(folder), rounds=options.rounds)


def _compare(items: list[VideoItem], plan: Plan, folder: Path, *, rounds: int) -> None:
    print(
        f"{len(items)} clips, {plan.options.backbone} {plan.precision} on {plan.devices[0]}, "
        f"batch {plan.batch_size}, {CORES} cores, torch {torch.__version__}"
    )
    kept: list[tuple[str, Tensor]] = []
    decoders = 0.0
    device, dtype = plan.devices[0], DTYPES[plan.precision]
    backbone, layout = plan.backbones["rgb"], layout_of(plan.backbones["rgb"])
    module = copy.deepcopy(backbone.module).to(device, dtype, memory_format=layout)

    def decode() -> int:
        for item, answer in filter(None, pool.stream(items)):
            if isinstance(answer, Chunk):
                kept.append((item.id, answer.snippets.flatten(0, 1)))
        return sum(len(images) for _, images in kept)

    def forward() -> int:
        batcher = Batcher("rgb", plan.batch_size)
        with Devices(plan.backbones, plan.devices, dtype) as ready:
            running = deque()
            for id_, images in kept:
                for batch in batcher.add(id_, images):
                    running.append(ready.submit("rgb", batch.images))
                    if len(running) > ready.capacity:
                        running.popleft().result()
            for result in running:
                result.result()
        return sum(len(images) for _, images in kept)

    @torch.inference_mode()
    def plain() -> int:
        for _, images in kept:
            for batch in images.split(plan.batch_size):
                x = normalise(batch.to(device), backbone.spec.preprocessing)
                module(x.to(dtype, memory_format=layout)).float().cpu()
        return sum(len(images) for _, images in kept)

    def whole() -> int:
        images = 0

        def count(progress: object) -> None:
            nonlocal images
            images = progress.images

        output = folder / "x.h5"
        output.unlink(missing_ok=True)
        extract_items(items, output, plan, on_progress=count)
        return images

    ratios = []
    for number in range(rounds):
        with DecodePool(plan.reading, workers=CORES, time_limit=60) as pool:
            list(pool.stream(items[:CORES]))  # the processes are up
            a, busy_a = _rate(decode)
            decoders = max(decoders, _memory_of_children())
        b, busy_b = _rate(forward)
        loop, busy_loop = _rate(plain)
        kept.clear()
        work = _work_of_children()
        c, busy_c = _rate(whole)
        work = _work_of_children() - work
        best = max(b, loop)
        bound = min(a, best) if plan.on_gpu else 1 / (1 / a + 1 / best)
        ratios.append(c / bound)
        print(
            f"round {number + 1}: decode only {a:.0f}/s, backbone only {b:.0f}/s, in a plain loop "
            f"{loop:.0f}/s, bound {bound:.0f}/s, extract {c:.0f}/s = {c / bound:.2f} of the bound, "
            f"{work:.1f} CPU-s of decoding (others busy: {busy_a:.0%}, {busy_b:.0%}, "
            f"{busy_loop:.0%}, {busy_c:.0%} of a core)"
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"median {statistics.median(ratios):.2f} of the bound; peak memory {peak:.2f} GiB and "
        f"{decoders:.2f} GiB in all decoding processes together"
    )


def _rate(run: Callable[[], int]) -> tuple[float, float]:
    """Items per second of ``run``, and the cores that other processes kept busy meanwhile."""
    busy, mine, started = _busy(), _mine(), time.perf_counter()
    items = run()
    seconds = time.perf_counter() - started
    foreign = (_busy() - busy) - (_mine() - mine)
    return items / seconds, max(foreign, 0) / seconds


def _busy() -> float:
    """Seconds that all cores together have worked since the machine started."""
    user, nice, system, _, _, irq, softirq, *_ = map(
        int, Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    )
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def _mine() -> float:
    """Seconds that this process and those below it, living and ended, have worked."""
    return os.times().user + os.times().system + _work_of_children()


def _work_of_children() -> float:
    """Seconds that the processes below this one, living and ended, have worked."""
    times = os.times()
    ticks = 0
    for process in _below(os.getpid()):
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        ticks += sum(map(int, fields[11:15]))  # user and system, its own and of its ended children
    return times.children_user + times.children_system + ticks / os.sysconf("SC_CLK_TCK")


def _below(process: int) -> list[int]:
    """The living children of a process, theirs, and so on."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [each for child in map(int, children) for each in (child, *_below(child))]


def _memory_of_children() -> float:
    """GiB that the processes below this one hold, each shared page counted once."""
    total = 0
    for process in _below(os.getpid()):
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 2**20


def _synthetic(folder: Path, clips: int) -> Path:
    from tcon.extract.synthetic import World, write_pair

    write_pair(folder, world=World(clips=4 * clips))  # a good quarter of them is the source's
    return folder / "source"


if __name__ == "__main__":
    main()
