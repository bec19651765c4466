"""Match the names of a list with those of files, which toolkits rewrite.

HMDB51's ``kick_(CZE)_1!.avi`` is ``kick_CZE_1_`` in one published list and ``kick_(CZE)_1!`` in
another; a list's folders are those of its author's machine.
"""

from __future__ import annotations

import difflib
import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import PurePosixPath

# A suffix, unlike the ".5" of a name that a number ends.
_SUFFIX = re.compile(r"\.[a-z][a-z0-9]{0,4}$", re.IGNORECASE)


def normalise(name: str) -> str:
    """A name without folders and suffix, lower-case, other characters than a-z and 0-9 as one _."""
    return re.sub(r"[^0-9a-z]+", "_", _stem(name).lower()).strip("_")


class Names:
    """Names that exist, to find those that a list means.

    Args:
        names: paths or ids, unique.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._names = set(names)
        self._by_path: dict[str, list[str]] = defaultdict(list)
        self._by_stem: dict[str, list[str]] = defaultdict(list)
        self._by_normal: dict[str, list[str]] = defaultdict(list)
        for name in sorted(self._names):
            self._by_path[_SUFFIX.sub("", name)].append(name)
            self._by_stem[_stem(name)].append(name)
            self._by_normal[normalise(name)].append(name)

    def find(self, name: str, *, label: str = "") -> list[str]:
        """The names that ``name`` can mean: one where it is clear, several or none where not.

        The first that holds counts: the same path, that without suffix, the same last part, the
        same when normalised. Of several, those in a folder named like ``name``'s own or ``label``.
        """
        if name in self._names:
            return [name]
        found = (
            self._by_path.get(_SUFFIX.sub("", name))
            or self._by_stem.get(_stem(name))
            or self._by_normal.get(normalise(name), [])
        )
        if len(found) > 1:
            folders = {normalise(PurePosixPath(name).parent.name), normalise(label)} - {""}
            near = [n for n in found if normalise(PurePosixPath(n).parent.name) in folders]
            return near or found
        return found

    def nearest(self, name: str, *, count: int = 1) -> list[str]:
        """Names most like ``name``, for messages."""
        near = difflib.get_close_matches(normalise(name), self._by_normal, n=count)
        return [found for key in near for found in self._by_normal[key]][:count]


def _stem(name: str) -> str:
    """The last part of a path, without suffix."""
    return _SUFFIX.sub("", name.replace("\\", "/").rstrip("/").rpartition("/")[2])
