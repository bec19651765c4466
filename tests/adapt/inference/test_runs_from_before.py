"""A run of version 0.1.0 predicts new videos as it did then."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tcon.adapt.inference import Prediction, predict
from tcon.extract import Machine

BEFORE = Path(__file__).parents[2] / "data" / "before-records"


def test_the_predictions_are_those_of_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(BEFORE)
    machine = Machine(device="cpu", workers=0, min_frames=1)
    results = predict("run_extracted", "videos", machine=machine)
    saved = json.loads(Path("predicted.json").read_text())["videos"]
    assert [result.video.id for result in results] == [video["video"] for video in saved]
    for result, video in zip(results, saved, strict=True):
        assert isinstance(result, Prediction) and result.label == video["label"]
        logits = dict(zip(result.classes, result.logits.tolist(), strict=True))
        assert logits == pytest.approx(video["logits"], abs=1e-6)
        assert result.frames.tolist() == [segment["frame"] for segment in video["segments"]]
        attention = [segment["attention"] for segment in video["segments"]]
        assert result.attention.tolist() == pytest.approx(attention, abs=1e-6)
