"""Peak memory and steps/s on features as many as Jester's, in memory and read from their files.

``python tests/benchmarks/bench_memory.py [--against CHECKOUT]`` makes a source of 100,000 videos
x 12 snippets x 1024 (2.5 GB) and a small target in a temporary folder, and trains each method for
some steps in a process of its own: with features in memory, read from their files, and as another
checkout (a folder that holds the package ``tcon``) does it. The files are in the page cache.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import tcon

STEPS = {"source_only": 200, "tcon": 15}
SKIPPED = 3  # the first steps, which are slower


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--against", type=Path, help="another checkout")
    parser.add_argument("--videos", type=int, default=100_000)
    parser.add_argument("--methods", default=",".join(STEPS))
    parser.add_argument("--folder", type=Path, help="for the files; a temporary one if none")
    parser.add_argument("--train", nargs=4, help=argparse.SUPPRESS)  # what a child does
    options = parser.parse_args()
    if options.train:
        print(json.dumps(train(*options.train)))
        return
    checkout = Path(tcon.__file__).parents[1]
    kinds = [("in memory", checkout, "memory"), ("read from the files", checkout, "file")]
    if options.against:
        kinds.append((str(options.against), options.against, "memory"))
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        make_files(folder, options.videos)
        print(f"{'':34}  GiB at most  s to the first step  steps/s  load")
        for method in options.methods.split(","):
            for kind, path, place in kinds:
                told = measure(path, method, place, folder)
                load = os.getloadavg()[0]
                print(
                    f"{method + ', ' + kind:34}  {told['gib']:11.2f}  {told['start']:19.1f}  "
                    f"{told['rate']:7.2f}  {load:4.1f}",
                    flush=True,
                )


def make_files(folder: Path, videos: int) -> None:
    """A large source and a small target, made by a process of its own."""
    script = (
        "import sys; from pathlib import Path; from pieces.large_files import write_large\n"
        f"for name, videos in (('source', {videos}), ('target', 2000)):\n"
        "    path = Path(sys.argv[1]) / (name + '.h5')\n"
        "    write_large(path, videos=videos, snippets=12, dim=1024)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", script, str(folder)], check=True, env=environment)


def measure(checkout: Path, method: str, place: str, folder: Path) -> dict[str, float]:
    """What a child says of its training."""
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    command = [sys.executable, __file__, "--train", method, place, str(folder), str(STEPS[method])]
    done = subprocess.run(command, check=True, env=environment, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def train(method: str, place: str, folder: str, steps: str) -> dict[str, float]:
    """Train for some steps, without evaluating: peak memory in GiB, seconds, steps per second."""
    import torch

    from tcon.adapt.config.runs import make_runs
    from tcon.adapt.config.training import TrainConfig
    from tcon.adapt.data.cached_store import CachedStore
    from tcon.adapt.grid import prepare, run_all

    class Enough(BaseException):
        """All steps are done."""

    def on_step(*_: object) -> None:
        times.append(time.perf_counter())
        if len(times) == int(steps):
            raise Enough

    times: list[float] = []
    started = time.perf_counter()
    files = [Path(folder) / f"{name}.h5" for name in ("source", "target")]
    forced = {"free": lambda device: 0} if place == "file" else {}
    store = CachedStore(*files, task=None, device=torch.device("cpu"), **forced)
    settings = ["train.holdout=0"]
    if hasattr(TrainConfig(), "precision"):  # not in older checkouts
        settings.append("train.precision=fp32")
    runs = make_runs([method], settings, segments=6)
    with tempfile.TemporaryDirectory() as output, suppress(Enough):
        run_all(prepare(store, runs, output), on_step=on_step, save_seconds=1e9)
    status = Path("/proc/self/status").read_text()
    # In KiB. That of `getrusage` is at least the parent's.
    peak = int(status.partition("VmHWM:")[2].split()[0])
    taken = times[-1] - times[SKIPPED - 1]
    return {
        "gib": peak / 2**20,
        "start": times[0] - started,
        "rate": (len(times) - SKIPPED) / taken,
    }


if __name__ == "__main__":
    main()
