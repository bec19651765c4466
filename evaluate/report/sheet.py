"""A page of thumbnails on which videos are labelled by hand: one file, which saves a csv."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...cache.common.writing import write_output
from ..hand_labels.answers import NONE
from ..hand_labels.cards import Card
from ..hand_labels.questions import COLUMNS
from .html_file import environment


def write_sheet(cards: Sequence[Card], classes: Sequence[str], path: Path) -> None:
    """Write the page.

    Args:
        cards: of the videos.
        classes: to choose from.
        path: of the page; its csv is offered as a download of the same name.

    Raises:
        InputError: it cannot be written.
    """
    page = environment().get_template("sheet.html.j2")
    text = page.render(
        cards=cards,
        choices=[*classes, NONE],
        columns=COLUMNS,
        csv_name=path.with_suffix(".csv").name,
    )
    write_output(path, text)
