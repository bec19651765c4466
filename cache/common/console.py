"""The one console that commands print to, and the progress bar that they share.

Markup is off: file names, labels and ids are shown as they are, whatever brackets they hold. For
bold or coloured text give a `rich.text.Text` or a ``style``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, ProgressColumn


@lru_cache(maxsize=1)
def console() -> Console:
    """The console of this process; it follows whatever ``sys.stdout`` is."""
    from rich.console import Console

    return Console(soft_wrap=True, highlight=False, markup=False)


def progress_bar(*columns: ProgressColumn, title: str = "", transient: bool = False) -> Progress:
    """A bar that counts videos on the console; use it as a context manager.

    Args:
        columns: shown at the right of the usual ones.
        title: shown at the left.
        transient: the bar disappears when it ends, and shows on a terminal alone.
    """
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    return Progress(
        *([TextColumn(title)] if title else []),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("videos"),
        TimeRemainingColumn(),
        *columns,
        console=console(),
        transient=transient,
        disable=transient and not console().is_terminal,
    )


class OutputDisplay:
    """A bar that runs while a feature file is being written, and lines after it.

    Args:
        output: the feature file.
        bar: made by `progress_bar`.

    Attributes:
        held: videos that the file holds by now; None before it is known.
    """

    def __init__(self, output: Path, bar: Progress) -> None:
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
            console().print(line, style=style)
