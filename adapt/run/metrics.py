"""Read ``metrics.jsonl``, the lines that a run has logged of its training."""

from __future__ import annotations

import math
from pathlib import Path

from .files import may_be_damaged, parse_json, read_text

METRICS = "metrics.jsonl"
_LARGEST = 3.5e38  # runs compute in float32
_MOST_STEPS = 2**53


def read_metrics(folder: Path) -> list[dict[str, float]]:
    """The lines of a run's metrics, one per evaluation; each has its ``step``.

    Args:
        folder: of the run.

    Raises:
        InputError: the file is missing or damaged.
    """
    path = folder / METRICS
    with may_be_damaged(path):
        records = [parse_json(line) for line in read_text(path).splitlines()]
        if not all(_is_record(record, records[0]) for record in records):
            raise ValueError("one of its lines lacks a number")
    return records


def _is_record(record: object, first: dict) -> bool:
    return (
        isinstance(record, dict)
        and record.keys() >= {"step", *first}
        and type(record["step"]) is int
        and 0 <= record["step"] < _MOST_STEPS
        and all(type(value) in (int, float) and _could_be(value) for value in record.values())
    )


def _could_be(value: float) -> bool:
    """Whether a run could have logged the number, which need not be finite."""
    return abs(value) < _LARGEST or (isinstance(value, float) and not math.isfinite(value))
