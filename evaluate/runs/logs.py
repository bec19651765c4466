"""What runs logged of their training: metrics, and what looks wrong in them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from ...adapt.run.folder import METRICS
from ...adapt.run.read import read_health
from ...adapt.training.health import by_kind
from ...cache import InputError
from .groups import Group
from .names import folder_names
from .read import Run, damaged_run


@dataclass(frozen=True)
class HealthWarning:
    """Something that looked wrong in the training of some runs.

    Args:
        runs: a group's folder name and a seed of each.
        text: what looked wrong, of the first of them.
        remedy: what to try.
    """

    runs: tuple[tuple[str, int], ...]
    text: str
    remedy: str


@dataclass(frozen=True)
class Health:
    """What looked wrong in the training of all runs.

    Args:
        warnings: each kind once.
        unreadable: why the health of some runs is not known.
    """

    warnings: tuple[HealthWarning, ...] = ()
    unreadable: tuple[str, ...] = ()


def health_of(groups: Sequence[Group]) -> Health:
    """What looked wrong, each kind once for all runs that it concerns."""
    found, unreadable = [], []
    for group, name in zip(groups, folder_names(groups), strict=True):
        for run in group.runs:
            try:
                found += [((name, run.seed), finding) for finding in read_health(run.path)]
            except InputError as error:
                unreadable.append(str(error))
    warnings = [
        HealthWarning(tuple(runs), finding.text, finding.remedy) for runs, finding in by_kind(found)
    ]
    return Health(tuple(warnings), tuple(unreadable))


def read_metrics(run: Run) -> list[dict[str, float]]:
    """The lines of ``metrics.jsonl``, one per evaluation; each has its ``step``.

    Raises:
        InputError: the file is missing or damaged.
    """
    try:
        records = [json.loads(line) for line in (run.path / METRICS).read_text().splitlines()]
        if not records or not all(_is_record(record, records[0]) for record in records):
            raise ValueError(f"{METRICS} lacks lines, or one of them lacks a number")
    except (OSError, ValueError, RecursionError) as error:
        raise damaged_run(run.path, error) from None
    return records


def _is_record(record: object, first: dict) -> bool:
    return (
        isinstance(record, dict)
        and record.keys() >= {"step", *first}
        and all(type(value) in (int, float) for value in record.values())
    )
