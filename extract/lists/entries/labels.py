"""Labels that say nothing, and whole numbers that a program wrote with a fraction."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from ....cache.common.counts import counted
from .entry import Entry

# What pandas reads as missing, but for the empty cell, and -1 and ?, which lists have for it.
_UNKNOWN = {
    *("nan", "NaN", "-nan", "-NaN", "NA", "<NA>", "N/A", "n/a", "#N/A", "#NA", "#N/A N/A"),
    *("null", "NULL", "None", "1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN", "-1", "-1.0", "?"),
}
_WHOLE = re.compile(r"([+-]?[0-9]+)\.0*")


def known_labels(entries: Sequence[Entry]) -> tuple[list[Entry], list[str]]:
    """Take labels for what they mean.

    Args:
        entries: of one list.

    Returns:
        the entries, with "" for labels that mean unknown and, where every label is a number,
        without the ``.0`` that a gap in their column makes pandas write; and what was done.
    """
    labels = Counter(entry.label for entry in entries)
    meant = {label: "" for label in labels if label in _UNKNOWN}
    notes = []
    if meant:
        count = sum(labels[label] for label in meant)
        said = ", ".join(sorted(meant))
        notes.append(f"{counted(count, 'video')} labelled {said}: taken as unlabelled")
    numbers = {label: _WHOLE.fullmatch(label) for label in labels if label and label not in meant}
    if any(numbers.values()) and all(m or label.isdecimal() for label, m in numbers.items()):
        meant |= {label: match[1] for label, match in numbers.items() if match}
        example = min(label for label, match in numbers.items() if match)
        notes.append(f"labels like {example} taken as whole numbers ({meant[example]})")
    if not meant:
        return list(entries), []
    return [replace(e, label=meant.get(e.label, e.label)) for e in entries], notes
