"""How far OpenCV's TV-L1 is from itself.

``python tests/benchmarks/flow/flow_sensitivity.py VIDEOS``

The flow of a scene cut has nothing to find: rounding grows from warp to warp. What difference
between two engines means something is what exceeds OpenCV's own difference after a change that
nobody can see. Prints, for the same pairs as bench_flow.py, end-point and 8-bit level differences
to OpenCV's flow of: the cpu engine, and OpenCV without SIMD, on threads, and with one pixel or one
pixel in a hundred of the first frame a grey level brighter.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import cv2
import numpy as np
from bench_flow import add_pair_options, length, levels, read_pairs

from tcon.extract.flow import FlowParameters
from tcon.extract.flow.engines import cpu, opencv


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_pair_options(parser)
    pairs = read_pairs(parser.parse_args())
    cv2.setNumThreads(1)
    reference = [opencv.flow(*pair, FlowParameters())[0] for pair in pairs]
    print(f"mean motion {np.mean([length(flow) for flow in reference]):.2f} px")
    for name, engine in VARIANTS.items():
        flows = [engine(*pair) for pair in pairs]
        both = list(zip(flows, reference, strict=True))
        error = [length(ours - theirs) for ours, theirs in both]
        steps = [np.abs(levels(ours) - levels(theirs)).mean() for ours, theirs in both]
        print(
            f"{name:20} mean {np.mean(error):.4f}, worst pair {np.max(error):.4f} px; 8-bit levels "
            f"{np.mean(steps):.3f}, worst pair {np.max(steps):.3f}"
        )


def _opencv(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return opencv.flow(first, second, FlowParameters())[0]


def _without_simd(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    cv2.setUseOptimized(False)
    try:
        return _opencv(first, second)
    finally:
        cv2.setUseOptimized(True)


def _threaded(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    cv2.setNumThreads(2)
    try:
        return _opencv(first, second)
    finally:
        cv2.setNumThreads(1)


def _brighter(share: float) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """OpenCV after ``share`` of the first frame's pixels, at least one, were made brighter by 1."""

    def engine(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        rng = np.random.default_rng(0)
        chosen = rng.choice(first.size, max(1, round(share * first.size)), replace=False)
        first = first.copy()
        first.flat[chosen] += first.flat[chosen] < 255
        return _opencv(first, second)

    return engine


VARIANTS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "cpu": lambda first, second: cpu.flow(first, second, FlowParameters())[0],
    "opencv, no SIMD": _without_simd,
    "opencv, 2 threads": _threaded,
    "opencv, 1 pixel + 1": _brighter(0),
    "opencv, 1 % + 1": _brighter(0.01),
}

if __name__ == "__main__":
    main()
