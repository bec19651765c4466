"""The paper's Table 5 as one command: ``python tests/benchmarks/bench_table5.py``.

TCoN and its four ablations, RGB and flow, 5 seeds, 30 epochs: 50 runs of 690 steps at the size of
UCF -> HMDB (1438 and 840 videos of 32 x 1024, K = 6, batch 64 + 64), on random features. Times
``tcon adapt`` from start to end, so imports, reading, evaluations and records count.

``--against CHECKOUT`` times the command of another checkout too, in turn with ours, and prints the
ratio of each round; what only ours is told goes into ``--ours="--bundle 8"``. ``--share`` trains
a part of the 30 epochs (at least one) and ``--seeds`` fewer seeds: then imports and reading weigh
more than they would, so a ratio is too small rather than too large. Beside each time stand the
cores that other processes kept busy meanwhile.
"""

from __future__ import annotations

import argparse
import os
import resource
import shlex
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[1] / "helpers"))
from random_features import SOURCE, write_both

METHODS = ("tcon-sadnet", "tcon-tadnet", "tcon-coattn", "tcon-attn", "tcon")
MODALITIES = ("rgb", "flow")
EPOCHS, SEEDS, BATCH = 30, 5, 64
OURS = Path(__file__).parents[2]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--against", type=Path, metavar="CHECKOUT")
    parser.add_argument("--share", type=float, default=1.0, help="of the 30 epochs")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--modality", default=",".join(MODALITIES))
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--ours", default="", metavar="OPTIONS", help="of tcon adapt, for us alone")
    parser.add_argument("--device", default="auto")
    options = parser.parse_args()
    epochs = max(1, round(EPOCHS * options.share))
    runs = options.seeds * len(options.methods.split(",")) * len(options.modality.split(","))
    steps = runs * epochs * -(-SOURCE // BATCH)
    print(f"{runs} runs of {epochs} epochs, {steps} steps in all")
    words = [
        *("--method", options.methods, "--modality", options.modality),
        *("--segments", "6", "--seeds", str(options.seeds), "--epochs", str(epochs)),
        *("--set", "train.min_steps=0", "--set", f"train.evaluations={epochs}"),
        *("--device", options.device),
    ]
    checkouts = {"ours": OURS, **({"theirs": options.against} if options.against else {})}
    seconds: dict[str, list[float]] = {name: [] for name in checkouts}
    with TemporaryDirectory() as name:
        folder = Path(name)
        files = write_both(folder, modalities=options.modality.split(","))
        for number in range(options.rounds):
            for who, checkout in checkouts.items():
                given = ["--source", str(files[0]), "--target", str(files[1]), *words]
                given += ["-o", str(folder / f"{who}{number}")]
                given += shlex.split(options.ours) if who == "ours" else []
                took, others = _timed(checkout, given, folder)
                seconds[who].append(took)
                print(
                    f"{who}: {took:.1f} s, {steps / took:.1f} steps/s (others: {others:.1f} cores)"
                )
    if options.against:
        pairs = zip(seconds["theirs"], seconds["ours"], strict=True)
        ratios = [theirs / ours for theirs, ours in pairs]
        each = ", ".join(f"{ratio:.2f}" for ratio in ratios)
        print(f"theirs / ours: {statistics.median(ratios):.2f} ({each})")


def _timed(checkout: Path, words: list[str], folder: Path) -> tuple[float, float]:
    """Seconds of ``tcon adapt`` of a checkout, and the cores that other processes took.

    Raises:
        SystemExit: it failed.
    """
    root = folder / "checkouts" / str(hash(checkout.resolve()))
    root.mkdir(parents=True, exist_ok=True)
    if not (root / "tcon").exists():
        (root / "tcon").symlink_to(checkout.resolve(), target_is_directory=True)
    busy, own, started = _busy(), _children(), time.perf_counter()
    command = [sys.executable, "-c", "from tcon.cli import main; main()", "adapt", *words]
    done = subprocess.run(
        command,
        env={**os.environ, "PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    took = time.perf_counter() - started
    if done.returncode:
        sys.exit(f"{shlex.join(command)} failed:\n{done.stdout[-2000:]}")
    return took, (_busy() - busy - (_children() - own)) / took


def _children() -> float:
    """CPU seconds of the commands that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _busy() -> float:
    """CPU seconds of all processes since the machine was started."""
    user, nice, system = map(int, Path("/proc/stat").read_text().split()[1:4])
    return (user + nice + system) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
