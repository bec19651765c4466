"""What a reader must know of how numbers came about, in sentences."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator, Sequence

from ...cache.common.counts import counted
from .groups import Group
from .names import full_name, predicting_path
from .truth import NewVideos

_NORMALISED = {
    "none": "features as they are",
    "source": "features standardised by the source's statistics",
    "domain": "each domain's features standardised by its own unlabelled statistics, for every "
    "method",
}


def notes_of(groups: Sequence[Group], taken: Collection[Group] = ()) -> list[str]:
    """Notes on the numbers of these groups; a note that does not hold for all says for which.

    Args:
        groups: of runs.
        taken: those of them that are to label new videos; any may, where none is named.
    """
    notes = [*_of_new_videos(sorted(groups, key=lambda g: g not in taken)), *_of_several(groups)]
    made: dict[str, list[Group]] = {}
    for group in groups:
        if group.reads_target_labels:
            notes.append(
                f"{group.label} trains on target labels: an upper bound, not an adaptation."
            )
        if group.record.continued:
            start = group.record.continued.path
            notes.append(f"{group.label}: began with the weights of {start}, not from scratch.")
        if group.note:
            notes.append(f"{group.label}: {group.note}.")
        if group.fusion:
            notes.append(
                "rgb+flow: mean of both runs' logits before the softmax, weights "
                f"{group.fusion.weights}."
            )
        note = f"backbone {group.backbone}, {group.mode}, {_NORMALISED[group.normalise]}."
        made.setdefault(note, []).append(group)
    for note, members in made.items():
        rows = "; ".join(dict.fromkeys(full_name(group, groups) for group in members))
        notes.append(f"{rows}: {note}" if len(made) > 1 else f"B{note[1:]}")
    return list(dict.fromkeys(notes))


def _of_new_videos(groups: Sequence[Group]) -> Iterator[str]:
    """How many videos have come into each target file since its runs, and what labels them."""
    first: dict[NewVideos, Group] = {}
    for group in groups:
        if group.new and group.new.count:
            first.setdefault(group.new, group)
    for new, group in first.items():
        words = shlex.join(["tcon", "predict", str(predicting_path(group)), str(new.file), "--new"])
        are, them = ("is", "it") if new.count == 1 else ("are", "them")
        yield f"{counted(new.count, 'new target video')} {are} not scored: {words} labels {them}."


def _of_several(groups: Sequence[Group]) -> Iterator[str]:
    """What holds for several methods of a transfer, in one note that names all of them."""
    transfers: dict[str, list[Group]] = {}
    for group in groups:
        transfers.setdefault(group.transfer, []).append(group)
    for transfer, members in transfers.items():
        adapted = [g for g in members if g.protocol == "transductive" and g.uses_target]
        # End to end, random weights are trained.
        random = [g for g in members if g.mode == "cached features" and "random" in g.weights]
        for which, note in (
            (adapted, "transductive, adapted to the test videos (without their labels)"),
            (random, "features of a random backbone; the numbers mean nothing"),
        ):
            if which:
                labels = dict.fromkeys(group.label for group in which)
                yield f"{transfer}, {', '.join(labels)}: {note}."
