"""A console that shows all text as it is, whatever labels, ids and file names hold."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from ...errors import visible_lines


class PlainConsole(Console):
    """Prints characters that a terminal would obey or hide as ``\\x1b`` and the like; brackets and
    colons are no markup."""

    def __init__(self, **options: Any) -> None:
        super().__init__(soft_wrap=True, highlight=False, markup=False, emoji=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """A text as it is shown, before columns are laid out."""
        return super().render_str(visible_lines(text), **options)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """What is printed, texts that were made elsewhere too."""
        for part in super().render(renderable, options):
            yield part if part.control else Segment(visible_lines(part.text), part.style)
