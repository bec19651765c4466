"""From labelled clips to labelled recordings of other cameras: ``journey.py -o FOLDER``.

What is typed is printed, with the seconds it took and the sentences that matter. The cameras'
labels are hidden: their videos are copied under names that say nothing, and the true labels are
read at two places alone, where a person would label thirty videos by hand, and at the very end,
which reveals how right everything was. FOLDER holds all of it; what it holds is not made again.

    python tests/benchmarks/journey.py --clips CLIPS.csv --clips-root DIR \\
        --cameras CAMERAS.csv --cameras-root DIR -o FOLDER

Both csv files have the columns path, label and split.
"""

from __future__ import annotations

import argparse
import csv
import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

SECOND_WAVE = 20  # videos that arrive later
NEW_CLIPS = 3  # that are labelled by the exported model alone
PAGE = Path(__file__).parents[2] / "docs" / "predict.md"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("clips", "cameras"):
        parser.add_argument(f"--{name}", type=Path, required=True, metavar="CSV")
        parser.add_argument(f"--{name}-root", type=Path, required=True, metavar="DIR")
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    folder = options.output.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    videos = _hidden(options.cameras, options.cameras_root.resolve())
    names = list(videos)
    first, second, new = (
        names[: -SECOND_WAVE - NEW_CLIPS],
        names[-SECOND_WAVE - NEW_CLIPS : -NEW_CLIPS],
        names[-NEW_CLIPS:],
    )

    _say("1. Features of the labelled clips, and of the cameras' videos by the same recipe")
    clips = (options.clips.resolve(), "--root", options.clips_root.resolve())
    _tcon(folder, "extract", *clips, "--snippets", 8, "-o", "clips.h5")
    _copy(videos, first, folder / "cameras")
    _tcon(folder, "extract", "cameras", "--like", "clips.h5", "--unlabelled", "-o", "cameras.h5")

    _say("2. The methods that are worth a try, three seeds each")
    data = ("--source", "clips.h5", "--target", "cameras.h5")
    few = ("--segments", 4, "--seeds", 3, "--epochs", 1, "--set", "train.min_steps=300")
    _tcon(folder, "adapt", *data, "--method", "recommended", "--fast", *few, "-o", "runs")

    _say("3. Labels, and how far to trust them")
    advice = _tcon(folder, "eval", "runs", "--csv", "labels.csv")
    _quote(advice, lines=2)
    labels = [r for r in _rows(folder / "labels.csv") if r["recommended"]]
    method = labels[0]["method"]
    print(f"   {sum(bool(r['look']) for r in labels)} of {len(labels)} labels are worth a look")

    _say("4. Thirty videos to label by hand: ask.html shows them, ask.csv takes the answers")
    if not (folder / "ask.csv").exists():
        _tcon(folder, "eval", "runs", "--ask", 30)
    asked = _rows(folder / "ask.csv")
    with (folder / "answered.csv").open("w", newline="") as file:  # what a person would do
        writer = csv.DictWriter(file, asked[0])
        writer.writeheader()
        writer.writerows(row | {"label": videos[row["video"]][1]} for row in asked)
    estimates = _tcon(folder, "eval", "runs", "--labels", "answered.csv")
    _quote(estimates, lines=8)
    best = re.search(r"drawn at random, (\S+)", estimates)
    assert best, estimates

    _say(f"5. A second wave: {SECOND_WAVE} more videos arrive")
    _copy(videos, second, folder / "cameras")
    started = time.perf_counter()
    _tcon(folder, "extract", "cameras", "--like", "clips.h5", "--unlabelled", "-o", "cameras.h5")
    run = f"runs/{best[1]}_rgb_k4_seed0"
    if not (folder / run).exists():
        (run,) = [str(p.relative_to(folder)) for p in folder.glob(f"runs/{best[1]}_rgb*_seed0")]
    group = run.removesuffix("_seed0")
    _tcon(folder, "predict", group, "cameras.h5", "--new", "--csv", "second.csv")
    print(f"   labelled {time.perf_counter() - started:.0f} s after they came")
    _tcon(folder, "eval", "runs")

    _say("6. A model for elsewhere, and videos that only it sees, without torch and tcon")
    _tcon(folder, "export", run, "-o", "model.onnx")
    (example,) = re.findall(r"```python\n(import json, sys\n.*?)```", PAGE.read_text(), re.DOTALL)
    (folder / "label.py").write_text(example)
    _copy(videos, new, folder / "new")
    paths = [f"new/{name}" for name in new]
    print(_run(folder, [sys.executable, "label.py", "model.onnx", *paths]))

    _say("7. The truth, which nothing above has seen but for the thirty labels")
    for name in dict.fromkeys(row["method"] for row in _rows(folder / "labels.csv")):
        own = [r for r in _rows(folder / "labels.csv") if r["method"] == name]
        note = " (recommended without labels)" * (name == method)
        note += " (best by the thirty)" * (name == best[1])
        print(f"   {name}: {_right(own, 'class', videos)}{note}")
    print(f"   second wave by {group}: {_right(_rows(folder / 'second.csv'), 'label', videos)}")


def _hidden(path: Path, root: Path) -> dict[str, tuple[Path, str]]:
    """File and label of each video by a name that says nothing, in an order that says nothing."""
    rows = sorted(_rows(path), key=lambda row: row["path"][::-1])
    return {
        f"rec{n:03d}{Path(row['path']).suffix}": (root / row["path"], row["label"])
        for n, row in enumerate(rows)
    }


def _copy(videos: dict[str, tuple[Path, str]], names: list[str], folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for name in names:
        shutil.copyfile(videos[name][0], folder / name)


def _right(rows: list[dict[str, str]], column: str, videos: dict[str, tuple[Path, str]]) -> str:
    right = sum(row[column] == videos[Path(row["video"]).name][1] for row in rows)
    return f"{right} of {len(rows)} right, {right / len(rows):.1%}"


def _tcon(folder: Path, *words: object) -> str:
    given = [str(word) for word in words]
    print(f"$ tcon {shlex.join(given)}", flush=True)
    started = time.perf_counter()
    out = _run(folder, [sys.executable, "-c", "from tcon.cli import main; main()", *given])
    print(f"   {time.perf_counter() - started:.1f} s", flush=True)
    return out


def _run(folder: Path, command: list[str]) -> str:
    """Its output.

    Raises:
        SystemExit: it failed.
    """
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{shlex.join(command)} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def _quote(text: str, *, lines: int) -> None:
    for line in text.splitlines()[:lines]:
        print(f"   {line}")


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _say(text: str) -> None:
    print(f"\n{text}", flush=True)


if __name__ == "__main__":
    main()
