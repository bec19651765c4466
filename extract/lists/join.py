"""Join the entries of lists with the names of videos that are there.

A name is matched by its path, else its last part (`Names.find`). A last part alone can lie: every
class may have its ``001.avi``. So a video means one name of the lists, and one that lies in another
class's folder is not meant.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from .entry import Entry
from .names import Names, folders, normalise, plain, stem, without_suffix

_SHOWN = 3
_DEEP = 16  # folders that are compared; a path may have thousands


@dataclass(frozen=True)
class Joined:
    """What entries mean.

    Args:
        found: of each entry the name that it means; None where none is, or it is not clear which.
        hits: what each entry may mean, by its name and label.
        elsewhere: what would be meant by it, but for the folder.
        claims: names in lists that mean what is there.
        names: of all that is there.
    """

    found: tuple[str | None, ...]
    hits: dict[tuple[str, str], list[str]]
    elsewhere: dict[tuple[str, str], list[str]]
    claims: dict[str, list[str]]
    names: Collection[str]

    def explain(self, entry: Entry) -> str:
        """Which names an entry without one may mean, as a question; "" if none is near."""
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
    """Find what each entry means.

    Of several names that an entry may mean, the ones count whose folders are most like its own, or
    named like its label. A name in the folder of another label, or of other entries, or outside
    the entry's own folder where that is there, is not meant. Of several entries that mean one
    name, the one written most alike has it; where none is, none has it.

    Args:
        entries: of one list or of several; they may repeat.
        names: of what is there, unique.
    """
    names = tuple(names)
    known = Names(names)
    tree = _Folders(
        there={path[-1] for path in map(folders, names) if path},
        listed={name for e in entries for name in (_folder(e.name), plain(e.label)) if name},
    )
    hits: dict[tuple[str, str], list[str]] = {}
    elsewhere: dict[tuple[str, str], list[str]] = {}
    for key, entry in {(entry.name, entry.label): entry for entry in entries}.items():
        hits[key], elsewhere[key] = tree.choose(entry, known.find(entry.name))
    claimed: dict[str, dict[str, None]] = defaultdict(dict)
    for (listed, _), like in hits.items():
        if len(like) == 1:
            claimed[like[0]][listed] = None
    claims = {name: [*claim] for name, claim in claimed.items()}
    owners = {name: _most_alike(name, claim) for name, claim in claims.items()}
    found = []
    for entry in entries:
        like = hits[entry.name, entry.label]
        mine = len(like) == 1 and owners[like[0]] == entry.name
        found.append(like[0] if mine else None)
    return Joined(tuple(found), hits, elsewhere, claims, names)


class _Folders:
    """What folders say of the names that an entry may mean.

    Args:
        there: last folders of the names that are there.
        listed: last folders and labels of the entries.
    """

    def __init__(self, there: set[str], listed: set[str]) -> None:
        self._there, self._listed = there, listed
        self._alike: dict[int, _Alike] = {}

    def choose(self, entry: Entry, names: list[str]) -> tuple[list[str], list[str]]:
        """Those that the entry means, and those that it would but for the folder.

        Args:
            entry: an entry.
            names: that are like its own, as `Names.find` keeps them.
        """
        if len(names) > 1:
            # Every class may have its 001.avi: no entry looks at each of these.
            if (alike := self._alike.get(id(names))) is None:
                alike = self._alike[id(names)] = _Alike(names, self._listed)
            nearest = alike.nearest(entry)
            if not nearest:
                return ([], names) if self._bound(entry) else (alike.free, alike.taken)
            names = nearest
        elsewhere = [name for name in names if self._forbid(entry, name)]
        return [name for name in names if name not in elsewhere], elsewhere

    def _forbid(self, entry: Entry, name: str) -> bool:
        """Whether ``name`` lies where another entry's video would."""
        folder, own, label = _folder(name), _folder(entry.name), plain(entry.label)
        if folder in (own, label or own):
            return False
        return folder in self._listed or self._bound(entry)

    def _bound(self, entry: Entry) -> bool:
        """Whether the entry is in its own folder or nowhere."""
        own = _folder(entry.name)
        if own in self._there:
            return True
        # Where folders are classes, a number says nothing without its class.
        return own != "" and own == plain(entry.label) and stem(entry.name).isdecimal()


class _Alike:
    """Names that differ in their folders, to find those that an entry means at once.

    Args:
        names: two or more.
        listed: last folders and labels of the entries.
    """

    def __init__(self, names: list[str], listed: set[str]) -> None:
        self.free = [name for name in names if _folder(name) not in listed]
        self.taken = [name for name in names if _folder(name) in listed]
        self._by_end: dict[tuple[str, ...], list[str]] = defaultdict(list)
        for name in names:
            for end in _ends(name):
                self._by_end[end].append(name)

    def nearest(self, entry: Entry) -> list[str]:
        """Those that share most of the last folders; one named like the label is shared, too."""
        most = next((end for end in _ends(entry.name) if end in self._by_end), ())
        near = self._by_end[most] if most else []
        label = (plain(entry.label),)
        if len(most) < 2 and label != most:
            near = near + self._by_end.get(label, [])
        return near


def _ends(name: str) -> list[tuple[str, ...]]:
    """The last folders of a path, the most first."""
    path = tuple(folders(name)[-_DEEP:])
    return [path[start:] for start in range(len(path))]


def _most_alike(name: str, claim: list[str]) -> str | None:
    """Which of the entries' names is written most like ``name``; None where two are."""
    if len(claim) == 1:
        return claim[0]
    best, second = sorted(_difference(listed, name) for listed in claim)[:2]
    alike = [listed for listed in claim if _difference(listed, name) == best]
    return alike[0] if best < second else None


def _difference(listed: str, name: str) -> tuple[bool, bool, bool, bool, int]:
    """How unlike two names are, the most telling first."""
    return (
        listed != name,
        without_suffix(listed) != without_suffix(name),
        stem(listed) != stem(name),
        normalise(listed) != normalise(name),
        -_same_at_the_end(folders(listed), folders(name)),
    )


def _same_at_the_end(a: list[str], b: list[str]) -> int:
    count = 0
    for x, y in zip(reversed(a), reversed(b), strict=False):
        if x != y:
            break
        count += 1
    return count


def _folder(name: str) -> str:
    """The last folder of a path, `plain`; "" if it has none."""
    return next(reversed(folders(name)), "")
