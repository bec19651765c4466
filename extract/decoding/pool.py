"""Decode many videos at once, each in a process that can be killed.

The processes are forks of a plain child (see `server`) that are spoken to through sockets, not
`multiprocessing` workers, so that a script needs no main guard and a notebook works too.
"""

from __future__ import annotations

import contextlib
import os
import signal
import weakref
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import wait
from typing import Generic, TypeVar

from ...cache.common.machine.child import module_path
from ...cache.errors import InputError
from .messages import receive, send
from .reader import Done, Reader, answers
from .server import fork_server
from .video import DecodeError
from .worker import Orders, Place

RequestT = TypeVar("RequestT")
AnswerT = TypeVar("AnswerT")


class DecodePool(Generic[RequestT, AnswerT]):
    """Processes that decode side by side; they end when the pool is closed or gone.

    Args:
        reader: answers the requests.
        workers: processes; 0 decodes in this process, where a hang cannot be cut off.
        time_limit: seconds that a video may go without a new frame before it is given up.
        niceness: nice value of the processes.
        shared: hand over large answers as shared memory: processes go on to their next requests
            while nobody takes their answers. Else they wait.
    """

    def __init__(
        self,
        reader: Reader[RequestT, AnswerT],
        *,
        workers: int,
        time_limit: float,
        niceness: int = 0,
        shared: bool = False,
    ) -> None:
        self._orders = Orders(reader, time_limit, niceness, shared)
        self._here = _ThisProcess(reader)
        self._workers: list[_Worker[RequestT, AnswerT]] = []
        self._ending = weakref.finalize(self, _kill, self._workers)
        try:
            for _ in range(workers):
                self._workers.append(_Worker(self._orders))
        except OSError:
            self.close()
            raise

    def stream(
        self, requests: Iterable[RequestT]
    ) -> Iterator[tuple[RequestT, AnswerT | DecodeError] | None]:
        """Answer requests, one at a time in each process.

        Yields:
            with its request every answer as it comes, those of several requests interleaved; in
            place of the rest a `DecodeError`; None after every second without an answer.

        Raises:
            InputError: the processes do not start.
        """
        self._here.forget()
        waiting = iter(requests)
        asked: list[_Task[RequestT]] = []

        def ask() -> None:
            for request in waiting:
                asked.append(self._ask(request))
                break

        for _ in self._answering:
            ask()
        while asked:
            silent = True
            for task, answer in self._receive():
                silent = False
                if task not in asked:  # of what was given up before
                    continue
                if not isinstance(answer, Done):
                    yield task.request, answer
                    continue
                asked.remove(task)
                ask()
                if answer.error:
                    yield task.request, answer.error
            if silent:
                yield None

    def map(self, requests: Iterable[RequestT], *, ahead: int) -> Iterator[AnswerT | DecodeError]:
        """Answer requests that each have one answer, in their order.

        What is left of an earlier call that was given up is finished first.

        Args:
            requests: as many are taken ahead of the answers as are asked ahead.
            ahead: answers that may be made before they are taken, at least 1.

        Raises:
            InputError: the processes do not start.
        """
        self._here.forget()
        waiting = iter(requests)
        asked: deque[_Task[RequestT]] = deque()
        found: dict[_Task[RequestT], AnswerT | DecodeError] = {}
        while True:
            while len(asked) < ahead:
                try:
                    asked.append(self._ask(next(waiting)))
                except StopIteration:
                    break
            if not asked:
                return
            while asked[0] not in found:
                for task, answer in self._receive():
                    if task not in asked:
                        continue
                    if not isinstance(answer, Done):
                        found[task] = answer
                    elif answer.error:
                        found[task] = answer.error
            yield found.pop(asked.popleft())

    def close(self) -> None:
        """End the processes, whatever they are doing."""
        self._ending()

    def __enter__(self) -> DecodePool[RequestT, AnswerT]:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def _answering(self) -> Sequence[_Worker[RequestT, AnswerT] | _ThisProcess[RequestT, AnswerT]]:
        return self._workers or [self._here]

    def _ask(self, request: RequestT) -> _Task[RequestT]:
        """Give a request to the process that has the fewest."""
        task = _Task(request)
        min(self._answering, key=lambda worker: len(worker.tasks)).ask(task)
        return task

    def _receive(self) -> Iterator[tuple[_Task[RequestT], AnswerT | Done]]:
        """What comes within a second, at most one answer from each process."""
        if self._here.tasks:
            yield self._here.tasks[0], self._here.answer()
        busy = [worker for worker in self._workers if worker.tasks]
        ready = wait([worker.connection for worker in busy], timeout=1.0) if busy else []
        for worker in busy:
            if worker.connection not in ready:
                continue
            answer = worker.answer()
            if answer is None:
                continue
            task = worker.tasks[0]
            if isinstance(answer, Done):
                worker.tasks.popleft()
            if worker.ended:
                new = _Worker(self._orders)
                self._workers[self._workers.index(worker)] = new
                for left in worker.tasks:
                    new.ask(left)
            yield task, answer


@dataclass(frozen=True, eq=False)
class _Task(Generic[RequestT]):
    """A request that has been given to a process, itself and no other that is equal."""

    request: RequestT


class _ThisProcess(Generic[RequestT, AnswerT]):
    """In the place of a `_Worker` where there is none."""

    def __init__(self, reader: Reader[RequestT, AnswerT]) -> None:
        self.tasks: deque[_Task[RequestT]] = deque()  # asked and not done
        self._reader = reader
        self._answers: Iterator[AnswerT | Done] | None = None  # to the first of them

    def ask(self, task: _Task[RequestT]) -> None:
        self.tasks.append(task)

    def forget(self) -> None:
        """Drop what is left of earlier tasks."""
        self.tasks.clear()
        self._answers = None

    def answer(self) -> AnswerT | Done:
        """The next answer to the first task."""
        if self._answers is None:
            self._answers = answers(self._reader, self.tasks[0].request, lambda: None)
        answer = next(self._answers)
        if isinstance(answer, Done):
            self._answers = None
            self.tasks.popleft()
        return answer


class _Worker(Generic[RequestT, AnswerT]):
    """One process and the connection to it."""

    def __init__(self, orders: Orders[RequestT, AnswerT]) -> None:
        self._fork = fork_server().start(type(orders.reader))
        self.connection = self._fork.connection
        self.tasks: deque[_Task[RequestT]] = deque()  # asked and not done
        self.ended = self._ready = False
        self._time_limit = orders.time_limit
        self._send(Place(os.getcwd(), module_path(working_folder=False)))
        self._send(orders)

    def ask(self, task: _Task[RequestT]) -> None:
        self.tasks.append(task)
        self._send(task.request)

    def answer(self) -> AnswerT | Done | None:
        """The next answer to the first task; None for the first message, which says that the
        process has started."""
        try:
            answer = receive(self.connection)
        except (EOFError, ConnectionResetError):
            return Done(self._why_it_ended())
        if not self._ready:
            self._ready = True
            return None
        return answer

    def kill(self) -> None:
        self._fork.end()

    def _send(self, message: object) -> None:
        # Where it has ended, the next answer says why.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            send(self.connection, message)

    def _why_it_ended(self) -> DecodeError:
        self.ended = True
        code = self._fork.end()
        if not self._ready:
            raise InputError(
                f"the decoding process does not start (exit code {code}, its message is above): "
                "fix that, or decode in this process with --workers 0"
            )
        if code == -signal.SIGALRM:
            return DecodeError(f"no new frame within {self._time_limit:g} s, the time limit")
        ending = f"signal {-code}" if code < 0 else f"exit code {code}"
        return DecodeError(f"the decoding process ended with {ending}")


def _kill(workers: list[_Worker[RequestT, AnswerT]]) -> None:
    for worker in workers:
        worker.kill()
