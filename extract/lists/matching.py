"""Match the names in lists with those of the videos that are there.

An exact path counts first, then a normalised name that is unique: toolkits rewrite names (HMDB51's
``kick_(CZE)_1!.avi`` is ``kick_CZE_1_`` in one published list, ``v_kick_(CZE)_1!`` in another), and
a list's folders are those of its author's machine. Where several videos share a name, as every
class may have its ``001.avi``, the folders above it or the label must tell them apart.
"""

from __future__ import annotations

import difflib
import heapq
import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property, lru_cache

from .entries.entry import Entry
from .entries.suffixes import KNOWN_SUFFIXES

_SHOWN = 3  # names that an explanation lists
_DEPTH = 4  # parts at the end of a path that are compared: the name and three folders
_FEW = 20  # videos of one name that are looked at one by one
_COMPARED = 1000  # names that are compared for a hint: difflib takes half a second for 10,000
_SEPARATORS = re.compile(r"[\W_]+")
_NOT_BETWEEN_DIGITS = re.compile(r"(?<![0-9])_|_(?![0-9])")
_SECONDS = re.compile(r"_[0-9]{6}_[0-9]{6}$")  # that Kinetics' clips carry, or not

Key = tuple[str, str]  # an entry's name and label


def normalise(text: str) -> str:
    """The letters and digits of a text in lower case, without a ``v_`` at its start.

    Of what is between them, only a separator of two numbers is kept, as ``_``: ``P01_11_0`` and
    ``P01_1_10`` are two names.
    """
    text = unicodedata.normalize("NFKC", text)  # macOS writes ü as two characters
    words = _SEPARATORS.sub("_", text.lower()).strip("_").removeprefix("v_")
    return _NOT_BETWEEN_DIGITS.sub("", words)


def without_suffix(name: str) -> str:
    """A name without suffixes of videos, images or features; ``S01.cam2`` has none."""
    head, dot, suffix = name.rpartition(".")
    while dot and f".{suffix}".lower() in KNOWN_SUFFIXES:
        name = head
        head, dot, suffix = name.rpartition(".")
    return name


class Match(IntEnum):
    """How a name was found, the surest way first."""

    PATH = 0  # exactly
    STEM = 1  # the path without the suffix of a video, an image or features
    FOLDER = 2  # the normalised name below the same folders, as many as agree
    LABEL = 3  # the normalised name in a folder called like the label
    NAME = 4  # the normalised name alone
    CLIP = 5  # the normalised name without the seconds of a Kinetics clip


@dataclass(frozen=True)
class Hits:
    """Videos that a name may mean, and how they were found."""

    names: Sequence[str] = ()
    match: Match = Match.PATH


class Names:
    """Names of the videos that are there.

    Args:
        names: paths or ids, unique.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._names = set(names)
        self._by_path: dict[str, list[str]] = defaultdict(list)  # without suffix
        self._by_end: dict[tuple[str, ...], list[str]] = defaultdict(list)  # normalised
        self.folders: set[str] = set()  # last ones, normalised
        for name in sorted(self._names):
            self._by_path[without_suffix(name)].append(name)
            parts = _parts(name)
            self.folders.update(parts[-2:-1])
            for depth in range(1, min(len(parts), _DEPTH) + 1):
                self._by_end[parts[-depth:]].append(name)

    def find(self, name: str, label: str = "") -> Hits:
        """The videos that a listed name may mean: one where it is clear, several or none where not.

        The first `Match` that finds any counts; folder and label have the same say.
        """
        if name in self._names:
            return Hits([name])
        if found := self._by_path.get(without_suffix(name)):
            return Hits(found, Match.STEM)
        parts = _parts(name)
        if not parts[-1]:
            return Hits()
        for depth in range(min(len(parts), _DEPTH), 2, -1):
            if found := self._by_end.get(parts[-depth:]):
                return Hits(_alike(name, found), Match.FOLDER)
        of_folder = self._by_end.get(parts[-2:], []) if len(parts) > 1 else []
        of_label = self._by_end.get((_normalised(label), parts[-1]), []) if label else []
        if found := [*of_folder, *(other for other in of_label if other not in of_folder)]:
            return Hits(_alike(name, found), Match.FOLDER if of_folder else Match.LABEL)
        if found := self._by_end.get(parts[-1:]):
            return Hits(_alike(name, found), Match.NAME)
        clip = normalise(_SECONDS.sub("", without_suffix(_last(name))))
        return Hits(self._by_end.get((clip,), ()) if clip else (), Match.CLIP)

    def nearest(self, name: str) -> str | None:
        """The name most like ``name``, for messages. No number is near another.

        Of very many names those are compared that share most words with it.
        """
        words = set(_SEPARATORS.split(without_suffix(_last(name)).lower()))
        if "".join(words).isdecimal():
            return None
        ends = [end[0] for end in self._by_end if len(end) == 1 and end[0]]
        likely = heapq.nlargest(
            _COMPARED, ends, key=lambda end: sum(len(w) for w in words if w in end)
        )
        near = difflib.get_close_matches(normalise(without_suffix(_last(name))), likely, n=1)
        return self._by_end[(near[0],)][0] if near else None


@dataclass(frozen=True)
class Joined:
    """What entries mean.

    Args:
        found: for each entry the name of its video; None where there is none, or it is not clear.
        hits: videos that each entry may mean.
        elsewhere: videos that it would mean if they were not in another class's folder.
        claims: listed names that mean each video.
        names: of all videos that are there.
    """

    found: tuple[str | None, ...]
    hits: dict[Key, Sequence[str]]
    elsewhere: dict[Key, Sequence[str]]
    claims: dict[str, list[str]]
    names: Collection[str]

    def explain(self, entry: Entry) -> str:
        """Which videos an entry without one may mean, as a question; "" if none is near."""
        key = entry.name, entry.label
        hits = self.hits[key]
        if len(hits) > 1:
            return f"is that {' or '.join(hits[:_SHOWN])}?"
        if hits:
            others = [name for name in self.claims[hits[0]] if name != entry.name]
            return f"is that {hits[0]}{f', which {others[0]} can mean too' if others else ''}?"
        near = next(iter(self.elsewhere[key]), None) or self._spare.nearest(entry.name)
        return f"did you mean {near}?" if near else ""

    @cached_property
    def _spare(self) -> Names:
        return Names(name for name in self.names if name not in self.claims)


def join(entries: Sequence[Entry], names: Iterable[str]) -> Joined:
    """Find the video of each entry.

    A video found by its name alone is not taken if it lies in the folder of another label or of
    other entries, or if the entry's own folder is there. Of several names in lists that mean one
    video, the one found most surely has it; where two are, none has it.

    Args:
        entries: of one list or of several; they may repeat.
        names: of the videos that are there, unique.
    """
    names = tuple(names)
    there = Names(names)
    listed = {_folder(entry.name) for entry in entries} | {_normalised(e.label) for e in entries}
    hits: dict[Key, Sequence[str]] = {}
    elsewhere: dict[Key, Sequence[str]] = {}
    claims: dict[str, dict[str, Match]] = defaultdict(dict)  # by listed names
    for key, entry in {(entry.name, entry.label): entry for entry in entries}.items():
        found = there.find(entry.name, entry.label)
        hits[key], elsewhere[key] = found.names, ()
        if found.match >= Match.NAME:  # the folders had no say
            hits[key], elsewhere[key] = _by_folder(entry, found.names, there.folders, listed)
        if len(hits[key]) == 1:
            claim = claims[hits[key][0]]
            claim[entry.name] = min(found.match, claim.get(entry.name, found.match))
    owners = {name: _surest(claim) for name, claim in claims.items()}
    taken = [
        like[0] if len(like) == 1 and owners[like[0]] == entry.name else None
        for entry in entries
        for like in (hits[entry.name, entry.label],)
    ]
    return Joined(
        tuple(taken), hits, elsewhere, {n: [*claim] for n, claim in claims.items()}, names
    )


def _by_folder(
    entry: Entry, names: Sequence[str], there: set[str], listed: set[str]
) -> tuple[Sequence[str], Sequence[str]]:
    """Those that the entry may mean, and those that it would but for their folder.

    Args:
        entry: an entry.
        names: found by its name alone.
        there: folders that hold videos.
        listed: folders and labels of all entries.
    """
    own, label = _folder(entry.name), _normalised(entry.label)
    # Where folders are classes, a number says nothing without its class.
    is_number = without_suffix(_last(entry.name)).isdecimal()
    if own and (own in there or (own == label and is_number)):
        return (), names
    if len(names) > _FEW:
        return names, ()
    folders = {name: _folder(name) for name in names}
    elsewhere = [n for n, f in folders.items() if f in listed and f not in ("", own, label)]
    return [name for name in names if name not in elsewhere], elsewhere


def _surest(claim: dict[str, Match]) -> str | None:
    """Which of the listed names was found in the surest way; None where two were."""
    best = min(claim.values())
    surest = [name for name, match in claim.items() if match == best]
    return surest[0] if len(surest) == 1 else None


def _alike(name: str, found: list[str]) -> list[str]:
    """Of a few videos of one normalised name those whose file is written like it, if there are
    such: with its suffix, else without."""
    if not 1 < len(found) <= _FEW:
        return found
    last = _last(name)
    same = [other for other in found if _last(other) == last]
    stem = without_suffix(last)
    return same or [other for other in found if without_suffix(_last(other)) == stem] or found


def _parts(name: str) -> tuple[str, ...]:
    """The parts of a path, normalised, the last without suffix."""
    *folders, last = _path(name).split("/")
    return (*map(_normalised, folders), normalise(without_suffix(last)))


_normalised = lru_cache(maxsize=2**16)(normalise)  # thousands of names share a folder or label


def _folder(name: str) -> str:
    """The last folder of a path, normalised; "" if it has none."""
    return next((_normalised(part) for part in _path(name).split("/")[-2:-1]), "")


def _path(name: str) -> str:
    return name.replace("\\", "/").rstrip("/")


def _last(name: str) -> str:
    """The last part of a path."""
    return _path(name).rpartition("/")[2]
