"""Read ``metrics.jsonl``, the lines that a run has logged of its training."""

from __future__ import annotations

import json
import math
from pathlib import Path

from ...cache.errors import InputError, shorten

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
    try:
        text = path.read_text(encoding="utf-8")
        records = [json.loads(line) for line in text.splitlines()]
        if not all(_is_record(record, records[0]) for record in records):
            raise ValueError("one of its lines lacks a number")
        json.dumps(records, ensure_ascii=False).encode()  # half a character is none
    except (OSError, ValueError, RecursionError) as error:
        reason = shorten(" ".join(str(error).split()))
        raise InputError(f"{path} is damaged ({reason}): delete the run and repeat it") from None
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
