"""All that wants a GPU, in ten minutes: ``python tests/benchmarks/on_a_gpu.py [VIDEOS]``.

One after another, each in a process of its own and within its share of the time: the Table-5
ablation as one command (60 s is the aim), steps of every method, bundles of several sizes, the
kernels of the flow on the clips of VIDEOS (synthetic ones if none are given) and training end to
end. What takes longer than its share is stopped and said so; what fails does not stop the rest.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

from tcon.extract.synthetic import write_pair

HERE = Path(__file__).parent


def main() -> None:
    if not torch.cuda.is_available():
        sys.exit("There is no GPU here: nothing was measured.")
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        videos = sys.argv[1] if len(sys.argv) > 1 else f"{folder}/source"
        if len(sys.argv) == 1:
            write_pair(Path(folder), clips=48)
        parts = {  # seconds each, 600 in all
            "bench_table5.py --device cuda": 180,
            "bench_adapt.py --device cuda --steps 100": 120,
            "bench_bundles.py --device cuda --sizes ucf_hmdb --runs 8,32 --rounds 3": 90,
            f"bench_flow.py {videos} --repeat 16": 90,
            "bench_end_to_end.py --device cuda --steps 5 --rounds 1": 120,
        }
        for words, seconds in parts.items():
            _measure(words.split(), seconds)


def _measure(words: list[str], seconds: int) -> None:
    """Run a benchmark and show what it prints."""
    print(f"\n== {' '.join(words)}", flush=True)
    started = time.perf_counter()
    try:
        code = subprocess.run(
            [sys.executable, str(HERE / words[0]), *words[1:]], timeout=seconds
        ).returncode
    except subprocess.TimeoutExpired:
        print(f"-- stopped after {seconds} s")
    else:
        how = f"failed with exit code {code}" if code else "done"
        print(f"-- {how} after {time.perf_counter() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
