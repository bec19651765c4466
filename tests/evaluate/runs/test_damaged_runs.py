"""A damaged run folder ends in a clear error, or in tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from feature_files import write_domain
from fuzz import MEMORY, damaged_hdf5, damaged_json, damaged_text, ends_well
from handmade_runs import logits, write_run
from hypothesis import given
from hypothesis import strategies as st

from tcon.adapt.run.metrics import read_metrics
from tcon.adapt.run.read import read_health
from tcon.cache import InputError
from tcon.evaluate import evaluate
from tcon.evaluate.runs.read import find_runs

DAMAGE = {
    "config.json": damaged_json,
    "logits.h5": damaged_hdf5,
    "metrics.jsonl": damaged_text,
    "health.json": damaged_json,
    "videos.json": damaged_json,
}
METRICS = (
    '{"step": 10, "source": 1.5, "disc_accuracy": 0.5}\n{"step": 20, "source": 1, "pairs": 2}\n'
)
HEALTH = '[{"kind": "no pairs", "text": "none", "remedy": "find some"}]'


@pytest.fixture
def run(tmp_path: Path) -> Path:
    files = write_domain(tmp_path / "a.h5", videos=3), write_domain(tmp_path / "b.h5", videos=3)
    run = write_run(tmp_path / "runs", files, train=[logits(3, 2, 3)] * 2, videos=range(3))
    (run / "metrics.jsonl").write_text(METRICS)
    (run / "health.json").write_text(HEALTH)
    return run


@pytest.fixture
def sound(run: Path) -> dict[str, bytes]:
    return {name: (run / name).read_bytes() for name in DAMAGE}


@pytest.mark.parametrize("name", DAMAGE)
@given(data=st.data())
def test_damaged_run(run: Path, sound: dict[str, bytes], name: str, data: st.DataObject) -> None:
    (run / name).write_bytes(data.draw(DAMAGE[name](sound[name])))
    memory = None if name.endswith(".h5") else MEMORY
    with ends_well(memory=memory):
        if name in ("config.json", "videos.json", "logits.h5"):
            evaluate(run).to_markdown(details=True)
            return
        (found,), _ = find_runs([run])
        for record in read_metrics(found.path):
            assert "step" in record
            assert all(type(value) in (int, float) for value in record.values())
        for finding in read_health(found.path):
            assert all(isinstance(getattr(finding, key), str) for key in ("kind", "text", "remedy"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"run": 1}, "run: "),
        ({"run": {"end_to_end": 1}}, "run.end_to_end: "),
        ({"data": {"source": {"labels": [1]}}}, "data.source"),
        ({"data": {"classes": []}}, "it has no classes"),
        ({"data": {"target": {"path": "t", "sha256": "", "labels": {"x": 99}}}}, "other classes"),
        ({"strange": 1}, "strange: "),
    ],
)
def test_a_record_must_be_one(run: Path, change: dict[str, Any], message: str) -> None:
    config = json.loads((run / "config.json").read_text())
    for key, value in change.items():
        config[key] = {**config.get(key, {}), **value} if isinstance(value, dict) else value
    (run / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match=rf"config\.json is damaged \(.*{message}.*delete the run"):
        evaluate(run)
