"""The videos to extract: a list file, a ``class/video`` tree, or a folder of unlabelled videos."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..cache import InputError
from ..cache.lists import ReadList, read_list
from ..cache.lists.epic import video_of
from ..cache.lists.splits import read_split
from ..cache.lists.suffixes import VIDEO_SUFFIXES
from ..cache.schema import SPLITS
from .video_files import VideoFiles


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
    on_note: Callable[[str], None] = lambda note: None,
) -> list[VideoItem]:
    """Read which videos to extract.

    Args:
        source: one of
            - a list in one of the forms of docs/lists.md;
            - a folder ``class/video`` or ``split/class/video``;
            - a folder of unlabelled videos.
        root: folder that a list's paths are relative to; the list's own folder if None. A path
            that is not there means the file or folder of frames below it with a like name.
        unlabelled: drop labels, as where the sub-folders of a folder are not classes; a folder
            may then have any depth.
        form: of the list, where its shape does not tell.
        classes: class map that names a list's numbers.
        on_note: called with each line on what was not said but taken.

    Raises:
        InputError: nothing there, no video in it, a path that does not exist or could be several,
            a video named twice, or what `read_list` refuses.
    """
    source = Path(source)
    if source.is_dir():
        if form or classes:
            raise InputError(f"{source} is a folder: a form and class names are for lists")
        items = _read_folder(source, unlabelled=unlabelled)
    elif source.is_file():
        listed = read_list(source, form=form, classes=classes)
        if listed.note:
            on_note(listed.note)
        items = _find_videos(listed, source, Path(root) if root else source.parent, on_note)
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
    parts = [f"{len(items)} video{'s' * (len(items) != 1)}"]
    if classes:
        names = ", ".join(sorted(classes)[:8]) + ", ..." * (len(classes) > 8)
        parts.append(f"{len(classes)} class{'es' * (len(classes) != 1)} ({names})")
    if unlabelled:
        parts.append(f"{unlabelled} unlabelled" if classes else "unlabelled")
    parts.append(", ".join(f"{s} {splits[s]}" for s in SPLITS if splits[s]) or "no splits")
    return "; ".join(parts)


def printable(name: str) -> str:
    """A file's name as text; bytes that are no UTF-8 become ``\\xe9`` and the like."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def list_sha256(items: Sequence[VideoItem]) -> str:
    """Hash of ids, labels and splits."""
    rows = sorted(f"{item.id}\0{item.label}\0{item.split}\n" for item in items)
    return hashlib.sha256("".join(rows).encode()).hexdigest()


def _read_folder(folder: Path, *, unlabelled: bool) -> list[VideoItem]:
    paths = sorted(
        p
        for p in folder.rglob("*")
        if p.suffix.lower() in VIDEO_SUFFIXES
        and not any(part.startswith(".") for part in p.relative_to(folder).parts)
        and p.is_file()
    )
    if not paths:
        raise InputError(f"{folder} holds no video files ({' '.join(sorted(VIDEO_SUFFIXES))})")
    depths = {len(p.relative_to(folder).parts) for p in paths}
    if unlabelled:
        return [VideoItem(printable(p.relative_to(folder).as_posix()), p, "", "") for p in paths]
    if len(depths) > 1 or max(depths) > 3:
        raise InputError(
            f"{folder} mixes levels: its videos must all lie directly in it (unlabelled), "
            "in class/ or in split/class/ folders; or write a list, or say --unlabelled"
        )
    items = []
    for path in paths:
        *parents, _ = map(printable, path.relative_to(folder).parts)
        label = parents[-1] if parents else ""
        split = _split(parents[0], f"{path}: folder") if len(parents) == 2 else ""
        id_ = printable(path.relative_to(folder).as_posix())
        items.append(VideoItem(id_, path, label, split))
    return items


def _find_videos(
    listed: ReadList, source: Path, root: Path, on_note: Callable[[str], None]
) -> list[VideoItem]:
    files = VideoFiles(root)
    items, missing, alike = [], [], []
    for entry in listed.entries:
        name = video_of(entry.name) if listed.form == "epic" else entry.name
        where = f"{source} line {entry.line}"
        try:
            path, id_ = files.exact(name), _id(name, root)
            if path is None and (found := _alike(files, name, entry.label)):
                path, id_ = files.exact(found), printable(found)
                alike.append((name, id_))
            if path is None:
                missing.append((where, name))
                continue
            if entry.span:
                path, part = _part(path, entry.span)
                id_ = entry.name if listed.form == "epic" else id_ + part
        except InputError as error:
            raise InputError(f"{where}: {error}") from None
        items.append(VideoItem(id_, path, entry.label, entry.split))
    if missing:
        where, name = missing[0]
        out = ", which leads out of it" if files.leads_out(name) else ""
        near = "".join(f", the most alike is {near}" for near in files.nearest(name))
        raise InputError(
            f"{where}: no such video: {printable(str(root / name))[:300]}{out} "
            f"({len(missing)} of {len(listed.entries)} missing{near}): correct the path or give "
            "the videos' folder with --root"
        )
    if alike:
        on_note(
            f"{len(alike)} of {len(items)} videos were found below {root} by their names alone, as "
            f"{alike[0][1]} for {alike[0][0]}"
        )
    return items


def _alike(files: VideoFiles, name: str, label: str) -> str | None:
    found = files.alike(name, label=label)
    if len(found) > 1:
        raise InputError(f"{name} can be {found[0]} or {found[1]}: write its path in the list")
    return found[0] if found else None


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
    path = Path(name)
    if path.is_absolute() and path.is_relative_to(root.absolute()):
        path = path.relative_to(root.absolute())
    return path.as_posix()


def _split(name: str, where: str) -> str:
    try:
        return read_split(name)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
