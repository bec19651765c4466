"""Timelines as csv and JSON."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from io import StringIO
from pathlib import Path

from ....cache.common.files.writing import write_output
from ....cache.errors import InputError
from .intervals import Timeline

KINDS = (".csv", ".json", ".png")


def check_kind(path: Path) -> None:
    """Refuse a file name of which nobody knows what to write.

    Raises:
        InputError: it ends in none of `KINDS`.
    """
    if path.suffix.lower() not in KINDS:
        raise InputError(f"--timeline {path}: its name ends in {', '.join(KINDS)}")


def write_timelines(path: Path, timelines: Sequence[Timeline]) -> None:
    """Write a csv or JSON file, by its name.

    Raises:
        InputError: it cannot be written.
    """
    text: Callable[[Sequence[Timeline]], str] = _csv if path.suffix.lower() == ".csv" else _json
    write_output(path, text(timelines))


def _csv(timelines: Sequence[Timeline]) -> str:
    """A row per interval."""
    file = StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(["video", "start", "end", "unit", "label", "score"])
    for line in timelines:
        for one in line.intervals:
            writer.writerow([line.video, one.start, one.end, line.unit, one.label, one.score])
    return file.getvalue()


def _json(timelines: Sequence[Timeline]) -> str:
    """A record per recording: its intervals, and the scores between any two edges."""
    records = [
        {
            "video": line.video,
            "unit": line.unit,
            "classes": line.classes,
            "intervals": [asdict(one) for one in line.intervals],
            "edges": line.edges.tolist(),
            "scores": [None if row[0] != row[0] else row for row in line.scores.tolist()],
        }
        for line in timelines
    ]
    return json.dumps({"timelines": records}, indent=1, allow_nan=False) + "\n"
