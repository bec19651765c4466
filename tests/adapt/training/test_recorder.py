"""What a record of the metrics holds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from feature_files import write_domain
from prepared_runs import prepare

from tcon.adapt.config.runs import make_runs
from tcon.adapt.run.folder import HEALTH
from tcon.adapt.training.new_method import new_method
from tcon.adapt.training.recorder import Recorder, top_class_share


def test_logs_are_averaged_and_moments_are_not(tmp_path: Path) -> None:
    """Across a resumed run too; a new record starts over."""
    files = write_domain(tmp_path / "s.h5"), write_domain(tmp_path / "t.h5", seed=1)
    prepared = prepare(*files, make_runs(["source_only"]), tmp_path / "runs", device="cpu")
    run, folder = prepared.runs[0]
    feed = prepared.store.feed(run)
    recorder, method = Recorder(folder, feed), new_method(run, feed.domains)
    for n in (0.0, 0.0, 3.0):
        stored = recorder.state_dict()
        recorder = Recorder(folder, feed)
        recorder.load_state_dict(stored)
        recorder.add({"x": torch.tensor(n), "attention_on_step": torch.tensor(n)})
    record = recorder.evaluate(method, 3, lr=0.1)
    predicted = feed.predict(method, "target_train").argmax(1).tolist()
    top = max(predicted.count(c) for c in predicted) / len(predicted)
    same = {"attention_on_step": 3.0, "target_top_class": top}
    assert record == {"step": 3, "lr": 0.1, "x": 1.0, **same}
    recorder.add({"x": 5.0, "attention_on_step": 3.0})
    assert recorder.evaluate(method, 4) == {"step": 4, "x": 5.0, **same}


def test_the_commonest_class() -> None:
    logits = torch.tensor([[0.0, 1.0], [2.0, 1.0], [-3.0, -1.0]])
    assert top_class_share(logits) == 2 / 3


@pytest.mark.parametrize(
    ("settings", "decides"),
    [((), "train.min_steps"), (("train.min_steps=1",), "train.epochs")],
)
def test_advice_names_the_setting_that_decides_the_steps(
    tmp_path: Path, settings: tuple[str, ...], decides: str
) -> None:
    files = write_domain(tmp_path / "s.h5"), write_domain(tmp_path / "t.h5", seed=1)
    prepared = prepare(*files, make_runs(["source_only"], settings), tmp_path / "runs")
    run, folder = prepared.runs[0]
    feed = prepared.store.feed(run)
    recorder, method = Recorder(folder, feed), new_method(run, feed.domains)
    folder.begin()
    recorder.add({"video_disc_accuracy": 1.0})
    recorder.evaluate(method, 1)
    recorder.finish(method)
    found = {f["kind"]: f["remedy"] for f in json.loads((folder.path / HEALTH).read_text())}
    assert f"train longer ({decides})" in found["video separated"]
