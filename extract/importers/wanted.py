"""Which videos an import takes: those of lists, of the format itself, or of its folders."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ...cache.errors import InputError
from ...cache.schema import SPLITS
from ..lists import Entry, Joined, join, read_list
from ..lists.entries.entry import check_same
from ..lists.entries.labels import known_labels
from ..lists.entries.splits import split_in_name
from .formats.source import FeatureSource

_GIVEN = re.compile(r"(train|val|test)=(.+)", re.DOTALL)


@dataclass(frozen=True)
class Wanted:
    """The videos to import.

    Args:
        videos: what is known of each, by the source's name.
        unmatched: entries of lists that mean none of the source's videos, or it is not clear which.
        notes: lines that say what was understood.
        joined: what the lists' entries mean.
    """

    videos: dict[str, Entry]
    unmatched: tuple[Entry, ...]
    notes: tuple[str, ...]
    joined: Joined

    def explain(self, entry: Entry) -> str:
        """An unmatched name, and which videos it may mean."""
        reason = self.joined.explain(entry)
        return f"{entry.name}: {reason}" if reason else entry.name


def choose_videos(
    source: FeatureSource,
    lists: Sequence[str] = (),
    *,
    form: str | None = None,
    classes: Path | None = None,
    classes_from: int | None = None,
    unlabelled: bool = False,
    trust_pickle: bool = False,
) -> Wanted:
    """Join the source's videos with labels and splits.

    Without lists, these come from the format itself, else from folders ``class/video`` or
    ``split/class/video``; videos that are all in one folder stay unlabelled.

    Args:
        source: the features.
        lists: paths of lists, or ``train=PATH``, ``val=PATH``, ``test=PATH``. Without such a
            split it is the list's own, else that in the list's name.
        form: of the lists, None to recognise it.
        classes: class names of the lists' numbers.
        classes_from: number of the first of these in all lists; None if they count as it does.
        unlabelled: drop the labels.
        trust_pickle: that the user vouches for lists that are pickles.

    Raises:
        InputError: a list cannot be read, means nothing of the source, contradicts another, or has
            no split where another has one.
    """
    names = list(source.names())
    if not lists and (form or classes or classes_from is not None):
        raise InputError("--list-form, --classes and --classes-from are for a --list: give one")
    if lists:
        wanted = _of_lists(names, lists, form, classes, classes_from, trust_pickle)
        parts = sum(entry.span is not None for entry in wanted.videos.values())
        if parts and source.every_frame:
            said = f"all frames are taken of {parts} videos of which the lists name a part"
            wanted = replace(wanted, notes=(*wanted.notes, said))
    else:
        entries, meant = known_labels(source.entries())
        videos = {entry.name: entry for entry in entries or _of_folders(names)}
        wanted = Wanted(videos, (), tuple(meant), join((), ()))
    if not names:
        raise InputError(f"{source.path} holds no video")
    if not wanted.videos:
        raise InputError(
            f"{source.path} holds none of the {len(wanted.unmatched)} videos listed "
            f"({wanted.explain(wanted.unmatched[0])}): give the folder or file of their features"
        )
    for name, entry in wanted.videos.items():
        if not name:
            raise InputError(f"{source.path} has a video without a name: give it one")
        _check_text(source, name, entry.label)
    if unlabelled:
        videos = {name: replace(entry, label="") for name, entry in wanted.videos.items()}
        wanted = replace(wanted, videos=videos)
    return replace(wanted, notes=(*source.notes, *wanted.notes))


def _of_lists(
    names: list[str],
    lists: Sequence[str],
    form: str | None,
    classes: Path | None,
    classes_from: int | None,
    trust_pickle: bool,
) -> Wanted:
    notes, entries = [], []
    with_split: dict[bool, Path] = {}  # a list that has one, and a list that has none
    for given in lists:
        match = _GIVEN.fullmatch(given)
        split, path = (match[1], Path(match[2])) if match else ("", Path(given))
        listed = read_list(
            path,
            form=form,
            classes=classes,
            classes_from=classes_from,
            trust_pickle=trust_pickle,
        )
        read = listed.entries
        notes += [listed.note] if listed.note else []
        if not split and not any(entry.split for entry in read):
            split = split_in_name(path)
            notes.append(f"{path}: {f'split {split}, by its name' if split else 'no split'}")
        with_split[bool(split) or any(entry.split for entry in read)] = path
        entries += [replace(entry, split=split or entry.split) for entry in read]
    if len(with_split) == 2:
        raise InputError(
            f"{with_split[False]} gives its videos no split, but {with_split[True]} does: say "
            f"train={with_split[False]}, or val= or test="
        )
    joined = join(entries, names)
    videos: dict[str, Entry] = {}
    unmatched = []
    for entry, name in zip(entries, joined.found, strict=True):
        if name is None:
            unmatched.append(entry)
            continue
        check_same(name, videos.setdefault(name, entry), entry)
    if left_out := len(names) - len(videos):
        notes.append(f"{left_out} of {len(names)} videos are in no list and are left out")
    return Wanted(videos, tuple(unmatched), tuple(notes), joined)


def _check_text(source: FeatureSource, *texts: str) -> None:
    """HDF5 holds UTF-8 without NULs."""
    for text in texts:
        if "\0" in text or text.encode(errors="replace").decode() != text:
            raise InputError(f"{source.path}: {text!r} cannot be stored as a name: rename it")


def _of_folders(names: Iterable[str]) -> list[Entry]:
    """Labels and splits of ``class/video`` or ``split/class/video``; none of other trees.

    A folder that all videos are in is no class: it may be called ``RGB-feature``.
    """
    parts = {name: name.split("/") for name in names}
    depths = {len(part) for part in parts.values()}
    if depths == {2} and len({part[0] for part in parts.values()}) > 1:
        return [Entry(name, label=part[0]) for name, part in parts.items()]
    if depths == {3} and {part[0] for part in parts.values()} <= set(SPLITS):
        return [Entry(name, part[1], part[0]) for name, part in parts.items()]
    return [Entry(name) for name in parts]
