"""How many runs are trained at once."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from ...cache.common.counts import counted
from ...cache.common.machine.cores import cores
from ...cache.common.machine.memory import free_on_host
from ..config.grid import Grid
from ..config.number_or_auto import NumberOrAuto, check_number_or_auto
from ..config.options import RunConfig
from ..methods import FittedMethod, entry, known_elsewhere
from ..run.folder import is_finished
from ..training.programs.shape import side_by_side

# Fewer steps in all are done before another process has started: "auto" does not start any.
_LEAST_STEPS = 1000
# Bytes of a process that trains a run: at defaults, one of TCoN has 0.65 GB of its own (measured).
_RUN_BYTES = 2**30
_END_TO_END = (
    "End-to-end runs are trained one after another; jobs applies to runs on cached features only."
)


@dataclass(frozen=True)
class Jobs:
    """How runs share the machine.

    Args:
        processes: each trains one run or bundle at a time; 1 is this process, one after another.
        threads: of each process; 0 leaves this process's as they are.
        devices: which the processes take in turn.
        notes: what to know of it, in sentences.
    """

    processes: int = 1
    threads: int = 0
    devices: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


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
    wanted: NumberOrAuto,
    grids: Sequence[Grid],
    device: torch.device,
    machine: Machine | None = None,
    *,
    bundle: int = 1,
) -> Jobs:
    """Divide the machine among the runs of grids on cached features.

    Where several processes are asked for by number and cannot be had, a note says why.

    Args:
        wanted: processes, or "auto": one for each GPU or, on a CPU, one for each core, but no more
            than half as many as unfinished runs, if memory allows and there are steps enough.
        grids: to be trained; those end to end are trained in this process.
        device: that runs are trained on; "cuda" without a number stands for all GPUs.
        machine: what there is to share; what this process finds if none.
        bundle: at most so many runs are one program.

    Raises:
        InputError: ``wanted`` is neither.
    """
    check_number_or_auto("jobs", wanted)
    planned = _plan_cached(wanted, _unfinished(grids, end_to_end=False), device, machine)
    note = _about(planned, max(_together(grid, bundle, planned.processes) for grid in grids))
    planned = replace(planned, notes=(*planned.notes, *note))
    if wanted in ("auto", 1) or len(_unfinished(grids, end_to_end=True)) < 2:
        return planned
    return replace(planned, notes=(*planned.notes, _END_TO_END))


def _plan_cached(
    wanted: NumberOrAuto, runs: Sequence[RunConfig], device: torch.device, machine: Machine | None
) -> Jobs:
    """`plan_jobs`, of unfinished runs on cached features."""
    if wanted == 1 or len(runs) < 2:
        return Jobs()
    if why := _cannot_fork(device):
        return Jobs(notes=() if wanted == "auto" else (f"Runs are trained one by one: {why}.",))
    if wanted == "auto" and sum(map(_least_steps, runs)) < _LEAST_STEPS:
        return Jobs()
    methods = dict.fromkeys(run.method for run in runs)
    if here := [method for method in methods if not known_elsewhere(method)]:
        note = (
            f"{', '.join(here)} is known to this program alone, so runs are trained one after "
            "another: put it into a file and name that as a plug-in to train several at once."
        )
        return Jobs(notes=(note,))
    return _divide(wanted, len(runs), device, machine or Machine.this(device))


def share(runs: int, processes: int, bundle: int) -> int:
    """How many of a grid's runs are one program at most, so that every process gets some."""
    return min(bundle, max(1, -(-runs // processes)))


def _together(grid: Grid, bundle: int, processes: int) -> int:
    """How many unfinished runs the largest program of a grid has."""
    runs = _unfinished([grid], end_to_end=False)
    groups = side_by_side([(run, None) for run in runs], share(len(runs), processes, bundle))
    return max(map(len, groups), default=0)


def _about(jobs: Jobs, together: int) -> tuple[str, ...]:
    """A sentence on processes and bundles, where there are several or one."""
    if jobs.processes < 2:
        return (f"Up to {together} runs are trained as one program.",) if together > 1 else ()
    each = f"{counted(jobs.threads, 'thread')} each"
    on = f", on {len(jobs.devices)} GPUs" if len(jobs.devices) > 1 else ""
    if together > 1:
        what = f"{jobs.processes} processes train up to {together} runs each as one program"
        return (f"{what}, {each}{on}.",)
    return (f"{jobs.processes} runs are trained at once, {each}{on}.",)


def _unfinished(grids: Sequence[Grid], *, end_to_end: bool) -> list[RunConfig]:
    return [
        run
        for grid in grids
        if grid.end_to_end == end_to_end
        for run in grid.runs
        if not is_finished(grid.output / run.name)
    ]


def _divide(wanted: NumberOrAuto, runs: int, device: torch.device, machine: Machine) -> Jobs:
    """So many processes, and the cores among them."""
    gpus = tuple(f"cuda:{n}" for n in range(machine.gpus))
    devices = gpus if str(device) == "cuda" else (str(device),)
    if device.type == "cuda":
        most = len(devices)
    else:
        # Threads gain nearly as much as processes do, and need no start and no last process alone.
        most = min(machine.cores, runs // 2)
        if machine.memory is not None:
            most = min(most, machine.memory // _RUN_BYTES)
    processes = min(most if wanted == "auto" else wanted, runs)
    if processes < 2:
        return Jobs()
    threads = max(1, min(machine.cores // processes, machine.threads))
    return Jobs(processes, threads, devices)


def _cannot_fork(device: torch.device) -> str:
    """Why no workers can be forked; "" where they can."""
    if os.environ.get("WORLD_SIZE", "1") != "1":
        return "torchrun's processes train together already"
    if not hasattr(os, "fork"):
        return "this system cannot fork processes"
    return "" if device.type in ("cpu", "cuda") else f"{device.type} cannot be shared by processes"


def _least_steps(run: RunConfig) -> int:
    """Steps that a run has at least, whatever the size of the source."""
    fitted = issubclass(entry(run.method).method, FittedMethod)
    return 0 if fitted else max(run.train.min_steps, run.train.epochs)
