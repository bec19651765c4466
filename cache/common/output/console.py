"""The one console that commands print to, and the progress bar that they share.

File names, labels and ids are shown as they are, whatever they hold (`terminal`). For bold or
coloured text give a `rich.text.Text` or a ``style``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import visible
from .pace import SAID_EVERY, Pace, every

if TYPE_CHECKING:
    from rich.console import Console


@lru_cache(maxsize=2)
def console(*, stderr: bool = False) -> Console:
    """The console of this process; it follows whatever ``sys.stdout`` or ``sys.stderr`` is."""
    from .terminal import PlainConsole

    return PlainConsole(stderr=stderr)


def print_line(line: str, style: str = "") -> None:
    """Print one line: breaks in it, as of a file's name, are shown and not obeyed."""
    console().print(visible(line), style=style)


class VideoBar:
    """A bar that counts videos on a terminal; elsewhere a line now and then. A context manager.

    Args:
        title: what is done with the videos.
        before: what is done before it is known how many there are.
        transient: the bar disappears when it ends, and there are no lines elsewhere.
        clock: seconds, from any start.
    """

    def __init__(
        self,
        title: str,
        *,
        before: str = "",
        transient: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        from rich.progress import BarColumn, Progress, TextColumn
        from rich.table import Column

        self._title, self._before, self._lines = title, before, not transient
        self._clock = clock
        self._started = clock()
        self._counts = Pace(0)
        # The bar takes what the text leaves, so that no text is cut off.
        text = TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True))
        self._bar = Progress(
            BarColumn(bar_width=None, table_column=Column(ratio=1)),
            text,
            console=console(),
            transient=transient,
            expand=True,
            disable=not console().is_terminal,
            get_time=clock,
        )
        self._row = self._bar.add_task(self.text(), total=None)

    def count(self, todo: int, *, done: int, failed: int = 0) -> None:
        """Say how many videos there are, and how many of them are done and have failed."""
        if self._counts.todo == 0:
            self._started = self._clock()
        self._counts = Pace(todo, done, failed)
        self._bar.update(
            self._row,
            total=todo,
            completed=done + failed,
            description=self.text(),
            visible=todo > 0,
        )

    @property
    def pace(self) -> Pace:
        """How far it is now; its time begins when the number of videos is known."""
        return replace(self._counts, seconds=self._clock() - self._started)

    def text(self) -> str:
        """What is shown, beside the bar or as a line."""
        said = self.pace.describe("videos") if self._counts.todo else self._before
        return f"{self._title}: {said}" if said else self._title

    def print_line(self) -> None:
        """Print what is shown."""
        console().print(self.text())

    def __enter__(self) -> VideoBar:
        self._open = ExitStack()
        self._open.enter_context(self._bar)
        if self._lines and not console().is_terminal:
            self._open.enter_context(every(SAID_EVERY, self.print_line))
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()


class OutputDisplay:
    """A bar that runs while a feature file is being written, and lines after it.

    Args:
        output: the feature file.
        bar: of its videos.

    Attributes:
        held: videos that the file holds by now; None before it is known.
    """

    def __init__(self, output: Path, bar: VideoBar) -> None:
        self.output, self.bar = output, bar
        self.held: int | None = None

    @contextmanager
    def showing(self) -> Iterator[None]:
        """Show the bar while the block runs.

        Raises:
            KeyboardInterrupt: by Ctrl-C, with what the file holds.
        """
        try:
            with self.bar:
                yield
        except KeyboardInterrupt:
            held = "" if self.held is None else f"{self.output} holds {self.held} videos; "
            raise KeyboardInterrupt(f"stopped: {held}the same command continues") from None

    def print(self, lines: Iterable[tuple[str, str]]) -> None:
        """Print lines, each with its style."""
        for line, style in lines:
            print_line(line, style)
