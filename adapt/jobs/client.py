"""Have runs trained by other processes, and hear what happens."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from ...cache.common.machine.child import start_child
from ...cache.errors import InputError
from ..config.grid import Grid
from ..events import OnEvent, RunChanged
from ..methods import entry
from .plan import Jobs

STOPPED = 128 + signal.SIGTERM  # exit code of a process that SIGTERM has ended
_PATIENCE = 10.0  # seconds that processes have to end by themselves
# No thread of a numerical library may be running when the leader forks.
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


@dataclass(frozen=True)
class Orders:
    """What the leader is told.

    Args:
        grids: on cached features.
        jobs: how many at once, of how many threads, on which devices.
        alone: whether a grid that cannot be prepared is an error; else its runs have failed.
        command: words of the command, which the runs' records keep.
        save_seconds: work that a kill may cost.
        bundle: at most so many runs are one program, in one process.
        cuda_graphs: whether steps are recorded, as in `run_all`.
    """

    grids: tuple[Grid, ...]
    jobs: Jobs
    alone: bool
    command: tuple[str, ...]
    save_seconds: float
    bundle: int = 1
    cuda_graphs: bool = False


def train_in_processes(orders: Orders, on_event: OnEvent) -> None:
    """Train grids in a leader's workers. However this ends, so do they.

    Args:
        orders: what to train, and how.
        on_event: called with what they say, in this process.

    Raises:
        InputError: the only grid cannot be prepared, or the disk takes no more.
    """
    process, connection = start_child(f"{__package__}.leader", _ONE_THREAD)
    open_runs = {grid.output / run.name for grid in orders.grids for run in grid.runs}
    try:
        why = _listen(process, connection, orders, on_event, open_runs)
    finally:
        _stop(process, connection)
    for folder in sorted(open_runs) if why else ():
        on_event(RunChanged(folder, "failed", why))


def _listen(
    process: subprocess.Popen[bytes],
    connection: Connection,
    orders: Orders,
    on_event: OnEvent,
    open_runs: set[Path],
) -> str:
    """Pass on what the leader says until it is done; why it ended before, if it did."""
    with contextlib.suppress(ConnectionError):  # it has ended, and what follows says so
        # Options of the plug-ins' methods can be read when these have been loaded.
        connection.send(_plugins_of(orders.grids))
        connection.send(orders)
    while True:
        try:
            message = connection.recv()
        except (EOFError, ConnectionError):
            return f"the process that trains {ending(process.wait())}"
        if message is None:
            return ""
        if isinstance(message, InputError):
            raise message
        if isinstance(message, RunChanged) and message.state not in ("waiting", "running"):
            open_runs.discard(message.folder)
        on_event(message)


def _plugins_of(grids: Sequence[Grid]) -> list[str]:
    """The plug-ins that brought the methods of the runs."""
    known = {run.method: entry(run.method).plugin for grid in grids for run in grid.runs}
    return list(dict.fromkeys(record.module for record in known.values() if record is not None))


def ending(code: int) -> str:
    """How a process has ended by itself, and what to do.

    Args:
        code: its exit code, or the signal that ended it as a negative number.
    """
    if code in (STOPPED, -signal.SIGTERM):
        return "was stopped by a signal: repeat the command, and it continues"
    if code >= 0:
        return f"ended with exit code {code}: its message is above"
    return (
        f"was killed by signal {-code}: if memory ran out, repeat the command with fewer --jobs, "
        "and it continues"
    )


def _stop(process: subprocess.Popen[bytes], connection: Connection) -> None:
    """End the leader and its workers: they clean up, and who does not is killed."""
    try:
        connection.close()
        process.terminate()
        process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        pass
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # its workers outlive it
        process.wait()
