"""Which videos an import takes: those of lists, of the format itself, or of its folders."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import InputError
from ..lists import Entry, Names, read_list
from ..lists.classes import name_labels, read_classes
from ..lists.epic_pickle import entries_from_pickle
from ..lists.splits import split_in_name
from ..schema import SPLITS
from .source import FeatureSource

_GIVEN = re.compile(r"(train|val|test)=(.+)", re.DOTALL)


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
    trust_pickle: bool = False,
) -> Wanted:
    """Join the source's videos with labels and splits.

    Without lists, these come from the format itself, else from folders ``class/video`` or
    ``split/class/video``; videos in one folder stay unlabelled.

    Args:
        source: the features.
        lists: paths of lists, or ``train=PATH``, ``val=PATH``, ``test=PATH``. Without such a
            split it is the list's own, else that in the list's name.
        form: of the lists, None to recognise it.
        classes: class names of the lists' numbers.
        unlabelled: drop the labels.
        trust_pickle: that the user vouches for lists that are pickles.

    Raises:
        InputError: a list cannot be read, means nothing of the source, or contradicts another.
    """
    names = list(source.names())
    if lists:
        wanted = _of_lists(names, lists, form, classes, trust_pickle)
        parts = sum(entry.span is not None for entry in wanted.videos.values())
        if parts and source.every_frame:
            said = f"all frames are taken of {parts} videos of which the lists name a part"
            wanted = replace(wanted, notes=(*wanted.notes, said))
    else:
        entries = source.entries() or _of_folders(names)
        wanted = Wanted({entry.name: entry for entry in entries}, (), (), Names(names))
    if not names:
        raise InputError(f"{source.path} holds no video")
    if not wanted.videos:
        raise InputError(
            f"{source.path} holds none of the {len(wanted.unmatched)} videos listed "
            f"({wanted.explain(wanted.unmatched[0])}): give the folder or file of their features"
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
    trust_pickle: bool,
) -> Wanted:
    known, notes = Names(names), []
    videos: dict[str, Entry] = {}
    origin: dict[str, str] = {}
    unmatched = []
    for given in lists:
        match = _GIVEN.fullmatch(given)
        split, path = (match[1], Path(match[2])) if match else ("", Path(given))
        entries, note = _read(path, form, classes, trust_pickle)
        notes += [note] if note else []
        if not split and not any(entry.split for entry in entries):
            split = split_in_name(path)
            notes.append(f"{path}: {f'split {split}, by its name' if split else 'no split'}")
        for entry in entries:
            entry = replace(entry, split=split or entry.split)
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


def _read(
    path: Path, form: str | None, classes: Path | None, trust_pickle: bool
) -> tuple[list[Entry], str]:
    """The entries of a list, and a note about them."""
    if path.suffix != ".pkl":
        read = read_list(path, form=form, classes=classes)
        return read.entries, read.note
    entries = entries_from_pickle(path, trust=trust_pickle)
    if classes is None:
        return entries, ""
    return name_labels(entries, read_classes(classes), source=path, path=classes)


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
