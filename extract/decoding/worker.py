"""The process that decodes, at the other end of a socket.

A decoder can loop forever or crash inside native code, so it runs where it can be killed. The
kernel does the killing: the process sets itself an alarm that nothing catches, and resets it
whenever the decoder makes progress. See `pool` for the other side.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Thread
from typing import Any, Generic, TypeVar

import torch

from .messages import receive, send
from .reader import Reader, answers

RequestT = TypeVar("RequestT")
AnswerT = TypeVar("AnswerT")


@dataclass(frozen=True)
class Place:
    """Where whoever asks is: the process may have been forked from one that is elsewhere.

    Args:
        folder: that relative paths start at.
        module_path: where modules are found, for ``sys.path``.
    """

    folder: str
    module_path: list[str]


@dataclass(frozen=True)
class Orders(Generic[RequestT, AnswerT]):
    """What a decoding process is told when it starts: arguments of `DecodePool`."""

    reader: Reader[RequestT, AnswerT]
    time_limit: float
    niceness: int
    shared: bool


def serve(connection: socket.socket) -> None:
    """Receive a `Place` and `Orders`, say when ready, then answer requests; each ends with a
    `Done`. Ends when whoever asked is gone."""
    try:
        _serve(connection)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return


def _serve(connection: socket.socket) -> None:
    place: Place = receive(connection)
    os.chdir(place.folder)
    sys.path[:] = place.module_path
    orders: Orders[Any, Any] = receive(connection)
    orders.reader.prepare()
    send(connection, "ready")
    # Decoders write a line about every damaged frame.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    os.nice(orders.niceness)
    torch.set_num_threads(1)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    requests: SimpleQueue[Any] = SimpleQueue()
    Thread(target=_collect, args=(connection, requests), daemon=True).start()

    def reset_watchdog() -> None:
        signal.setitimer(signal.ITIMER_REAL, orders.time_limit)

    def stop_watchdog() -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)

    while True:
        request = requests.get()
        reset_watchdog()
        for answer in answers(orders.reader, request, reset_watchdog):
            stop_watchdog()  # waiting for whoever takes the answers is no hang
            send(connection, answer, shared=orders.shared)
            reset_watchdog()
        stop_watchdog()


def _collect(connection: socket.socket, requests: SimpleQueue[Any]) -> None:
    """Take requests as they come, so that nobody waits to send one; end the process when whoever
    asked is gone, whatever it is doing."""
    try:
        while True:
            requests.put(receive(connection))
    except (EOFError, ConnectionResetError):
        os._exit(0)
