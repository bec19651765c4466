"""Runs of a method of somebody's own are scored without it, and told apart from upper bounds."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from feature_files import write_domain
from handmade_runs import logits, write_run

from tcon.adapt.run.record import CONFIG, read_record, write_record
from tcon.cache import InputError
from tcon.evaluate import evaluate

PLUGIN = """
from tcon.adapt.methods import register
from tcon.adapt.methods.source_only import SourceOnly, SourceOnlyConfig


@register("mine", SourceOnlyConfig(features=8), title="Mine, by its title")
class Mine(SourceOnly):
    reads_target_labels = True
"""


def _make(folder: Path, *, labels: str) -> Path:
    """A run of a method ``mine`` that no module here registers."""
    files = write_domain(folder / "a.h5", videos=30), write_domain(folder / "b.h5", videos=30)
    train = [logits(15, right, 3) for right in (12, 9)]
    run = write_run(folder / "runs", files, train=train, method="source_only")
    record = read_record(run)
    record = replace(record, data=replace(record.data, target_labels_sha256=labels))
    text = write_record(record).decode()
    (run / CONFIG).write_text(text.replace('"method": "source_only"', '"method": "mine"'))
    return run


def test_an_upper_bound_is_marked_without_its_plugin(tmp_path: Path) -> None:
    run = _make(tmp_path, labels="f" * 64)
    result = evaluate(run)
    [scored] = result.results
    assert scored.name == "mine (oracle)" and scored.group.reads_target_labels is True
    assert scored.epochs.label_free is None  # labels would have chosen
    assert "mine trains on target labels: an upper bound, not an adaptation." in result.notes
    with pytest.raises(InputError, match="mine is left out: it trains on target labels"):
        evaluate(run, select="epoch")


def test_a_method_that_reads_no_target_labels_is_not_marked(tmp_path: Path) -> None:
    [scored] = evaluate(_make(tmp_path, labels="")).results
    assert scored.name == "mine" and scored.group.reads_target_labels is False
    assert scored.epochs.label_free is not None


@pytest.mark.slow
def test_a_plugin_gives_the_title(tmp_path: Path) -> None:
    """In a process of its own: what a plug-in registers stays."""
    run = _make(tmp_path, labels="f" * 64)
    (tmp_path / "mine.py").write_text(PLUGIN)
    command = "from tcon.cli import main; main()"
    script = (
        "import sys; from tcon.evaluate import evaluate\n"
        "print(evaluate(sys.argv[1], plugins=[sys.argv[2]]).results[0].name)"
    )
    plugin = str(tmp_path / "mine.py")
    for words in (
        [command, "eval", str(run), "--plugin", plugin],
        [script, str(run), plugin],
    ):
        done = subprocess.run([sys.executable, "-c", *words], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert "Mine, by its title (oracle)" in done.stdout
