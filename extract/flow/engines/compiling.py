"""Keep what numba compiles, where that can be; and hear of it when numba compiles: seconds in which
nothing else is to be seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from numba import njit
from numba.core.caching import FunctionCache
from numba.core.event import Event, Listener, install_listener

from .lanes import OPTIONS


class _Cache(FunctionCache):
    """numba's cache on the disk, without which all works too: it may be full, damaged or
    another user's."""

    def load_overload(self, *words: Any) -> Any:
        try:
            return super().load_overload(*words)
        except Exception:  # unpickling what is damaged raises anything
            with suppress(OSError):
                self.flush()
            return None

    def save_overload(self, *words: Any) -> None:
        with suppress(OSError):
            super().save_overload(*words)


def compiled(function: Callable[..., Any]) -> Any:
    """A function that numba compiles at its first use, and reads from its cache at later ones.

    Where no cache can be written (see ``NUMBA_CACHE_DIR``), every process compiles it anew.
    """
    dispatcher = njit(**OPTIONS)(function)
    with suppress(RuntimeError, OSError):  # numba: "no locator available"
        dispatcher._cache = _Cache(function)
    return dispatcher


class _First(Listener):
    """Calls back when the first function is compiled; one that is read from the cache is not."""

    def __init__(self, call: Callable[[bool], None]) -> None:
        self._call: Callable[[bool], None] | None = call

    def on_start(self, event: Event) -> None:
        """Called while numba holds its lock, so by one thread at a time."""
        call, self._call = self._call, None
        if call:
            call(isinstance(event.data["dispatcher"]._cache, _Cache))

    def on_end(self, event: Event) -> None:
        """Compiling has ended."""


@contextmanager
def when_compiling(call: Callable[[bool], None]) -> Iterator[None]:
    """Call back, once, if anything is compiled in the block, before it is.

    Args:
        call: by whichever thread needs the compiled function, with whether it will be kept.
    """
    with install_listener("numba:compile", _First(call)):
        yield
