"""Train a run or a bundle in a forked process and say what happens."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Thread

import torch

from ...cache.common.files.writing import DiskError
from ..events import Event, StepDone
from ..grid import Prepared
from ..runner import Group
from .client import Orders
from .here import train_here

_SECONDS = 0.25  # between two steps that are said


def work(prepared: Prepared, group: Group, leader: Connection, orders: Orders) -> None:
    """Train runs; this process ends when the leader's end of the connection is closed.

    Args:
        prepared: the grid.
        group: some of its runs.
        leader: gets the events, or the `DiskError` that ends all training.
        orders: how to train.

    Raises:
        KeyboardInterrupt: by SIGTERM.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    Thread(target=_end_with, args=(leader,), daemon=True).start()
    torch.set_num_threads(orders.jobs.threads)
    said: dict[Path, float] = {}

    def say(event: Event) -> None:
        if isinstance(event, StepDone):
            now = time.monotonic()
            if now - said.get(event.folder, -_SECONDS) < _SECONDS:
                return
            said[event.folder] = now
        leader.send(event)

    try:
        train_here(
            prepared,
            on_event=say,
            save_seconds=orders.save_seconds,
            bundle=orders.bundle,
            cuda_graphs=orders.cuda_graphs,
            only=[run for run, _ in group],
        )
    except DiskError as error:
        leader.send(error)


def _end_with(leader: Connection) -> None:
    """End this process, whatever it is doing, when the leader is gone."""
    with contextlib.suppress(EOFError, OSError):
        leader.recv()
    os._exit(1)
