"""End-to-end training from plain Python: no main guard, no file behind ``__main__`` either."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from still_videos import write_still_videos

HELPERS = Path(__file__).parents[2] / "helpers"
SCRIPT = """
import sys

sys.path.append(sys.argv[1])
from tiny_backbones import tiny_backbones

from tcon.adapt import EndToEnd, adapt
from tcon.adapt.end_to_end.decoding import Decoding

with tiny_backbones():
    runs = adapt(
        "source",
        "target",
        methods="tcon",
        segments=2,
        settings={"train.epochs": 1, "train.min_steps": 3, "train.batch_size": 4},
        end_to_end=EndToEnd(backbone="tiny", weights="random", precision="fp32"),
        decoding=Decoding(workers=int(sys.argv[2])),
        output=sys.argv[3],
        device="cpu",
    )
print(runs["tcon", 0].path)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two domains of videos and the script."""
    for seed, name in enumerate(("source", "target")):
        write_still_videos(tmp_path / name, seed=seed, train=2)
    (tmp_path / "script.py").write_text(SCRIPT)
    return tmp_path


def _run(folder: Path, *, workers: int, output: str, notebook: bool) -> dict[str, np.ndarray]:
    """Run the script; the logits of its run."""
    script = "-" if notebook else "script.py"  # a notebook's main module is no file either
    ended = subprocess.run(
        [sys.executable, script, str(HELPERS), str(workers), output],
        input=SCRIPT if notebook else "",
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.split() == [f"{output}/tcon_rgb_k2_e2e_seed0"]
    with h5py.File(folder / ended.stdout.strip() / "logits.h5") as h5:
        return {name: h5[name]["logits"][()] for name in h5 if isinstance(h5[name], h5py.Group)}


@pytest.mark.slow
def test_a_script_and_a_notebook_train_with_processes(folder: Path) -> None:
    script = _run(folder, workers=4, output="script", notebook=False)
    notebook = _run(folder, workers=2, output="notebook", notebook=True)
    assert script
    for name, logits in script.items():
        assert logits.any()
        np.testing.assert_array_equal(notebook[name], logits)
