"""Hear of it when numba compiles: seconds in which nothing else is to be seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from numba.core.event import Event, Listener, install_listener


class _First(Listener):
    """Calls back when the first function is compiled; one that is read from the cache is not."""

    def __init__(self, call: Callable[[], None]) -> None:
        self._call: Callable[[], None] | None = call

    def on_start(self, event: Event) -> None:
        """Called while numba holds its lock, so by one thread at a time."""
        call, self._call = self._call, None
        if call:
            call()

    def on_end(self, event: Event) -> None:
        """Compiling has ended."""


@contextmanager
def when_compiling(call: Callable[[], None]) -> Iterator[None]:
    """Call back, once, if anything is compiled in the block, before it is.

    Args:
        call: by whichever thread needs the compiled function.
    """
    with install_listener("numba:compile", _First(call)):
        yield
