"""Decoders against each other: ``python tests/benchmarks/extract/bench_decoders.py VIDEOS``.

Every decoder reads the same clips from start to end on one thread and gives 32 evenly spaced
frames of each as RGB. Prints frames decoded per second, and PyAV's as a multiple of decord's.
"""

from __future__ import annotations

import argparse
import time

from tcon.extract.decoding import open_video
from tcon.extract.lists.videos import VideoItem, read_videos
from tcon.extract.snippets.sampling import Sampling, centres, snippet_frames


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("videos", help="list or folder")
    parser.add_argument("--root")
    parser.add_argument("--clips", type=int, default=40, help="how many to take")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    items = read_videos(options.videos, root=options.root)
    items = items[:: max(1, len(items) // options.clips)][: options.clips]
    for number in range(options.rounds):
        rates = {decoder: _rate(items, decoder) for decoder in ("pyav", "decord")}
        shown = ", ".join(f"{name} {rate:.0f} frames/s" for name, rate in rates.items())
        print(f"round {number + 1}: {shown}, ratio {rates['pyav'] / rates['decord']:.2f}")


def _rate(items: list[VideoItem], decoder: str) -> float:
    started, frames = time.perf_counter(), 0
    for item in items:
        with open_video(str(item.path), decoder) as video:
            for _ in video.frames(centres(snippet_frames(Sampling("uniform", 32), video.expected))):
                pass
            frames += video.total
    return frames / (time.perf_counter() - started)


if __name__ == "__main__":
    main()
