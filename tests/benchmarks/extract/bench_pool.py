"""What decoding processes cost.

``python tests/benchmarks/extract/bench_pool.py VIDEOS --workers 8``

Prints how long a pool takes to its first answer, with a new fork server and with one that is held,
and the CPU time and memory (each shared page counted once) of the processes below this one, once
each has read a video and once they have read all.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

from tcon.cache.recipe import Preprocessing, Sampling
from tcon.extract.decoding.pool import DecodePool
from tcon.extract.decoding.server import decoding_soon
from tcon.extract.lists.videos import read_videos
from tcon.extract.snippets.cutting import FrameCut
from tcon.extract.snippets.reading import Reading

READING = Reading(
    {"rgb": FrameCut(Sampling("uniform", 32), Preprocessing(resize=256, input_size=224))}
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("videos", help="list or folder")
    parser.add_argument("--root")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--clips", type=int, default=40, help="how many to take")
    options = parser.parse_args()
    items = read_videos(options.videos, root=options.root)[: options.clips]
    print(f"{options.workers} processes, {len(items)} clips, load {os.getloadavg()[0]:.1f}")
    started = time.perf_counter()
    with decoding_soon(Reading, workers=options.workers):
        for server in ("a new", "a held"):
            with DecodePool(READING, workers=options.workers, time_limit=60) as pool:
                answers = pool.stream(items[: options.workers])
                next(filter(None, answers))
                seconds = time.perf_counter() - started
                print(f"first answer after {seconds:.2f} s with {server} server")
                list(answers)
                print(f"  a video each: {_work():.2f} CPU-s, {_memory():.2f} GiB")
                list(pool.stream(items))
                print(f"  all videos:   {_work():.2f} CPU-s, {_memory():.2f} GiB")
            started = time.perf_counter()


def _below(process: int) -> list[int]:
    """The living children of a process, theirs, and so on."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [each for child in map(int, children) for each in (child, *_below(child))]


def _work() -> float:
    """Seconds that the living processes below this one have worked."""
    ticks = 0
    for process in _below(os.getpid()):
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])  # user and system
    return ticks / os.sysconf("SC_CLK_TCK")


def _memory() -> float:
    """GiB that they hold, each shared page counted once."""
    total = 0
    for process in _below(os.getpid()):
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 2**20


if __name__ == "__main__":
    main()
