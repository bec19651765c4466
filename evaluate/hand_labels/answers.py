"""Labels that a person gave to some of the target's videos."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...adapt.tasks.names import match_labels
from ...cache import InputError
from ...cache.errors import shorten, visible
from ...extract.lists.forms.lines import cells, read_lines

NONE = "none of these"  # a video of no class: every label is wrong
_DELIMITERS = ",;\t"


@dataclass(frozen=True)
class Answers:
    """The class of some videos, None where it is none of the classes.

    Args:
        at_random: of the videos that were drawn at random, by id.
        doubtful: of those that were asked for because of their doubtful labels.
        unanswered: how many that were drawn at random have no label.
    """

    at_random: Mapping[str, str | None]
    doubtful: Mapping[str, str | None]
    unanswered: int = 0


def read_answers(path: Path, *, videos: Collection[str], classes: Sequence[str]) -> Answers:
    """Read a csv with the columns ``video`` (or ``path``) and ``label``.

    Rows without a label are passed over. ``drawn`` may say ``random`` or ``doubtful``; without it
    every video counts as drawn at random. Labels may differ from the classes in case, spaces and
    the like.

    Args:
        path: of the csv.
        videos: ids that may be named.
        classes: names that labels may be.

    Raises:
        InputError: no such file or columns, an unknown video or label, or no answer at all.
    """
    head, *lines = read_lines(path)
    delimiter = max(_DELIMITERS, key=head.text.count)
    columns = [cell.lower() for cell in cells(head.text, delimiter)]
    video = "video" if "video" in columns else "path"
    if not {video, "label"} <= set(columns):
        raise InputError(
            f"{path}: its first line names no columns video and label, only {shorten(head.text)}: "
            "tcon eval RUNS --ask 30 writes such a file"
        )
    ids = {visible(id_).strip(): id_ for id_ in videos}  # as `write_questions` and cells have them
    found: dict[str, dict[str, str | None]] = {"random": {}, "doubtful": {}}
    given: dict[str, tuple[str, str]] = {}
    unanswered = 0
    for line in lines:
        where = f"{path} line {line.number}"
        try:
            row = dict(zip(columns, cells(line.text, delimiter), strict=False))
        except InputError as error:
            raise InputError(f"{where}: {error}") from None
        name, label, drawn = row.get(video, ""), row.get("label", ""), row.get("drawn", "")
        if not label:
            unanswered += drawn == "random"
            continue
        id_ = ids.get(name)
        if id_ is None:
            raise InputError(f"{where}: the runs have no test video '{shorten(name)}'")
        if (drawn or "random") not in found:
            raise InputError(f"{where}: drawn is random or doubtful, not {shorten(drawn)}")
        if given.setdefault(id_, (label, drawn)) != (label, drawn):
            raise InputError(f"{where}: {shorten(name)} has another label above: keep one of them")
        found[drawn or "random"][id_] = label
    if not given:
        raise InputError(f"{path} gives no label: fill in the column label, then repeat this")
    names = _classes({label for label, _ in given.values()}, classes, path)
    for answers in found.values():
        answers |= {id_: names[label] for id_, label in answers.items() if label is not None}
    return Answers(found["random"], found["doubtful"], unanswered)


def _classes(labels: set[str], classes: Sequence[str], path: Path) -> dict[str, str | None]:
    """The class of each label, None for `NONE`."""
    wanted = {name: n for n, name in enumerate((*classes, NONE))}
    matched = match_labels(wanted, labels)
    if strange := labels - matched.keys():
        raise InputError(
            f"{path}: the label {shorten(min(strange))} is none of the classes: write one of "
            f"{', '.join(classes)}, or {NONE}"
        )
    return {label: name if name in classes else None for label, name in matched.items()}
