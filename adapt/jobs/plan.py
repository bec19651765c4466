"""How many runs are trained at once."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch

from ...cache.common.cores import cores
from ...cache.common.memory import free_on_host
from ...cache.errors import InputError
from ..config.grid import Grid
from ..config.options import RunConfig
from ..methods import FittedMethod, entry, known_elsewhere
from ..run.folder import is_finished

Wanted = int | Literal["auto"]
# Fewer steps in all are done before another process has started: "auto" does not start any.
_LEAST_STEPS = 1000
# Bytes of a process that trains a run: at defaults, one of TCoN has 0.65 GB of its own (measured).
_RUN_BYTES = 2**30


@dataclass(frozen=True)
class Jobs:
    """How runs share the machine.

    Args:
        processes: each trains one run at a time; 1 is this process, one run after another.
        threads: of each process; 0 leaves this process's as they are.
        devices: which the processes take in turn.
        note: what to know of it, a sentence; "" for nothing.
    """

    processes: int = 1
    threads: int = 0
    devices: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Machine:
    """What there is to share.

    Args:
        cores: that this process may use.
        threads: that a process may use.
        memory: free bytes of the host; None where nobody says.
        gpus: how many can be seen.
    """

    cores: int
    threads: int
    memory: int | None
    gpus: int

    @classmethod
    def this(cls, device: torch.device) -> Machine:
        """What this process finds; GPUs are counted where runs want one."""
        gpus = torch.cuda.device_count() if device.type == "cuda" else 0
        return cls(cores(), torch.get_num_threads(), free_on_host(), gpus)


def plan_jobs(
    wanted: Wanted, grids: Sequence[Grid], device: torch.device, machine: Machine | None = None
) -> Jobs:
    """Divide the machine among the runs of grids on cached features.

    Args:
        wanted: processes, or "auto": as many as there are cores, or one for each GPU, if memory
            and the number of unfinished runs allow, and if there are steps enough.
        grids: to be trained.
        device: that runs are trained on; "cuda" without a number stands for all GPUs.
        machine: what there is to share; what this process finds if none.

    Raises:
        InputError: ``wanted`` is neither.
    """
    if wanted != "auto" and not _is_count(wanted):
        raise InputError(f"jobs must be auto or a number from 1 on, not {wanted!r}")
    runs = [run for grid in grids for run in grid.runs if not is_finished(grid.output / run.name)]
    if wanted == 1 or len(runs) < 2 or not _can_fork(device):
        return Jobs()
    if wanted == "auto" and sum(map(_least_steps, runs)) < _LEAST_STEPS:
        return Jobs()
    methods = dict.fromkeys(run.method for run in runs)
    if here := [method for method in methods if not known_elsewhere(method)]:
        return Jobs(
            note=f"{', '.join(here)} is known to this program alone, so runs are trained one after "
            "another: put it into a file and name that as a plug-in to train several at once."
        )
    return _divide(wanted, len(runs), device, machine or Machine.this(device))


def _divide(wanted: Wanted, runs: int, device: torch.device, machine: Machine) -> Jobs:
    """So many processes, and the cores among them."""
    gpus = tuple(f"cuda:{n}" for n in range(machine.gpus))
    devices = gpus if str(device) == "cuda" else (str(device),)
    most = machine.cores
    if device.type == "cuda":
        most = len(devices)
    elif machine.memory is not None:
        most = min(most, machine.memory // _RUN_BYTES)
    processes = min(most if wanted == "auto" else wanted, runs)
    if processes < 2:
        return Jobs()
    threads = max(1, min(machine.cores // processes, machine.threads))
    each = f"{threads} thread{'s' * (threads > 1)} each"
    on = f", on {len(devices)} GPUs" if len(devices) > 1 else ""
    return Jobs(processes, threads, devices, f"{processes} runs are trained at once, {each}{on}.")


def _is_count(wanted: object) -> bool:
    return isinstance(wanted, int) and not isinstance(wanted, bool) and wanted > 0


def _can_fork(device: torch.device) -> bool:
    """Whether workers can be forked; processes of torchrun train together already."""
    alone = os.environ.get("WORLD_SIZE", "1") == "1"
    return alone and hasattr(os, "fork") and device.type in ("cpu", "cuda")


def _least_steps(run: RunConfig) -> int:
    """Steps that a run has at least, whatever the size of the source."""
    fitted = issubclass(entry(run.method).method, FittedMethod)
    return 0 if fitted else max(run.train.min_steps, run.train.epochs)
