"""Runs on two feature files, ready to start."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from tcon.adapt.config.grid import Grid
from tcon.adapt.config.options import RunConfig
from tcon.adapt.end_to_end.decoding import Decoding
from tcon.adapt.grid import Prepared
from tcon.adapt.grid import prepare as prepare_store
from tcon.adapt.opening import open_store
from tcon.adapt.run.data_record import DataRecord, DomainRecord
from tcon.adapt.run.record import RunRecord


def prepare(
    source: Path,
    target: Path,
    runs: Sequence[RunConfig],
    output: Path,
    *,
    task: str | Path | None = None,
    device: str = "cpu",
    oracle: bool = False,
    decoding: Decoding | None = None,
    continue_from: Path | None = None,
) -> Prepared:
    """The runs of one grid."""
    grid = Grid(
        source=source, target=target, runs=tuple(runs), output=output, task=task, oracle=oracle
    )
    store = open_store(grid, torch.device(device), decoding)
    return prepare_store(store, grid.runs, grid.output, oracle=oracle, continue_from=continue_from)


def invented_record(run: RunConfig) -> RunRecord:
    """The record of a run on no files, for those who train by hand."""
    domain = DomainRecord(path="", sha256="", labels={})
    data = DataRecord(
        source=domain,
        target=domain,
        protocol="inductive",
        task="",
        classes=("any",),
        backbone="",
        weights="",
        mode="end to end" if run.end_to_end else "cached features",
    )
    return RunRecord(run=run, data=data, tool_version="")
