"""The process that opens the data of grids and forks a worker for each run or bundle.

On a CPU, features are read and standardised once and shared: a forked process sees the memory of
the one that forked it. A worker on a GPU opens them itself. Forking is safe while no thread runs
and no GPU is in use, so this process computes with one thread, touches no GPU, and is no other's:
whoever asks has threads of its own.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
import traceback
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, Pipe, wait
from pathlib import Path

import torch

from ...cache.common.files.writing import DiskError
from ...cache.common.plugins import load_plugin
from ...cache.errors import InputError
from ..briefing import memory_notes
from ..config.grid import Grid
from ..events import Noted, RunChanged
from ..grid import Prepared
from ..opening import open_store
from ..runner import Group
from ..training.programs.shape import side_by_side
from .client import STOPPED, Orders, ending
from .here import prepare_each
from .plan import share
from .queue import RunQueue
from .worker import work

_CPU = torch.device("cpu")
_PATIENCE = 5.0  # seconds that workers have to end by themselves


@dataclass
class _Worker:
    """A process that trains runs, and what it is known by."""

    pid: int
    connection: Connection
    group: Group
    queue: RunQueue
    device: str
    open_runs: set[Path]  # it has not said yet how they ended


class Leader:
    """Trains grids one after another; the next one begins when too few runs of one are left.

    Args:
        client: the connection to whoever asked.
        orders: what to train.
    """

    def __init__(self, client: Connection, orders: Orders) -> None:
        self.client, self.orders = client, orders
        self.workers: list[_Worker] = []

    def run(self) -> None:
        """Train everything.

        Raises:
            InputError: the only grid cannot be prepared, or the disk takes no more.
        """
        orders = self.orders
        for grid, prepared in prepare_each(
            orders.grids,
            _CPU,
            devices=orders.jobs.devices,
            threads=orders.jobs.threads,
            alone=orders.alone,
            command=orders.command,
            on_event=self.client.send,
        ):
            self._train(grid, prepared)
        while self.workers:
            self._hear()

    def stop(self) -> None:
        """End the workers: they clean up, and who does not is killed."""
        for worker in self.workers:
            os.kill(worker.pid, signal.SIGTERM)
        going_on, until = list(self.workers), time.monotonic() + _PATIENCE
        while going_on and (left := until - time.monotonic()) > 0:
            ready = wait([worker.connection for worker in going_on], timeout=left)
            for worker in [worker for worker in going_on if worker.connection in ready]:
                try:
                    worker.connection.recv()
                except (EOFError, ConnectionError):
                    going_on.remove(worker)
        for worker in going_on:
            os.kill(worker.pid, signal.SIGKILL)

    def _train(self, grid: Grid, prepared: Prepared) -> None:
        """Start every run of a grid that is not finished; the last ones still go on at the end."""
        waiting = []
        for run, folder in prepared.runs:
            if folder.finished:
                self.client.send(RunChanged(folder.path, "finished before"))
            else:
                waiting.append((run, folder))
        processes = self.orders.jobs.processes
        most = share(len(waiting), processes, self.orders.bundle)
        queue = RunQueue(side_by_side(waiting, most))
        while len(queue):
            free = len(self.workers) < processes
            if free and (group := queue.take()):
                self._start(grid, prepared, group, queue)
            else:
                self._hear()

    def _start(self, grid: Grid, prepared: Prepared, group: Group, queue: RunQueue) -> None:
        device = self._least_used_device()
        if device == str(_CPU):
            with contextlib.suppress(InputError, RuntimeError, MemoryError):  # it fails the run
                for run, _ in group:
                    prepared.store.domains(run)  # its workers share it
        ours, theirs = Pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid:
            theirs.close()
            folders = {folder.path for _, folder in group}
            self.workers.append(_Worker(pid, ours, group, queue, device, folders))
            return
        code = 1
        try:
            # Others must see that this end is closed when the leader is gone.
            for connection in (self.client, ours, *(w.connection for w in self.workers)):
                connection.close()
            if device != str(_CPU):
                store = open_store(grid, torch.device(device))
                prepared = replace(prepared, store=store)
                for text in memory_notes(store, [run for run, _ in group], short_of_memory=True):
                    theirs.send(Noted(text))
            work(prepared, group, theirs, self.orders)
            code = 0
        except KeyboardInterrupt:
            code = STOPPED
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def _least_used_device(self) -> str:
        used = [worker.device for worker in self.workers]
        return min(self.orders.jobs.devices, key=used.count)

    def _hear(self) -> None:
        """Wait for the workers' next events and pass them on.

        Raises:
            EOFError: whoever asked is gone.
            DiskError: a worker's disk takes no more.
        """
        ready = wait([self.client, *(worker.connection for worker in self.workers)])
        if self.client in ready:
            self.client.recv()  # nobody says anything more, so it is closed
        for worker in [worker for worker in self.workers if worker.connection in ready]:
            try:
                event = worker.connection.recv()
            except (EOFError, ConnectionError):
                self._bury(worker)
                continue
            if isinstance(event, DiskError):
                raise event
            if isinstance(event, RunChanged) and event.state != "running":
                worker.open_runs.discard(event.folder)
            self.client.send(event)

    def _bury(self, worker: _Worker) -> None:
        """A worker has ended; its runs have failed if it did not say how they ended."""
        code = os.waitstatus_to_exitcode(os.waitpid(worker.pid, 0)[1])
        worker.connection.close()
        self.workers.remove(worker)
        worker.queue.ended(worker.group)
        for folder in sorted(worker.open_runs):
            self.client.send(RunChanged(folder, "failed", f"its process {ending(code)}"))


def main(descriptor: int) -> None:
    """Lead until all is trained, or until whoever asked is gone or sends SIGTERM."""
    torch.set_num_threads(1)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        _lead(descriptor)
    except (EOFError, ConnectionError):
        pass  # whoever asked is gone
    except KeyboardInterrupt:
        sys.exit(STOPPED)


def _lead(descriptor: int) -> None:
    with Connection(descriptor) as client:
        for plugin in client.recv():
            load_plugin(plugin)
        leader = Leader(client, client.recv())
        try:
            leader.run()
        except InputError as error:
            client.send(error)
        else:
            client.send(None)
        finally:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            leader.stop()
