"""In which precision each run of a grid is trained, where that is left open."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from .config.options import Precision, RunConfig
from .config.runs import base_of
from .data.store import Store
from .methods import FittedMethod, entry
from .run.folder import begun_record
from .run.record import RunRecord
from .training.precision import choose


def settle_precision(
    runs: Sequence[RunConfig],
    begun: Mapping[str, RunRecord | None],
    output: Path,
    store: Store,
    device: torch.device,
    threads: int,
) -> list[RunConfig]:
    """The runs, none of them with the precision ``auto``.

    A run keeps the precision that it has begun in. A new one takes that of a begun run in the same
    folder that differs in the seed alone, so that seeds stay comparable; only where there is none,
    it is measured. A fitted run has the precision of the run that it starts from.

    Args:
        runs: of one grid.
        begun: their records by their names; None for those that have not begun.
        output: the folder with their folders.
        store: what they are trained on.
        device: that trains them.
        threads: that train each; 0 for as many as this process has.

    Raises:
        InputError: bf16 on a device that cannot compute in it.
    """
    families: dict[RunConfig, list[RunConfig]] = {}  # those that start from a run, and itself
    for run in runs:
        fitted = issubclass(entry(run.method).method, FittedMethod)
        families.setdefault((base_of(run, runs) if fitted else None) or run, []).append(run)
    of_kind: dict[RunConfig, Precision] = {}
    settled: dict[RunConfig, RunConfig] = {}
    for first, members in families.items():
        family = [first, *members]
        records = (record for run in family if (record := begun[run.name]))
        record = next(records, None)
        if first.train.precision == "auto" and record is not None:
            precision = record.run.train.precision
        else:
            kind = replace(first, seed=0)
            if kind not in of_kind:
                sibling = next((s for run in family for s in _siblings(run, output)), None)
                of_kind[kind] = (
                    choose(first, store.chosen(first), device, threads=threads)
                    if sibling is None
                    else sibling.run.train.precision
                )
            precision = of_kind[kind]
        settled |= {run: _in_precision(run, precision) for run in members}
    return [settled[run] for run in runs]


def _siblings(run: RunConfig, output: Path) -> Iterator[RunRecord]:
    """Records of begun runs that differ from a run in the seed alone, by rising seed; none where
    its precision is asked for."""
    if run.train.precision != "auto":
        return
    names = glob.escape(run.name.removesuffix(str(run.seed))) + "*"
    for path in sorted(output.glob(names), key=lambda path: (len(path.name), path.name)):
        record = begun_record(path)
        if record and replace(_in_precision(record.run, "auto"), seed=run.seed) == run:
            yield record


def _in_precision(run: RunConfig, precision: Precision) -> RunConfig:
    return replace(run, train=replace(run.train, precision=precision))
