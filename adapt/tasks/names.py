"""Which labels of two files mean the same class, though they are spelt differently.

Folders copied between systems and lists typed by hand differ in case, in ``_``, space and hyphen,
in padding and in Unicode's composed and decomposed letters. Such labels are matched where that is
unique; labels of one file are never merged.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Collection, Mapping

# Spaces, line ends, dashes and the like of Unicode's general categories.
_SEPARATORS = ("Zs", "Zl", "Zp", "Cc", "Pc", "Pd")
_INVISIBLE = "Cf"  # zero-width characters, byte order marks


def plain_name(label: str) -> str:
    """A label as it is compared: ``High-Jump ``, ``high_jump`` and ``high  jump`` are the same."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", label).casefold())
    kept = (c for c in folded if unicodedata.category(c) != _INVISIBLE)
    return " ".join("".join(" " if _separates(c) else c for c in kept).split())


def match_labels(
    known: Mapping[str, int], labels: Collection[str], *, exact: bool = False
) -> dict[str, str]:
    """The known name that each of a file's labels stands for; labels that match none are left out.

    A label that is itself a known name stands for it. Any other is compared by `plain_name`, and
    matches where no other label and no known name of another class reads the same.

    Args:
        known: names and the class of each.
        labels: of one file.
        exact: match equal names alone.
    """
    matched = {label: label for label in labels if label in known}
    if exact:
        return matched
    alike = Counter(map(plain_name, labels))
    readings: dict[str, set[int]] = {}
    names: dict[str, str] = {}
    for name, index in known.items():
        readings.setdefault(plain_name(name), set()).add(index)
        names.setdefault(plain_name(name), name)
    for label in labels:
        plain = plain_name(label)
        if label not in known and plain and alike[plain] == 1 == len(readings.get(plain, ())):
            matched[label] = names[plain]
    return matched


def _separates(character: str) -> bool:
    return unicodedata.category(character) in _SEPARATORS
