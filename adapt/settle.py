"""In which precision each run of a grid is trained, where that is left open."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from .config.options import RunConfig, UnknownOptions
from .config.runs import base_of
from .config.training import Precision
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
    folder that differs in the seed alone, else of one that it is to be compared with: of another
    method on the same input with the same training options. Only where there is none it is
    measured, once for all methods that are compared. A fitted run has the precision of the run that
    it starts from.

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
    open_ones = any(run.train.precision == "auto" and not begun[run.name] for run in runs)
    stored = _stored(output) if open_ones else []
    known_runs = [run for run in stored if not isinstance(run.options, UnknownOptions)]
    of_kind = {_kind(run): run.train.precision for run in known_runs}
    of_rivals = {_rivals(run): run.train.precision for run in stored}

    def precision_of(run: RunConfig) -> Precision:
        first = (base_of(run, runs) if _is_fitted(run) else None) or run
        if first.train.precision != "auto":
            return choose(first, store.chosen(first), device, threads=threads)
        if record := begun[first.name] or begun[run.name]:
            return record.run.train.precision
        if known := of_kind.get(_kind(first)) or of_rivals.get(_rivals(first)):
            return known
        compared = {_kind(r): r for r in runs if _rivals(r) == _rivals(first) and not _is_fitted(r)}
        chosen = {choose(r, store.chosen(r), device, threads=threads) for r in compared.values()}
        of_rivals[_rivals(first)] = "bf16" if "bf16" in chosen else "fp32"
        return of_rivals[_rivals(first)]

    return [_in_precision(run, precision_of(run)) for run in runs]


def _stored(output: Path) -> list[RunConfig]:
    """The runs in a folder that have begun, by falling seed."""
    records = map(begun_record, output.iterdir() if output.is_dir() else ())
    runs = [record.run for record in records if record]
    return sorted(runs, key=lambda run: (-run.seed, run.name))


def _is_fitted(run: RunConfig) -> bool:
    return issubclass(entry(run.method).method, FittedMethod)


def _kind(run: RunConfig) -> RunConfig:
    """The same for runs that differ in seed and precision alone."""
    return replace(_in_precision(run, "auto"), seed=0)


def _rivals(run: RunConfig) -> Hashable:
    """The same for runs that are compared: methods, their options and seeds may differ."""
    same = _in_precision(run, "auto")
    return same.modality, same.segments, same.train, same.end_to_end


def _in_precision(run: RunConfig, precision: Precision) -> RunConfig:
    return replace(run, train=replace(run.train, precision=precision))
