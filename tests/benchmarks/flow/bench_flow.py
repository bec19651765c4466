"""TV-L1 engines against each other: ``python tests/benchmarks/flow/bench_flow.py VIDEOS``.

Takes pairs of consecutive frames from the middle of clips, grey, 340 x 256, and runs every engine
at hand on the same pairs in one run: ``cpu`` and ``opencv`` a pair a thread, on a GPU ``cuda`` and
``torch`` in batches, copies to it and back not counted (``--torch-on-cpu`` for that one without a
GPU). Prints pairs/s, a pair's processor time (the host's; other programs disturb it little), peak
memory, the time for a pixel iteration, the end-point difference to OpenCV, and the work behind it:
a pixel iteration is 62 FLOP, and moves 64 bytes where every iteration reads and writes its ten
arrays once.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec

import numpy as np
import torch
from torch import Tensor

from tcon.cache.common.machine.cores import cores
from tcon.extract.decoding import read_frames
from tcon.extract.flow import FlowParameters
from tcon.extract.flow.engines import batched, cpu
from tcon.extract.flow.frames import grey
from tcon.extract.flow.parameters import budget
from tcon.extract.lists.videos import VideoItem, read_videos

FLOP, BYTES = 62, 64
BOUND = 20  # pixels: what 8-bit flow can hold
# Pairs [N, H, W] to their flow [N, 2, H, W] and each one's pixel iterations, none if unknown.
Engine = Callable[[Tensor, Tensor, FlowParameters], tuple[Tensor, Sequence[int]]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_pair_options(parser)
    parser.add_argument("--repeat", type=int, default=1, help="the pairs, to fill a GPU")
    parser.add_argument("--threads", type=int, default=cores())
    parser.add_argument("--torch-on-cpu", action="store_true", help="slow")
    options = parser.parse_args()
    first, second = zip(*read_pairs(options), strict=True)
    pairs = torch.from_numpy(np.stack([first, second]))
    pairs = pairs.repeat(1, options.repeat, 1, 1)  # [2, N, H, W]

    flows, rates, costs = {}, {}, {}
    for (name, device), engine in _engines(options).items():
        images = pairs.to(device)
        engine(*images[:, :1], FlowParameters())  # compiled now
        if device == "cuda":
            for _ in range(2):  # the grids of all batch sizes, then their graphs
                engine(*images, FlowParameters())
            torch.cuda.synchronize()
            torch.cuda.reset_peak_memory_stats()
        started, cost = time.perf_counter(), time.process_time()
        flow, spent = engine(*images, FlowParameters())
        flows[name] = flow.cpu().numpy()  # waits for the device
        seconds = time.perf_counter() - started
        rates[name] = len(flow) / seconds
        costs[name] = (time.process_time() - cost) / len(flow)
        on = device if device == "cuda" else f"{options.threads} threads"
        line = (
            f"{name:7} {rates[name]:7.2f} pairs/s on {on}, {costs[name] * 1e3:.1f} ms of processor"
        )
        if device == "cuda":
            line += f", peak memory {torch.cuda.max_memory_allocated() / 2**30:.2f} GiB there"
        if len(spent):
            total = int(sum(spent))
            stopped = sum(int(n) >= budget(FlowParameters(), pairs[0, 0].numel()) for n in spent)
            line += (
                f"; {total / len(flow) / 1e6:.1f} M pixel iterations a pair, "
                f"{stopped} of {len(flow)} met the budget, "
                f"{seconds / total * 1e9:.3f} ns each with all the rest; "
                f"{total * FLOP / seconds / 1e9:.0f} GFLOP/s, "
                f"{total * BYTES / seconds / 1e9:.0f} GB/s of array traffic"
            )
        print(line)
    if "opencv" in flows:
        motion = np.linalg.norm(flows["opencv"], axis=1).mean()
        for name in flows.keys() - {"opencv"}:
            error = np.linalg.norm(flows[name] - flows["opencv"], axis=1).mean((1, 2))
            print(
                f"{name} is {rates[name] / rates['opencv']:.1f} x opencv, "
                f"{costs['opencv'] / costs[name]:.1f} x by processor time; end-point difference "
                f"mean {error.mean():.4f}, worst pair {error.max():.4f} px; "
                f"mean motion {motion:.2f} px"
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
    items = read_items(options, options.pairs)
    pairs = [_pair(str(item.path), options.apart) for item in items]
    if options.cuts:
        pairs = [(pairs[n - 1][0], second) for n, (_, second) in enumerate(pairs)]
    return pairs


def read_items(options: argparse.Namespace, count: int) -> list[VideoItem]:
    """So many videos, evenly over the list."""
    items = read_videos(options.videos, root=options.root)
    return items[:: max(1, len(items) // count)][:count]


def length(flow: np.ndarray) -> float:
    """Mean length of the vectors [2, H, W]."""
    return float(np.linalg.norm(flow, axis=0).mean())


def levels(flow: np.ndarray) -> np.ndarray:
    return np.rint(255 * (flow.clip(-BOUND, BOUND) + BOUND) / (2 * BOUND))


def _engines(options: argparse.Namespace) -> dict[tuple[str, str], Engine]:
    engines = {("cpu", "cpu"): _threaded(cpu.flow, options.threads)}
    if torch.cuda.is_available():
        engines["torch", "cuda"] = batched.flow
        if find_spec("triton"):
            from tcon.extract.flow.engines import cuda

            engines["cuda", "cuda"] = cuda.flow
    elif options.torch_on_cpu:
        torch.set_num_threads(options.threads)
        engines["torch", "cpu"] = batched.flow
    try:
        import cv2

        from tcon.extract.flow.engines import opencv

        cv2.setNumThreads(1)  # a pair a thread, as ours
        engines["opencv", "cpu"] = _threaded(opencv.flow, options.threads)
    except ImportError:
        print("opencv-contrib is not installed: nothing to compare with")
    return engines


def _threaded(flow: Callable, threads: int) -> Engine:
    def engine(
        first: Tensor, second: Tensor, parameters: FlowParameters
    ) -> tuple[Tensor, list[int]]:
        with ThreadPoolExecutor(threads) as pool:
            results = list(
                pool.map(lambda a, b: flow(a, b, parameters), first.numpy(), second.numpy())
            )
        flows, spent = zip(*results, strict=True)
        return torch.from_numpy(np.stack(flows)), [n for n in spent if n]

    return engine


def _pair(path: str, apart: int) -> tuple[np.ndarray, np.ndarray]:
    images = read_frames(path, lambda n: np.array([n // 2, min(n // 2 + apart, n - 1)]))
    first, second = grey(torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2)).numpy()
    return first, second


if __name__ == "__main__":
    main()
