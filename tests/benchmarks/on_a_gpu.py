"""All that wants a GPU, in ten minutes: ``python tests/benchmarks/on_a_gpu.py [VIDEOS]``.

One after another, each in a process of its own and within its share of the time: the tests of
recorded steps, the Table-5 ablation as one command (60 s is the aim), without CUDA graphs and with
them, steps of every method, bundles of several sizes, the kernels of the flow on the clips of
VIDEOS (synthetic ones if none are given) and training end to end. What takes longer than its share
is stopped, with all that it has started, and said so; what fails does not stop the rest.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "helpers"))
from limited import run_limited

from tcon.extract.synthetic import World, write_pair

ROOT = Path(__file__).parents[2]


def main() -> None:
    if not torch.cuda.is_available():
        sys.exit("There is no GPU here: nothing was measured.")
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        videos = str(Path(sys.argv[1]).resolve()) if len(sys.argv) > 1 else f"{folder}/source"
        if len(sys.argv) == 1:
            write_pair(Path(folder), world=World(clips=100))
        parts = {  # seconds each, 600 in all
            "-m pytest -q tests/adapt/training/test_recorded.py": 60,
            "tests/benchmarks/bench_table5.py --device cuda": 150,
            "tests/benchmarks/bench_table5.py --device cuda --ours=--cuda-graphs": 90,
            "tests/benchmarks/bench_adapt.py --device cuda --steps 50 --rounds 1": 90,
            "tests/benchmarks/bench_bundles.py --device cuda --sizes ucf_hmdb --runs 8,32": 60,
            f"tests/benchmarks/flow/bench_flow.py {videos} --repeat 16": 60,
            "tests/benchmarks/bench_end_to_end.py --device cuda --steps 5 --rounds 1": 90,
        }
        for words, seconds in parts.items():
            _measure(words.split(), seconds)


def _measure(words: list[str], seconds: int) -> None:
    """Run a command and show what it prints."""
    print(f"\n== {' '.join(words)}", flush=True)
    started = time.perf_counter()
    code = run_limited([sys.executable, *words], seconds, folder=ROOT)
    took = time.perf_counter() - started
    how = "stopped" if code is None else f"failed with exit code {code}" if code else "done"
    print(f"-- {how} after {took:.0f} s", flush=True)


if __name__ == "__main__":
    main()
