"""Match the names of a list with those of files, which toolkits rewrite.

HMDB51's ``kick_(CZE)_1!.avi`` is ``kick_CZE_1_`` in one published list, ``v_kick_(CZE)_1!`` in
another, and ``Alive(Request)`` may lose its brackets; a list's folders are those of its author's
machine.
"""

from __future__ import annotations

import difflib
import heapq
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache

from .suffixes import KNOWN_SUFFIXES

_COMPARED = 1000  # names: difflib takes half a second for 10,000
_NO_LETTERS = re.compile(r"[\W_]+")
# ``P01_11_0`` and ``P01_1_10`` stay two names.
_NOT_BETWEEN_DIGITS = re.compile(r"(?<![0-9])_|_(?![0-9])")
# Kinetics' clips carry their first and last second, or not.
_SECONDS = re.compile(r"_[0-9]{6}_[0-9]{6}$")


def normalise(name: str) -> str:
    """A name without folders and suffix, lower-case, all but letters and digits as one _."""
    return plain(stem(name))


def plain(text: str) -> str:
    """Lower-case, all but letters and digits as one _, none of them at the ends."""
    text = unicodedata.normalize("NFKC", text)  # macOS writes ü as two characters
    return _NO_LETTERS.sub("_", text.lower()).strip("_")


def without_suffix(name: str) -> str:
    """A name without the suffix of a video, an image or features; ``S01.cam2`` has none."""
    head, dot, suffix = name.rpartition(".")
    return head if dot and f".{suffix}".lower() in KNOWN_SUFFIXES else name


def stem(name: str) -> str:
    """The last part of a path, without suffix."""
    return without_suffix(_last(name))


def folders(name: str) -> list[str]:
    """The folders of a path, outermost first, each `plain`."""
    return [_folder(part) for part in name.replace("\\", "/").rstrip("/").split("/")[:-1]]


_folder = lru_cache(maxsize=2**16)(plain)  # thousands of names share a folder


class Names:
    """Names that exist, to find those that a list means. Each is known with its suffix and without.

    Args:
        names: paths or ids, unique.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._names = set(names)
        self._by_path: dict[str, list[str]] = defaultdict(list)
        self._by_last: dict[str, list[str]] = defaultdict(list)
        self._by_plain: dict[str, list[str]] = defaultdict(list)
        by_letters: dict[str, list[str]] = defaultdict(list)
        for name in sorted(self._names):
            for written in {name, without_suffix(name)}:
                self._by_path[written].append(name)
                self._by_last[_last(written)].append(name)
            for written in {plain(_last(name)), normalise(name)} - {""}:
                self._by_plain[written].append(name)
            by_letters[_letters(normalise(name))].append(name)
        self._by_letters = {key: names for key, names in by_letters.items() if len(names) == 1}

    def find(self, name: str) -> list[str]:
        """The names that ``name`` can mean: one where it is clear, several or none where not.

        The first that holds counts: the same path, that without suffix, the same last part, the
        same when normalised, that without or with a ``v_`` before it, that without the seconds of
        a Kinetics clip, the only one of the same letters.
        """
        if name in self._names:
            return [name]
        return next((names[key] for names, key in self._tries(name) if key and key in names), [])

    def _tries(self, name: str) -> Iterator[tuple[dict[str, list[str]], str]]:
        yield self._by_path, name
        yield self._by_path, without_suffix(name)
        last = _last(name)
        short = without_suffix(last)
        yield self._by_last, last
        yield self._by_last, short
        yield self._by_plain, plain(last)
        normal = plain(short)
        yield self._by_plain, normal
        others = normal.removeprefix("v_"), f"v_{normal}"
        yield from ((self._by_plain, other) for other in others)
        yield self._by_last, _SECONDS.sub("", short)
        yield from ((self._by_letters, _letters(other)) for other in (normal, *others))

    def nearest(self, name: str) -> str | None:
        """The name most like ``name``, for messages. No number is near another.

        Of very many names those are compared that share most words with it.
        """
        normal = normalise(name)
        if normal.replace("_", "").isdecimal():
            return None
        words = set(normal.split("_"))
        likely = heapq.nlargest(
            _COMPARED, self._by_plain, key=lambda name: sum(map(len, words & {*name.split("_")}))
        )
        near = difflib.get_close_matches(normal, likely, n=1)
        return self._by_plain[near[0]][0] if near else None


def _letters(normal: str) -> str:
    """The letters and digits of a normalised name, run together but for two numbers."""
    return _NOT_BETWEEN_DIGITS.sub("", normal)


def _last(name: str) -> str:
    """The last part of a path."""
    return name.replace("\\", "/").rstrip("/").rpartition("/")[2]
