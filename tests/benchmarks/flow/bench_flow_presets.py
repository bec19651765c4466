"""What presets of TV-L1 cost and win.

``python tests/benchmarks/flow/bench_flow_presets.py VIDEOS``

Runs each preset, and whatever --also names (``epsilon=0.02,warps=3``), on the pairs of
bench_flow.py with the cpu engine. Prints the thread's time for a pair (the better of two), and the
difference to the default: end points, 8-bit levels, cosine of the flows as vectors.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from bench_flow import add_pair_options, length, levels, read_pairs

from tcon.extract.flow import PRESETS, FlowParameters, parse_parameters
from tcon.extract.flow.engines import cpu


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_pair_options(parser)
    parser.add_argument("--also", nargs="*", default=[], help="further parameters")
    options = parser.parse_args()
    pairs = read_pairs(options)
    cpu.flow(*pairs[0], FlowParameters())  # compiled now
    reference, plain = zip(*(_run(pair, FlowParameters()) for pair in pairs), strict=True)
    print(f"mean motion {np.mean([length(flow) for flow in reference]):.2f} px")
    for text in (*PRESETS, *options.also):
        flows, seconds = zip(*(_run(p, parse_parameters(text)) for p in pairs), strict=True)
        both = list(zip(flows, reference, strict=True))
        error = [length(ours - default) for ours, default in both]
        steps = [np.abs(levels(ours) - levels(default)).mean() for ours, default in both]
        print(
            f"{text:10} {1000 * np.mean(seconds):6.1f} ms, {sum(plain) / sum(seconds):.1f} x; "
            f"mean {np.mean(error):.3f}, worst pair {np.max(error):.3f} px; 8-bit levels "
            f"{np.mean(steps):.2f}; cosine {np.mean([_cosine(*two) for two in both]):.4f}"
        )


def _run(
    pair: tuple[np.ndarray, np.ndarray], parameters: FlowParameters
) -> tuple[np.ndarray, float]:
    best = float("inf")
    for _ in range(2):
        started = time.thread_time()
        flow, _ = cpu.flow(*pair, parameters)
        best = min(best, time.thread_time() - started)
    return flow, best


def _cosine(ours: np.ndarray, default: np.ndarray) -> float:
    return float((ours * default).sum() / np.sqrt((ours**2).sum() * (default**2).sum()))


if __name__ == "__main__":
    main()
