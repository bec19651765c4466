"""The videos to extract: a list file, a ``class/video`` tree, or a folder of unlabelled videos."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from ...cache.common.counts import counted
from ...cache.errors import InputError, printable
from ...cache.schema import SPLITS
from . import Entry, ReadList, read_list
from .entries.splits import read_split
from .folders.cameras import about_cameras
from .folders.classes import entries_of
from .folders.passed import describe_passed_over
from .folders.tree import walk
from .folders.videos import VideoFiles
from .forms.epic import video_of
from .labels import Labels
from .matching import join


@dataclass(frozen=True)
class VideoItem:
    """One video to extract; ``label`` and ``split`` are "" where unknown."""

    id: str
    path: Path
    label: str
    split: str


def read_videos(
    source: str | Path,
    *,
    root: str | Path | None = None,
    unlabelled: bool = False,
    form: str | None = None,
    classes: str | Path | None = None,
    classes_from: int | None = None,
    trust_pickle: bool | None = None,
    on_note: Callable[[str], None] = lambda note: None,
) -> list[VideoItem]:
    """Read which videos to extract.

    Args:
        source: one of
            - a list in one of the forms of docs/lists.md;
            - a folder ``class/video`` or ``split/class/video``;
            - a folder of unlabelled videos; a folder of frames counts as a video.
        root: folder that a list's paths are relative to; the list's own folder if None. A path
            that is not there means the file or folder of frames below it with a like name.
        unlabelled: drop labels, as where the sub-folders of a folder are not classes; a folder
            may then have any depth.
        form: of the list, where its shape does not tell.
        classes: class map that names a list's numbers.
        classes_from: number of the map's first class in the list; None if it counts as the map.
        trust_pickle: that the user vouches for a list that is a pickle; None to take none.
        on_note: called with each line on what was not said but taken.

    Raises:
        InputError: nothing there, no video in it, a path that does not exist or could be several,
            a video named twice, or what `read_list` refuses.
    """
    source = Path(source)
    if source.is_dir():
        if form or classes or classes_from is not None:
            raise InputError(f"{source} is a folder: a form and class names are for lists")
        items = _read_folder(source, on_note, unlabelled=unlabelled)
    elif source.exists():  # a pipe may be a list too
        if trust_pickle is None and source.suffix == ".pkl":
            raise InputError(
                f"{source} is a pickle, which tcon extract and tcon import alone read: write it as "
                "csv with DataFrame.to_csv"
            )
        listed = read_list(
            source,
            form=form,
            classes=classes,
            classes_from=classes_from,
            trust_pickle=bool(trust_pickle),
        )
        if listed.note:
            on_note(listed.note)
        start = source.parent if source.is_file() else Path()
        items = _find_videos(listed, source, Path(root) if root else start, on_note)
    else:
        raise InputError(f"no such list or folder: {source}")
    name, times = Counter(item.id for item in items).most_common(1)[0]
    if times > 1:
        raise InputError(f"{source}: {name} is listed {times} times: keep one line of it")
    return [replace(item, label="") for item in items] if unlabelled else items


def describe(items: Sequence[VideoItem]) -> str:
    """One line that says what was understood: videos, classes, splits."""
    classes = Counter(item.label for item in items if item.label)
    splits = Counter(item.split for item in items if item.split)
    unlabelled = len(items) - classes.total()
    parts = [counted(len(items), "video")]
    if classes:
        names = ", ".join(sorted(classes)[:8]) + ", ..." * (len(classes) > 8)
        parts.append(f"{counted(len(classes), 'class')} ({names})")
    if unlabelled:
        parts.append(f"{unlabelled} unlabelled" if classes else "unlabelled")
    parts.append(", ".join(f"{s} {splits[s]}" for s in SPLITS if splits[s]) or "no splits")
    return "; ".join(parts)


def labels_of(items: Sequence[VideoItem]) -> Labels:
    """Labels and splits by ids."""
    return {item.id: (item.label, item.split) for item in items}


def _read_folder(
    folder: Path, on_note: Callable[[str], None], *, unlabelled: bool
) -> list[VideoItem]:
    tree = walk(folder)
    entries = entries_of(tree, folder, unlabelled=unlabelled)
    if passed := describe_passed_over(tree.passed):
        on_note(f"{printable(str(folder))}: passed over {passed}")
    if question := about_cameras({entry.label for entry in entries}):
        on_note(question)
    return [
        VideoItem(
            # A folder that is itself one video is called by its own name.
            printable(folder.resolve().name if entry.name == "." else entry.name),
            folder / entry.name,
            printable(entry.label),
            _split(
                entry.split,
                f"{folder / entry.name}: folder",
                hint=" (for folders of cameras or days: --unlabelled; for a dataset as it is "
                "downloaded: --dataset NAME --root DIR)",
            ),
        )
        for entry in entries
    ]


def _find_videos(
    listed: ReadList, source: Path, root: Path, on_note: Callable[[str], None]
) -> list[VideoItem]:
    files, epic = VideoFiles(root), listed.form == "epic"
    entries = [
        replace(entry, name=_id(video_of(entry.name) if epic else entry.name, root))
        for entry in listed.entries
    ]
    exact: dict[str, Path] = {}
    for entry in entries:
        with _at(source, entry):
            if path := files.exact(entry.name):
                exact[entry.name] = path
    complete = all(entry.name in exact for entry in entries)
    joined = join(entries, exact if complete else {*exact, *files.names()})
    items, missing, alike = [], [], []
    files_of: dict[Path, str] = {}  # ids by where the file is
    resolve = cache(Path.resolve)
    for action, entry, found in zip(listed.entries, entries, joined.found, strict=True):
        with _at(source, entry):
            path = (exact.get(found) or files.exact(found)) if found else None
            if found is None or path is None:
                missing.append(entry)
                continue
            id_ = printable(found)
            if found not in exact:
                alike.append((entry.name, id_))
            if entry.span:
                path, part = _part(path, entry.span)
                id_ = action.name if epic else id_ + part
            elif (same := files_of.setdefault(resolve(path.parent) / path.name, id_)) != id_:
                raise InputError(f"{id_} is the file {same}, which is listed too: keep one of them")
        items.append(VideoItem(id_, path, entry.label, entry.split))
    if missing:
        first = missing[0]
        out = ", which leads out of it" if files.leads_out(first.name) else ""
        near = f"; {reason}" if (reason := joined.explain(first)) else ""
        if between := next((mark for mark in ";|" if mark in first.name), ""):
            near += f"; cells with {between} between them need a header: path{between}label"
        raise InputError(
            f"{source} line {first.line}: no such video: {printable(str(root / first.name))[:300]}"
            f"{out} ({len(missing)} of {len(entries)} missing{printable(near)}): correct the path "
            "or give the videos' folder with --root"
        )
    if alike:
        on_note(
            f"{len(alike)} of {len(items)} videos were found below {root} by their names alone, as "
            f"{alike[0][1]} for {alike[0][0]}"
        )
    return items


@contextmanager
def _at(source: Path, entry: Entry) -> Iterator[None]:
    """Say of which line an error is."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{source} line {entry.line}: {error}") from None


def _part(path: Path, span: tuple[int, int]) -> tuple[Path, str]:
    """A part of a folder of frames as the decoders name it, and what that adds to the name."""
    if path.is_file():
        raise InputError(
            f"{path} is a video file: frames {span[0]} to {span[1]} can be taken of a folder of "
            "frames alone"
        )
    part = f"#frames={span[0]}-{span[1]}"
    return path.with_name(path.name + part), part


def _id(name: str, root: Path) -> str:
    """A path as it is below the root, however it is written."""
    path, above = os.path.normpath(name), os.path.join(os.path.abspath(root), "")
    return Path(path.removeprefix(above)).as_posix()


def _split(name: str, where: str, *, hint: str = "") -> str:
    try:
        return read_split(name)
    except InputError as error:
        raise InputError(f"{where}: {error}{hint}") from None
