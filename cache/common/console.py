"""The one console that commands print to, and the progress bar that they share.

Markup is off: file names, labels and ids are shown as they are, whatever brackets they hold. For
bold or coloured text give a `rich.text.Text` or a ``style``.
"""

from __future__ import annotations

from functools import lru_cache
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
