"""The process that decoding processes are forked from, and how this process speaks to it.

To import torch takes a process a second and hundreds of megabytes. So one clean process does it
once, and decoding processes are forks of that one: they start within milliseconds and share its
memory. It is no fork of this process itself, whose threads, locks and GPU would not survive that.
It has one thread, only forks, kills and waits, and ends with this process however that ends.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import itertools
import os
import signal
import socket
import subprocess
import traceback
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle, send_handle
from threading import Lock
from typing import Any

from ...cache.common.machine.child import module_path, start_child
from .reader import Reader

_NO_THREADS = {"OPENBLAS_NUM_THREADS": "1"}  # or numpy starts some when it is imported
_SERVERS: weakref.WeakValueDictionary[int, ForkServer] = weakref.WeakValueDictionary()
_GONE = (EOFError, BrokenPipeError, ConnectionResetError)  # the other side is


@dataclass(frozen=True)
class _Import:
    """An order to import a module, so that no fork has to."""

    module: str


@dataclass(frozen=True)
class _Start:
    """An order to fork; the descriptor of the fork's connection follows."""

    number: int


@dataclass(frozen=True)
class _End:
    """An order to kill a fork, if it has not ended yet."""

    number: int


@dataclass(frozen=True)
class _Ended:
    """A fork has ended; ``code`` as `subprocess` has it."""

    number: int
    code: int


def fork_server() -> ForkServer:
    """The server of this process, started if there is none; it ends when nobody holds it."""
    server = _SERVERS.get(os.getpid())  # a fork of this process needs one of its own
    if server is None or server.exit_code is not None:
        server = _SERVERS[os.getpid()] = ForkServer()
    return server


@contextlib.contextmanager
def decoding_soon(reader: type[Reader[Any, Any]], *, workers: int | None) -> Iterator[None]:
    """Let the server start while the block does other things first.

    Args:
        reader: of the pool to come.
        workers: of it; 0 needs no server.
    """
    server = None if workers == 0 else fork_server()
    if server:
        server.load(reader)
    yield
    del server


class ForkServer:
    """A process that is ready to be forked. See `fork_server`."""

    def __init__(self) -> None:
        path = module_path(working_folder=False)
        self._process, self._control = start_child(__name__, _NO_THREADS, path=path)
        self._numbers = itertools.count()
        self._lock = Lock()
        weakref.finalize(self, _stop, self._control, self._process, os.getpid())

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def load(self, reader: type[Reader[Any, Any]]) -> None:
        """Import a reader's module, so that no fork has to. Not that of a plug-in, which may be
        another one when the next pool is made."""
        if reader.__module__.startswith(f"{__package__.partition('.')[0]}."):
            with self._lock, contextlib.suppress(*_GONE):
                self._control.send(_Import(reader.__module__))

    def start(self, reader: type[Reader[Any, Any]]) -> Fork:
        """Fork the server once more, as soon as it is ready: nobody waits for it here.

        Args:
            reader: of the fork.
        """
        self.load(reader)
        connection, theirs = socket.socketpair()
        number = next(self._numbers)
        # Where the server has ended, the connection ends too.
        with theirs, self._lock, contextlib.suppress(*_GONE):
            self._control.send(_Start(number))
            send_handle(self._control, theirs.fileno(), self._process.pid)
        return Fork(self, number, connection)

    def end(self, number: int) -> int:
        """Kill a fork, if it has not ended yet, and wait for its end.

        Returns:
            its exit code, or minus the signal that ended it; the server's where that has ended.
        """
        with self._lock, contextlib.suppress(*_GONE):
            self._control.send(_End(number))
            while True:
                ended: _Ended = self._control.recv()
                if ended.number == number:  # else it answers a call that was interrupted
                    return ended.code
        return self._process.wait()


class Fork:
    """A fork of the server, which runs `worker.serve`.

    Attributes:
        connection: to it.
    """

    def __init__(self, server: ForkServer, number: int, connection: socket.socket) -> None:
        self.connection = connection
        self._server, self._number = server, number  # the server lives as long as its forks

    def end(self) -> int:
        """Kill it, if it has not ended yet; returns its exit code, as `subprocess` has it."""
        self.connection.close()
        return self._server.end(self._number)


def _stop(control: Connection, process: subprocess.Popen[bytes], owner: int) -> None:
    control.close()
    if os.getpid() == owner:  # not a fork of it, which has inherited this
        process.kill()  # it has no forks any more
        process.wait()


# --- in the server


def main(descriptor: int) -> None:
    """Fork, kill and wait as told through a socket, until whoever tells is gone."""
    from . import pyav  # noqa: F401  (what most forks need)
    from .worker import serve

    running: dict[int, int] = {}  # process ids
    codes: dict[int, int] = {}  # of those that have ended
    with Connection(descriptor) as control:
        with contextlib.suppress(*_GONE):
            while True:
                order: _Import | _Start | _End = control.recv()
                if isinstance(order, _Import):
                    importlib.import_module(order.module)
                    continue
                if isinstance(order, _Start):
                    gc.freeze()  # or collecting garbage in a fork would copy what it shares
                    running[order.number] = _fork(recv_handle(control), control, serve)
                    continue
                if order.number in running:  # else the answer got lost, and is asked for again
                    codes[order.number] = _kill(running.pop(order.number))
                control.send(_Ended(order.number, codes[order.number]))
        for process in running.values():
            _kill(process)


def _fork(descriptor: int, control: Connection, serve: Callable[[socket.socket], None]) -> int:
    """The process id of a fork that serves at a socket; this process has closed it."""
    process = os.fork()
    if process:
        os.close(descriptor)
        return process
    code = 1
    connection = socket.socket(fileno=descriptor)  # open until its process has its exit code
    try:
        control.close()
        serve(connection)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _kill(process: int) -> int:
    """Kill a child that may have ended already; returns its exit code."""
    os.kill(process, signal.SIGKILL)
    _, status = os.waitpid(process, 0)
    return os.waitstatus_to_exitcode(status)
