"""Predictions as csv and JSON, written video by video, so that memory stays flat."""

from __future__ import annotations

import csv
import json
from abc import ABC, abstractmethod
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from ... import __version__
from ...adapt.inference.ensemble import Ensemble
from ...adapt.inference.prediction import Prediction
from ...adapt.inference.stream import Result
from ...cache import Failure
from ...cache.common.files.writing import is_direct, write_errors


class PredictionFile(ABC):
    """A file that takes one result after the other; a context manager.

    It is written beside its name, as ``FILE.unfinished``, and renamed when all has gone well.
    Otherwise it keeps that name, with the results that it has taken, and an older FILE stays.

    Args:
        path: of the file. A device or a pipe, such as ``/dev/stdout``, is written to directly.

    Raises:
        InputError: it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        direct = is_direct(path)
        self.unfinished = path if direct else path.with_name(f"{path.name}.unfinished")
        with write_errors(path):
            self.file = self.unfinished.open(
                "w", encoding="utf-8", errors="backslashreplace", newline=""
            )

    def add(self, result: Result) -> None:
        """Write a video.

        Raises:
            InputError: it cannot be written.
        """
        with self._errors():
            self.write(result)
            self.file.flush()

    @abstractmethod
    def write(self, result: Result) -> None:
        """Write a video to ``file``."""

    def end(self) -> None:  # noqa: B027  (most have no end)
        """Write what comes after all videos."""

    def _errors(self) -> AbstractContextManager[None]:
        return write_errors(self.path)

    def __enter__(self) -> PredictionFile:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with suppress(OSError) if kind else self._errors(), self.file:
            self.end()
        if kind is None and self.unfinished != self.path:
            self.unfinished.replace(self.path)


class CsvPredictions(PredictionFile):
    """A row per video; columns are in docs/predict.md."""

    def __init__(self, path: Path, runs: Ensemble) -> None:
        super().__init__(path)
        self._writer = csv.DictWriter(self.file, csv_columns(runs), restval="")
        self._writer.writeheader()

    def write(self, result: Result) -> None:
        self._writer.writerow(csv_row(result))


def csv_columns(runs: Ensemble) -> list[str]:
    """The columns of the predictions of a run, or of several seeds."""
    columns = ["video", "error", "label", "score"]
    columns += ["seeds_agree", "attention"] if len(runs.seeds) > 1 else ["attention"]
    columns += [f"{what} {name}" for what in ("score", "logit") for name in runs.classes]
    columns += [
        f"segment {j} {what}"
        for j in range(1, runs.first.segments() + 1)
        for what in ("frame", "seconds", "attention", "label", "score")
    ]
    return columns


def csv_row(result: Result) -> dict[str, Any]:
    """What a result says, by columns; the others are empty."""
    if isinstance(result, Failure):
        return {"video": result.video, "error": result.reason}
    record = _record(result)
    names = ("video", "label", "score", "seeds_agree", "attention")
    row = {name: record[name] for name in names if name in record}
    for what in ("score", "logit"):
        row |= {f"{what} {name}": value for name, value in record[f"{what}s"].items()}
    for j, segment in enumerate(record["segments"], start=1):
        row |= {f"segment {j} {what}": value for what, value in segment.items()}
    return row


class JsonPredictions(PredictionFile):
    """One document: what predicted, and a record per video under ``videos``."""

    def __init__(self, path: Path, runs: Ensemble) -> None:
        super().__init__(path)
        head: dict[str, Any] = {"tool_version": __version__, "run": str(runs.path)}
        if len(runs.seeds) > 1:
            head |= {"seeds": runs.seeds, "temperature": runs.temperature}
        config = runs.first.config
        head |= {"method": config.method, "modality": config.modality, "classes": runs.classes}
        self.file.write(json.dumps(head, indent=1).removesuffix("\n}") + ',\n "videos": [')
        self._separator = "\n"

    def write(self, result: Result) -> None:
        record = (
            {"video": result.video, "error": result.reason}
            if isinstance(result, Failure)
            else _record(result)
        )
        self.file.write(f"{self._separator}  {json.dumps(record, allow_nan=False)}")
        self._separator = ",\n"

    def end(self) -> None:
        self.file.write("\n ]\n}\n")


def _record(prediction: Prediction) -> dict[str, Any]:
    """Everything about a video; None where there is nothing. ``seeds_agree`` is of several."""
    classes, agree = prediction.classes, prediction.seeds_agree
    return {
        "video": prediction.video.id,
        "frames": prediction.video.frames,
        "fps": prediction.video.fps or None,
        "duration": prediction.video.duration or None,
        "damage": prediction.video.damage or None,
        "label": prediction.label,
        "score": prediction.score,
        **({} if agree is None else {"seeds_agree": agree}),
        "attention": prediction.attention_kind,
        "scores": dict(zip(classes, prediction.scores.tolist(), strict=True)),
        "logits": dict(zip(classes, prediction.logits.tolist(), strict=True)),
        "segments": [_segment(prediction, j) for j in range(len(prediction.frames))],
    }


def _segment(prediction: Prediction, j: int) -> dict[str, Any]:
    def at(values: np.ndarray | None) -> float | None:
        return None if values is None else values[j].item()

    scores, label, score = prediction.segment_scores, None, None
    if scores is not None:
        label, score = prediction.classes[scores[j].argmax()], float(scores[j].max())
    return {
        "frame": at(prediction.frames),
        "seconds": at(prediction.seconds),
        "attention": at(prediction.weights),
        "label": label,
        "score": score,
    }
