"""Where a pair's time goes: ``python tests/benchmarks/flow/bench_flow_parts.py VIDEOS``.

Runs a level of the pyramid as Python that calls the compiled parts of the engine ``cpu``, on one
thread, and prints the processor time of each for a pair of consecutive frames, and how many of its
pixel iterations ran alone in their sweep: near the end of a warp, to stop where OpenCV stops.
"""

from __future__ import annotations

import argparse
import os
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

from bench_flow import add_pair_options, read_pairs

from tcon.extract.flow import FlowParameters
from tcon.extract.flow.engines import cpu

PARTS = {
    "zeros": "arrays",
    "_resize": "pyramid",
    "with_gradients": "gradients",
    "warp": "warps",
    "median_5x5": "medians",
    "repeat_border": "borders",
    "sweep": "iterations",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_pair_options(parser)
    pairs = read_pairs(parser.parse_args())
    cpu.flow(*pairs[0], FlowParameters())  # compiled now
    whole = _seconds(pairs)

    cpu._level = cpu._level.py_func
    cpu.flow(*pairs[0], FlowParameters())  # so are the kernels by themselves, which are not cached
    spent: defaultdict[str, float] = defaultdict(float)  # seconds
    sweeps: Counter[int] = Counter()  # pixel iterations by the iterations of their sweep
    for name in PARTS:
        setattr(cpu, name, _timed(name, getattr(cpu, name), spent, sweeps))
    apart = _seconds(pairs)
    count = len(pairs)
    print(f"a pair: {whole / count * 1e3:.1f} ms; in parts: {apart / count * 1e3:.1f} ms, of them")
    for name, part in PARTS.items():
        print(f"{part:10} {spent[name] / count * 1e3:6.2f} ms {spent[name] / apart:4.0%}")
    total = sum(sweeps.values())
    print(
        f"{spent['sweep'] / total * 1e9:.2f} ns a pixel iteration, {total / count / 1e6:.1f} M a "
        f"pair, {sweeps[1] / total:.0%} of them in sweeps of one; load {os.getloadavg()[0]:.1f}"
    )


def _seconds(pairs: list[Any]) -> float:
    started = time.thread_time()
    for pair in pairs:
        cpu.flow(*pair, FlowParameters())
    return time.thread_time() - started


def _timed(
    name: str, part: Callable[..., Any], spent: defaultdict[str, float], sweeps: Counter[int]
) -> Callable[..., Any]:
    def timed(*values: Any) -> Any:
        started = time.thread_time()
        result = part(*values)
        spent[name] += time.thread_time() - started
        if name == "sweep":
            u, *_, width, sums = values
            sweeps[len(sums)] += len(sums) * (u.shape[1] - 2) * width
        return result

    return timed


if __name__ == "__main__":
    main()
