"""Evaluation from Python: the example of the documentation, and what `evaluate` takes."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest
from feature_files import write_domain
from handmade_runs import logits, write_run
from toy_runs import train

from tcon.adapt.run.finished import Runs
from tcon.evaluate import evaluate

PAGE = Path(__file__).parents[2] / "docs" / "evaluation.md"


@pytest.mark.slow
def test_the_example_of_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    train(tmp_path)
    monkeypatch.chdir(tmp_path)
    [code] = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S)
    exec(compile(code, str(PAGE), "exec"), {})
    first, second, third = capsys.readouterr().out.splitlines()
    assert first.startswith("source_only: ") and second.startswith("tcon: ")
    assert third.startswith("  ") and third.endswith("% against source_only")
    rows = list(csv.DictReader((tmp_path / "accuracy.csv").open()))
    assert [row["method"] for row in rows] == ["source_only"] * 2 + ["tcon"] * 2
    assert len(json.loads((tmp_path / "accuracy.json").read_text())["groups"]) == 2
    text = (tmp_path / "report.html").read_text()
    assert "<h2>Figures</h2>" in text and "data:image/svg+xml;base64," in text


def test_runs_by_folder_by_path_or_as_adapt_gives_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = write_domain(tmp_path / "a.h5", videos=30), write_domain(tmp_path / "b.h5", videos=30)
    for method in ("source_only", "tcon"):
        path = write_run(tmp_path / "runs", files, train=[logits(15, 9, 3)], method=method)
    runs = Runs.open(tmp_path / "runs")
    for given in (tmp_path / "runs", str(tmp_path / "runs"), [tmp_path / "runs"], runs):
        assert [r.name for r in evaluate(given).results] == ["source_only", "tcon"]
    for given in (path, [path], runs["tcon", 0]):
        assert [r.name for r in evaluate(given).results] == ["tcon"]
    assert capsys.readouterr() == ("", "")
