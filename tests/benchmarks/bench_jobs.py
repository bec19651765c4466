"""A grid by one process of all threads against as many processes as there are cores.

    python tests/benchmarks/bench_jobs.py [--runs 8] [--steps 60] [--methods daaa,tcon]

Random features of the size of UCF to HMDB (1438 and 840 videos of 12 snippets, 1024-d, K = 6,
batch 64 + 64) at the methods' defaults. Both ways train the same runs in the same script, one after
the other; what counts is the ratio. How busy other processes were is printed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "helpers"))
from feature_files import write_domain

from tcon.cache.common.machine.cores import cores


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=8, help="of each method")
    parser.add_argument("--steps", type=int, default=60, help="of each run")
    parser.add_argument("--methods", default="daaa,tcon")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        files = [
            write_domain(
                Path(folder) / f"{name}.h5",
                videos=videos,
                splits=("train",),
                snippets=12,
                seed=n,
                dim=1024,
            )
            for n, (name, videos) in enumerate({"source": 1438, "target": 840}.items())
        ]
        for method in options.methods.split(","):
            seconds = {}
            for jobs in (1, cores()):
                output = Path(folder) / "runs"
                shutil.rmtree(output, ignore_errors=True)
                run = "from tcon.cli import main; main()"
                command = [sys.executable, "-c", run, "adapt", "--jobs", str(jobs)]
                command += ["--source", str(files[0]), "--target", str(files[1]), "--device", "cpu"]
                command += ["--method", method, "--seeds", str(options.runs), "--epochs", "1"]
                command += ["--set", f"train.min_steps={options.steps}", "-o", str(output)]
                environment = {k: v for k, v in os.environ.items() if k != "OMP_NUM_THREADS"}
                busy, began = _busy(), time.monotonic()
                subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
                seconds[jobs] = time.monotonic() - began
                load = (_busy() - busy) / seconds[jobs]
                print(f"{method}: --jobs {jobs} {seconds[jobs]:.1f} s, {load:.2f} cores busy")
            one, all_ = seconds.values()
            print(f"{method}: {one / all_:.2f} times as fast by --jobs {cores()}", flush=True)


def _busy() -> float:
    """Seconds that all cores together have been busy since the machine started."""
    values = [int(word) for word in Path("/proc/stat").read_text().split("\n")[0].split()[1:]]
    return (sum(values) - values[3] - values[4]) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
