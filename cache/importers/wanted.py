"""Which videos an import takes: those of lists, of the format itself, or of its folders."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import InputError
from ..lists import Entry, Names, read_list
from ..schema import SPLITS
from .source import FeatureSource

_GIVEN = re.compile(r"(train|val|test)=(.+)", re.DOTALL)
_IN_NAME = re.compile(r"(?<![a-z])(train|val|test)(?=(list|ing|id|idation)?(?![a-z]))")


@dataclass(frozen=True)
class Wanted:
    """The videos to import.

    Args:
        videos: what is known of each, by the source's name.
        unmatched: names in lists that mean none of the source's videos, or several.
        notes: lines that say what was understood.
        names: all of the source's.
    """

    videos: dict[str, Entry]
    unmatched: tuple[str, ...]
    notes: tuple[str, ...]
    names: Names

    def explain(self, name: str) -> str:
        """Which videos an unmatched name may mean."""
        found = self.names.find(name)
        if len(found) > 1:
            return f"{name}: is that {' or '.join(found[:3])}?"
        near = self.names.nearest(name)
        return f"{name}: did you mean {near[0]}?" if near else name


def choose_videos(
    source: FeatureSource,
    lists: Sequence[str] = (),
    *,
    form: str | None = None,
    classes: Path | None = None,
    unlabelled: bool = False,
) -> Wanted:
    """Join the source's videos with labels and splits.

    Without lists, these come from the format itself, else from folders ``class/video`` or
    ``split/class/video``; videos in one folder stay unlabelled.

    Args:
        source: the features.
        lists: paths of lists, or ``train=PATH``, ``val=PATH``, ``test=PATH``. Without such a
            split it is the list's own, else that which the list is named after.
        form: of the lists, None to recognise it.
        classes: class names of the lists' numbers.
        unlabelled: drop the labels.

    Raises:
        InputError: a list cannot be read, means nothing of the source, or contradicts another.
    """
    names = list(source.names())
    if lists:
        wanted = _of_lists(names, lists, form, classes)
    else:
        entries = source.entries() or _of_folders(names)
        wanted = Wanted({entry.name: entry for entry in entries}, (), (), Names(names))
    if not wanted.videos:
        first = wanted.explain(wanted.unmatched[0]) if wanted.unmatched else "they are empty"
        raise InputError(
            f"{source.path} holds none of the {len(wanted.unmatched)} videos listed ({first}): "
            "give the folder or file that holds their features"
        )
    for name, entry in wanted.videos.items():
        _check_text(source, name, entry.label)
    if unlabelled:
        videos = {name: replace(entry, label="") for name, entry in wanted.videos.items()}
        wanted = replace(wanted, videos=videos)
    return wanted


def _of_lists(
    names: list[str],
    lists: Sequence[str],
    form: str | None,
    classes: Path | None,
) -> Wanted:
    known, notes = Names(names), []
    videos: dict[str, Entry] = {}
    origin: dict[str, str] = {}
    unmatched = []
    for given in lists:
        match = _GIVEN.fullmatch(given)
        split, path = (match[1], Path(match[2])) if match else ("", Path(given))
        read = read_list(path, form=form, classes=classes)
        entries, said = _split(read.entries, split, path)
        notes += [f"{path}: {line}" for line in (read.note, said) if line]
        for entry in entries:
            found = known.find(entry.name, label=entry.label)
            if len(found) != 1:
                unmatched.append(entry.name)
                continue
            here = f"{path} line {entry.line}"
            before = videos.setdefault(found[0], entry)
            if (before.label, before.split) != (entry.label, entry.split):
                raise InputError(
                    f"{here} gives {found[0]} label '{entry.label}', split '{entry.split}', but "
                    f"{origin[found[0]]} '{before.label}', '{before.split}': keep one of them"
                )
            origin.setdefault(found[0], here)
    if left_out := len(names) - len(videos):
        notes.append(f"{left_out} of {len(names)} videos are in no list and are left out")
    return Wanted(videos, tuple(unmatched), tuple(notes), known)


def _split(entries: Iterable[Entry], given: str, path: Path) -> tuple[list[Entry], str]:
    """Entries with the split that is given, else their own, else that in the list's name; and
    what was taken."""
    entries = list(entries)
    if given:
        return [replace(entry, split=given) for entry in entries], ""
    if any(entry.split for entry in entries):
        return entries, ""
    found = {match[1] for match in _IN_NAME.finditer(path.stem.lower())}
    if len(found) != 1:
        return entries, f"no split; to give one: train={path}"
    split = found.pop()
    other = "test" if split != "test" else "train"
    return (
        [replace(entry, split=split) for entry in entries],
        f"split {split}, by its name; to force another: {other}={path}",
    )


def _check_text(source: FeatureSource, *texts: str) -> None:
    """HDF5 holds UTF-8 without NULs."""
    for text in texts:
        if "\0" in text or text.encode(errors="replace").decode() != text:
            raise InputError(f"{source.path}: {text!r} is no name that can be stored: rename it")


def _of_folders(names: Iterable[str]) -> list[Entry]:
    """Labels and splits of ``class/video`` or ``split/class/video``; none of other trees."""
    parts = {name: name.split("/") for name in names}
    depths = {len(part) for part in parts.values()}
    if depths == {2}:
        return [Entry(name, label=part[0]) for name, part in parts.items()]
    if depths == {3} and {part[0] for part in parts.values()} <= set(SPLITS):
        return [Entry(name, part[1], part[0]) for name, part in parts.items()]
    return [Entry(name) for name in parts]
