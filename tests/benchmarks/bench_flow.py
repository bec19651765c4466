"""TV-L1 engines against each other: ``python tests/benchmarks/bench_flow.py VIDEOS``.

Takes pairs of consecutive frames from the middle of clips, grey, 340 x 256, and runs every engine
at hand on the same pairs and threads in one run. Prints pairs/s, the time for a pixel iteration,
the end-point difference to OpenCV, and the work behind it: a pixel iteration is 62 FLOP, and moves
64 bytes where every iteration reads and writes its ten arrays once.
"""

from __future__ import annotations

import argparse
import resource
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

from tcon.extract.cores import cores
from tcon.extract.decoders import read_frames
from tcon.extract.flow import Parameters, cpu
from tcon.extract.flow.frames import grey
from tcon.extract.lists import read_videos

FLOP, BYTES = 62, 64


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_pair_options(parser)
    parser.add_argument("--threads", type=int, default=cores())
    options = parser.parse_args()
    pairs = read_pairs(options)
    cpu.flow(*pairs[0], Parameters())  # compiled now

    flows, rates = {}, {}
    for name, engine in _engines().items():
        with ThreadPoolExecutor(options.threads) as pool:
            started = time.perf_counter()
            results = list(pool.map(lambda p, f=engine: f(*p, Parameters()), pairs))
            seconds = time.perf_counter() - started
        flows[name], rates[name] = np.stack([flow for flow, _ in results]), len(pairs) / seconds
        line = f"{name:7} {rates[name]:7.2f} pairs/s on {options.threads} threads"
        spent = [iterations for _, iterations in results if iterations]
        if spent:
            total = sum(spent)
            line += (
                f"; {total / len(pairs) / 1e6:.1f} M pixel iterations a pair, "
                f"{seconds * options.threads / total * 1e9:.2f} ns each and thread with all the "
                f"rest; {total * FLOP / seconds / 1e9:.0f} GFLOP/s, "
                f"{total * BYTES / seconds / 1e9:.0f} GB/s of array traffic"
            )
        print(line)
    if "opencv" in flows:
        error = np.linalg.norm(flows["cpu"] - flows["opencv"], axis=1).mean((1, 2))
        motion = np.linalg.norm(flows["opencv"], axis=1).mean()
        print(
            f"cpu is {rates['cpu'] / rates['opencv']:.1f} x opencv; end-point difference mean "
            f"{error.mean():.4f}, worst pair {error.max():.4f} px; mean motion {motion:.2f} px"
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"peak memory {peak:.2f} GiB")


def add_pair_options(parser: argparse.ArgumentParser) -> None:
    """What `read_pairs` needs."""
    parser.add_argument("videos", help="list or folder")
    parser.add_argument("--root")
    parser.add_argument("--pairs", type=int, default=24)
    parser.add_argument("--apart", type=int, default=1, help="frames between those of a pair")
    parser.add_argument("--cuts", action="store_true", help="second frames of the next clip")


def read_pairs(options: argparse.Namespace) -> list[tuple[np.ndarray, np.ndarray]]:
    """Pairs of grey frames [256, 340] from the middle of clips."""
    items = read_videos(options.videos, root=options.root)
    items = items[:: max(1, len(items) // options.pairs)][: options.pairs]
    pairs = [_pair(str(item.path), options.apart) for item in items]
    if options.cuts:
        pairs = [(pairs[n - 1][0], second) for n, (_, second) in enumerate(pairs)]
    return pairs


def _engines() -> dict:
    engines = {"cpu": cpu.flow}
    try:
        import cv2

        from tcon.extract.flow import opencv

        cv2.setNumThreads(1)  # a pair a thread, as ours
        engines["opencv"] = opencv.flow
    except ImportError:
        print("opencv-contrib is not installed: nothing to compare with")
    return engines


def _pair(path: str, apart: int) -> tuple[np.ndarray, np.ndarray]:
    images = read_frames(path, lambda n: np.array([n // 2, min(n // 2 + apart, n - 1)]))
    first, second = grey(torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2)).numpy()
    return first, second


if __name__ == "__main__":
    main()
