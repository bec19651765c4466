"""A page of thumbnails on which videos are labelled by hand: one file, which saves a csv."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...cache import InputError
from ...cache.common.files.writing import write_output
from ..figures.data.roots import parse_roots
from ..hand_labels.answers import NONE
from ..hand_labels.cards import Card, make_cards
from ..hand_labels.questions import COLUMNS, Question, choose_questions, write_questions
from ..runs.embeddings import Loader
from ..runs.names import full_name
from ..scores.unlabelled import Unlabelled, require_unlabelled
from .content import Content
from .html_file import environment
from .outputs import check_sheet


def write_sheet(
    content: Content, count: int, path: Path, *, roots: Sequence[str] = ()
) -> tuple[Question, ...]:
    """Write a page of the videos whose labels by hand would tell most, and a csv for these.

    Args:
        content: of runs on an unlabelled target.
        count: how many videos.
        path: of the page; the csv lies beside it.
        roots: folders that the videos' paths start at, if they have moved.

    Returns:
        the videos, which the method to take chooses, or else the only group.

    Raises:
        InputError: the target is labelled, it is not clear which group should ask, or a file is
            there already or cannot be written.
    """
    csv, asking = check_sheet(path), _asking(content)
    questions = choose_questions(asking.labels, count)
    loader = Loader(content.files)
    videos = {video.id: video for video in loader.file(asking.group.first, "target").videos}
    cards = list(make_cards(questions, videos, parse_roots(roots).get("target")))
    page = sheet_html(cards, asking.group.classes, csv.name)
    write_questions(questions, csv)
    write_output(path, page)
    return questions


def sheet_html(cards: Sequence[Card[Question]], classes: Sequence[str], csv_name: str) -> str:
    """The page.

    Args:
        cards: of the videos.
        classes: to choose from.
        csv_name: of the file that it saves.
    """
    page = environment().get_template("sheet.html.j2")
    choices = dict.fromkeys([*classes, NONE])
    return page.render(cards=cards, choices=choices, columns=COLUMNS, csv_name=csv_name)


def _asking(content: Content) -> Unlabelled:
    """The group whose doubts decide what is asked."""
    require_unlabelled(content.unlabelled)
    results = content.labelling
    if len(results) > 1:
        groups = [result.group for result in results]
        names = ", ".join(full_name(group, groups) for group in groups)
        raise InputError(f"several groups could ask ({names}): name the runs of one of them")
    return results[0]
