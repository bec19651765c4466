"""The blocks of an evaluation, in the order in which people read them."""

from __future__ import annotations

from pathlib import Path

from ..tables.accuracy import accuracy_blocks
from ..tables.conclusion import accuracy_statements, label_statements, most_accurate
from ..tables.details import confusion_blocks, details_blocks
from ..tables.distances import distance_blocks
from ..tables.hand_labels import hand_label_blocks
from ..tables.layout import Block, Bullets, Heading, Text
from ..tables.paper_page import paper_page
from ..tables.recommendation import recommendation_blocks
from ..tables.selection import outcome_blocks, selection_blocks
from ..tables.unlabelled import label_blocks, unlabelled_blocks
from .content import Content

_SHARED_CLASSES = "Test videos are predicted among the classes that the target has labels for."


def printed(content: Content, *, details: bool = False, csv: Path | None = None) -> list[Block]:
    """What ``tcon eval`` prints: which method to take of an unlabelled target; accuracies, or the
    paper's table if it was asked for; predictions of unlabelled targets; what was left out. Where
    something is chosen, the choices alone.

    Args:
        content: of runs.
        details: seeds, classes and confusions too.
        csv: the file that gets all predictions, where one does.
    """
    if content.selections:
        return [*advice(content), *selected(content), *_unfinished(content)]
    blocks = advice(content)
    blocks += paper_page(content.paper) if content.paper else accuracies(content)
    if content.shared_classes:
        blocks.append(Text(_SHARED_CLASSES))
    if details:
        blocks += details_blocks(content.results)
    if content.unlabelled:
        blocks += label_blocks(content.labelling, csv=csv)
        blocks += unlabelled_blocks(content.unlabelled, content.unlabelled_notes)
    if content.remarks:
        blocks.append(Bullets(content.remarks))
    return [*blocks, *_unfinished(content)]


def concluded(content: Content) -> list[Block]:
    """What a report opens with: one sentence for each target, and which method to take."""
    results = [*accuracy_statements(content.results), *label_statements(content.labelling)]
    return [*results, *advice(content)]


def confusions(content: Content) -> list[Block]:
    """Of the most accurate method of each labelled target."""
    return [
        block
        for result in most_accurate(content.results)
        for block in (Heading(f"{result.group.transfer}: {result.name}"), *confusion_blocks(result))
    ]


def reported(content: Content) -> list[Block]:
    """The tables of a report: all that is known of the results, asked for or not."""
    blocks = [*paper_page(content.paper), *accuracies(content)]
    if content.shared_classes:
        blocks.append(Text(_SHARED_CLASSES))
    blocks += details_blocks(content.results)
    if content.unlabelled:
        blocks += unlabelled_blocks(content.unlabelled, content.unlabelled_notes)
    if content.selections:
        blocks += selected(content)
    if content.remarks:
        blocks.append(Bullets(content.remarks))
    return [*blocks, *_unfinished(content)]


def advice(content: Content) -> list[Block]:
    """What hand labels say; which method to take without them; where nothing was chosen, also why
    nothing can be said of some."""
    blocks = [
        *hand_label_blocks(content.checked, content.taken),
        *recommendation_blocks(
            content.recommendations, content.outcomes, labels_decide=bool(content.checked)
        ),
    ]
    if content.left_out and not content.selections:
        blocks.append(Bullets(content.left_out))
    return blocks


def accuracies(content: Content) -> list[Block]:
    """Accuracies, comparisons and their notes; nothing where the target has no labels."""
    if not content.results:
        return []
    return [*accuracy_blocks(content.results, content.zero_shot), Bullets(content.notes)]


def selected(content: Content) -> list[Block]:
    """Every candidate's scores, and what the choices reach where the target has labels."""
    blocks: list[Block] = []
    for selection in content.selections:
        blocks += selection_blocks(selection)
    if content.outcomes:
        blocks += outcome_blocks(content.outcomes, content.selection_notes)
    if any(selection.accuracy is None for selection in content.selections):
        blocks.append(Text("An unlabelled target has scores alone."))
    if content.left_out:
        blocks.append(Bullets(content.left_out))
    return blocks


def distances(content: Content) -> list[Block]:
    """Domain distances of the runs whose features can be read, and why others have none."""
    transfers: dict[str, dict[str, tuple]] = {}
    for run in content.distances:
        if run.distances:
            transfers.setdefault(run.transfer, {})[run.name] = run.distances
    blocks = distance_blocks(transfers) if transfers else []
    problems = [
        f"No domain distance of {run.transfer}, {run.name}: {run.problem}"
        for run in content.distances
        if run.problem
    ]
    return [*blocks, Bullets(problems)] if problems else blocks


def _unfinished(content: Content) -> list[Block]:
    count = len(content.unfinished)
    if not count:
        return []
    runs, them = ("1 unfinished run", "it") if count == 1 else (f"{count} unfinished runs", "them")
    return [Text(f"Left out {runs}: repeat the tcon adapt command to finish {them}.")]
