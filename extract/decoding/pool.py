"""Decode many videos at once, each in a process that can be killed.

The processes are plain children that speak through a socket, not `multiprocessing` workers, so that
a script that calls `extract` needs no main guard.
"""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator
from multiprocessing.connection import Connection, wait
from typing import Any

import numpy as np
import torch

from ...cache.errors import InputError
from ..lists.videos import VideoItem
from ..snippets.reading import Chunk, Decoded, Reading, read_snippets
from . import DecodeError

# Unlike ``python -m``, without the working folder among the places that modules come from.
_COMMAND = f"import sys; del sys.path[0]; from {__package__}.worker import main; main(sys.argv[1])"

Answer = Chunk | Decoded | DecodeError


class DecodePool:
    """Processes that decode side by side; a context manager, since they must be ended.

    Args:
        reading: how to read a video.
        workers: processes; 0 decodes in this process, where a hang cannot be cut off.
        time_limit: seconds that a video may go without a new frame before it is given up.
        niceness: how far the processes stand back behind others.
    """

    def __init__(
        self, reading: Reading, *, workers: int, time_limit: float, niceness: int = 0
    ) -> None:
        self._reading, self._time_limit = reading, time_limit
        self._orders = (reading, time_limit, niceness)
        self._workers: list[_Worker] = []
        try:
            for _ in range(workers):
                self._workers.append(_Worker(self._orders))
        except OSError:
            self.close()
            raise

    def decode(self, items: Iterable[VideoItem]) -> Iterator[tuple[VideoItem, Answer] | None]:
        """Decode videos; their answers come interleaved.

        Yields:
            for every video its `Chunk`s (see `read_snippets`), then a `Decoded`, or instead of the
            rest a `DecodeError`; None after every second without an answer.
        """
        if not self._workers:
            yield from self._decode_here(items)
            return
        waiting = iter(items)
        busy: dict[Connection, tuple[_Worker, VideoItem]] = {}

        def assign(worker: _Worker) -> None:
            item = next(waiting, None)
            if item is not None:
                worker.ask(item)
                busy[worker.connection] = (worker, item)

        for worker in self._workers:
            assign(worker)
        while busy:
            ready = wait(list(busy), timeout=1.0)
            if not ready:
                yield None
            for connection in ready:
                worker, item = busy[connection]
                answer = worker.answer()
                if answer is None:
                    continue
                yield item, answer
                if isinstance(answer, Decoded | DecodeError):
                    del busy[connection]
                    if worker.ended:
                        self._workers.remove(worker)
                        worker = _Worker(self._orders)
                        self._workers.append(worker)
                    assign(worker)

    def _decode_here(self, items: Iterable[VideoItem]) -> Iterator[tuple[VideoItem, Answer]]:
        for item in items:
            try:
                for answer in read_snippets(str(item.path), item.id, self._reading):
                    yield item, answer
            except Exception as error:  # one strange video must not stop the others
                yield item, DecodeError.of(error)

    def close(self) -> None:
        """End the processes, whatever they are doing."""
        for worker in self._workers:
            worker.kill()

    def __enter__(self) -> DecodePool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Worker:
    """One process and the connection to it."""

    def __init__(self, orders: tuple[Reading, float, int]) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _COMMAND, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for us to handle
            )
        self.connection = Connection(ours.detach())
        self.ended = self._ready = False
        self._time_limit = orders[1]
        self._send(orders)

    def ask(self, item: VideoItem) -> None:
        self._send((str(item.path), item.id))

    def answer(self) -> Answer | None:
        """The next message; None for the first, which says that the process has started."""
        try:
            answer = self.connection.recv()
            if isinstance(answer, tuple):  # snippets follow as plain bytes
                modality, shape, dtype = answer
                snippets = np.empty(shape, dtype)
                self.connection.recv_bytes_into(snippets.reshape(-1).view(np.uint8).data)
                return Chunk(modality, torch.from_numpy(snippets))
        except (EOFError, OSError):  # also in the middle of an answer
            return self._why_it_ended()
        if not self._ready:
            self._ready = True
            return None
        return answer

    def kill(self) -> None:
        self.connection.close()
        self._process.kill()
        self._process.wait()

    def _send(self, message: Any) -> None:
        # Where it has ended, the next answer says why.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.connection.send(message)

    def _why_it_ended(self) -> DecodeError:
        self.ended = True
        self.connection.close()
        code = self._process.wait()
        if not self._ready:
            raise InputError(
                f"the decoding process does not start (exit code {code}, its message is above): "
                "mend that or decode in this process with --workers 0"
            )
        if code == -signal.SIGALRM:
            return DecodeError(f"no new frame within {self._time_limit:g} s (--time-limit)")
        ending = f"signal {-code}" if code < 0 else f"exit code {code}"
        return DecodeError(f"the decoding process ended with {ending}")
