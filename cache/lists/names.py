"""Match the names of a list with those of files, which toolkits rewrite.

HMDB51's ``kick_(CZE)_1!.avi`` is ``kick_CZE_1_`` in one published list, ``v_kick_(CZE)_1!`` in
another; a list's folders are those of its author's machine.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from pathlib import PurePosixPath

# A suffix, unlike the ".5" of a name that a number ends.
_SUFFIX = re.compile(r"\.(?:3gp|[a-z][a-z0-9]{0,4})$", re.IGNORECASE)
# Kinetics' clips carry their first and last second, or not.
_SECONDS = re.compile(r"_[0-9]{6}_[0-9]{6}$")


def normalise(name: str) -> str:
    """A name without folders and suffix, lower-case, all but letters and digits as one _."""
    return _plain(_SUFFIX.sub("", _last(name)))


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
            self._by_stem[_SUFFIX.sub("", _last(name))].append(name)
            self._by_normal[normalise(name)].append(name)
        self._by_normal.pop("", None)

    def find(self, name: str, *, label: str = "") -> list[str]:
        """The names that ``name`` can mean: one where it is clear, several or none where not.

        The first that holds counts: the same path, that without suffix, the same last part, the
        same when normalised, that without or with a ``v_`` before it, that without the seconds of
        a Kinetics clip. Of several, those in a folder named like ``name``'s own or ``label``.
        """
        if name in self._names:
            return [name]
        last = _last(name)
        stem, normal = _SUFFIX.sub("", last), normalise(name)
        tries = [
            *((self._by_path, key) for key in (name, _SUFFIX.sub("", name))),  # Dr.No has none
            *((self._by_stem, key) for key in (last, stem)),
            *((self._by_normal, key) for key in (_plain(last), normal)),
            *((self._by_normal, key) for key in (normal.removeprefix("v_"), f"v_{normal}")),
            (self._by_stem, _SECONDS.sub("", stem)),
        ]
        found = next((names[key] for names, key in tries if key in names), [])
        if len(found) > 1:
            folders = {normalise(PurePosixPath(name).parent.name), normalise(label)} - {""}
            near = [n for n in found if normalise(PurePosixPath(n).parent.name) in folders]
            return near or found
        return found

    def nearest(self, name: str, *, count: int = 1) -> list[str]:
        """Names most like ``name``, for messages."""
        near = difflib.get_close_matches(normalise(name), self._by_normal, n=count)
        return [found for key in near for found in self._by_normal[key]][:count]


def _last(name: str) -> str:
    """The last part of a path."""
    return name.replace("\\", "/").rstrip("/").rpartition("/")[2]


def _plain(stem: str) -> str:
    stem = unicodedata.normalize("NFKC", stem)  # macOS writes ü as two characters
    return re.sub(r"[\W_]+", "_", stem.lower()).strip("_")
