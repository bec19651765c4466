"""The process that opens the data of grids and forks a worker for each run.

Features are read and standardised once and shared: a forked process sees the memory of the one that
forked it. That is safe while no thread runs and no GPU is in use there, so this process computes
with one thread, touches no GPU, and is no other's: whoever asks has threads of its own.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import traceback
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe, wait

import torch

from ...cache.common.plugins import load_plugin
from ...cache.errors import InputError
from ..config.options import RunConfig
from ..data.store import CachedStore
from ..events import RunChanged
from ..grid import Prepared
from ..run.folder import RunFolder
from .client import Orders, ending
from .here import prepare_each
from .queue import RunQueue
from .worker import work

_PATIENCE = 5.0  # seconds that workers have to end by themselves


@dataclass
class _Worker:
    """A process that trains a run, and what it is known by."""

    pid: int
    connection: Connection
    run: RunConfig
    folder: RunFolder
    queue: RunQueue
    device: str
    ended: bool = False  # whether it has said how its run ended


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
            InputError: the only grid cannot be prepared.
        """
        orders = self.orders
        for prepared in prepare_each(
            orders.grids,
            torch.device(orders.device),
            alone=orders.alone,
            command=orders.command,
            on_event=self.client.send,
        ):
            self._train(prepared)
        while self.workers:
            self._hear()

    def stop(self) -> None:
        """End the workers: they clean up, and who does not is killed."""
        for worker in self.workers:
            os.kill(worker.pid, signal.SIGTERM)
        going_on = list(self.workers)
        while going_on and (ready := wait([w.connection for w in going_on], timeout=_PATIENCE)):
            for worker in [worker for worker in going_on if worker.connection in ready]:
                try:
                    worker.connection.recv()
                except (EOFError, ConnectionError):
                    going_on.remove(worker)
        for worker in going_on:
            os.kill(worker.pid, signal.SIGKILL)

    def _train(self, prepared: Prepared) -> None:
        """Start every run of a grid that is not finished; the last ones still go on at the end."""
        waiting = {}
        for run, folder in prepared.runs:
            if folder.finished:
                self.client.send(RunChanged(folder.path, "finished before"))
            else:
                waiting[run] = folder
        queue = RunQueue(waiting)
        while len(queue):
            free = len(self.workers) < self.orders.jobs.processes
            if free and (next_run := queue.take()):
                self._start(prepared, next_run, waiting[next_run], queue)
            else:
                self._hear()

    def _start(
        self, prepared: Prepared, run: RunConfig, folder: RunFolder, queue: RunQueue
    ) -> None:
        orders, store = self.orders, prepared.store
        if store.device.type == "cpu":
            store.domains(run)  # all its workers share it
        device = self._least_used_device()
        ours, theirs = Pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid:
            theirs.close()
            self.workers.append(_Worker(pid, ours, run, folder, queue, device))
            return
        code = 1
        try:
            # Others must see that this end is closed when the leader is gone.
            for connection in (self.client, ours, *(w.connection for w in self.workers)):
                connection.close()
            assert isinstance(store, CachedStore)
            store.device = torch.device(device)
            work(prepared, run, theirs, orders.jobs.threads, orders.save_seconds)
            code = 0
        except KeyboardInterrupt:
            pass
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
            worker.ended = isinstance(event, RunChanged) and event.state != "running"
            self.client.send(event)

    def _bury(self, worker: _Worker) -> None:
        """A worker has ended; its run has failed if it did not say how that ended."""
        code = os.waitstatus_to_exitcode(os.waitpid(worker.pid, 0)[1])
        worker.connection.close()
        self.workers.remove(worker)
        worker.queue.ended(worker.run)
        if not worker.ended:
            why = f"its process {ending(code)}"
            self.client.send(RunChanged(worker.folder.path, "failed", why))


def main(descriptor: int) -> None:
    """Lead until all is trained, or until whoever asked is gone or sends SIGTERM."""
    torch.set_num_threads(1)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    stopped = (EOFError, ConnectionError, KeyboardInterrupt)
    with contextlib.suppress(*stopped), Connection(descriptor) as client:
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
