"""The demo end to end on few clips and few steps, and its pictures."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tcon.cache import InputError
from tcon.evaluate.demo.show import run_demo

pytestmark = pytest.mark.slow


def test_demo(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    few = {"task": 3, "control": 3}
    run_demo(tmp_path / "demo", clips=40, seeds=2, device="cpu", steps=few)
    out = capsys.readouterr().out
    rows = re.findall(r"^\| (\w+)(?: \((\w+)\))? +\| rgb +\| 8 \| 2 ", out, re.M)
    both = [("source_only", "as_extracted"), ("source_only", "standardised"), ("tcon", "")]
    assert rows == both * 2
    same = "backbone efficientnet_lite0, cached features, each domain's features"
    assert f"- source_only (standardised); tcon: {same}" in out
    for name, classes in (("task", 8), ("control", 2)):
        rows = list(csv.DictReader((tmp_path / "demo" / f"{name}.csv").open()))
        assert [(row["method"], row["seed"]) for row in rows] == [
            (method, seed) for method, _ in both for seed in ("0", "1", "mean")
        ]
        assert int(rows[0]["test_videos"]) % classes == 0
    for name in ("frames.png", "accuracy.png"):
        picture = np.asarray(Image.open(tmp_path / "demo" / name).convert("RGB"))
        assert min(picture.shape[:2]) > 300 and picture.std() > 20


def test_too_few_clips(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="clips"):
        run_demo(tmp_path / "demo", clips=3)


def test_unwritable_output(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write"):
        run_demo(tmp_path / "file", clips=40)
