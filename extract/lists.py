"""The videos to extract: a list file, a ``class/video`` tree, or a folder of unlabelled videos."""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..cache import InputError
from ..cache.schema import SPLITS
from .trees import read_tree

_SPLIT_NAMES = {"training": "train", "validation": "val", "valid": "val", "testing": "test"}


@dataclass(frozen=True)
class VideoItem:
    """One video to extract; ``label`` and ``split`` are "" where unknown."""

    id: str
    path: Path
    label: str
    split: str


def read_videos(
    source: str | Path, *, root: str | Path | None = None, unlabelled: bool = False
) -> list[VideoItem]:
    """Read which videos to extract.

    Args:
        source: one of
            - a csv file with a header naming ``path`` and, if known, ``label`` and ``split``;
            - a text file of ``path label`` or ``path`` lines (the label is the last word);
            - a folder ``class/video`` or ``split/class/video``;
            - a folder of unlabelled videos; a folder of frames counts as a video.
        root: folder that a list's paths are relative to; the list's own folder if None.
        unlabelled: drop labels, as where the sub-folders of a folder are not classes; a folder
            may then have any depth.

    Raises:
        InputError: nothing there, no video in it, a path that does not exist, a video named
            twice, or a split other than train, val and test.
    """
    source = Path(source)
    if source.is_dir():
        items = _read_folder(source, unlabelled=unlabelled)
    elif source.is_file():
        items = _read_list(source, Path(root) if root else source.parent)
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
    return [
        VideoItem(
            # A folder that is itself one video is called by its own name.
            printable(folder.resolve().name if entry.name == "." else entry.name),
            folder / entry.name,
            printable(entry.label),
            _split(entry.split, f"{folder / entry.name}: folder"),
        )
        for entry in read_tree(folder, unlabelled=unlabelled)
    ]


def _read_list(path: Path, root: Path) -> list[VideoItem]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
        rows = _csv_rows(lines)
    except (UnicodeDecodeError, csv.Error):
        raise InputError(f"{path} is not a text file: give a list or a folder of videos") from None
    if not any(line.strip() for line in lines):
        raise InputError(f"{path} is an empty file: it lists no videos")
    if rows is None and path.suffix.lower() == ".csv":
        raise InputError(
            f"{path} line 1: a csv list starts with a header that names the column path (and, if "
            f"known, label and split), not: {lines[0][:80]}"
        )
    if rows is None:
        rows = _text_rows(lines, root)
    if not rows:
        raise InputError(f"{path} lists no videos")
    missing = [(number, name) for number, name, *_ in rows if not _is_file(root / name)]
    if missing:
        number, name = missing[0]
        raise InputError(
            f"{path} line {number}: no such video: {root / name} ({len(missing)} of {len(rows)} "
            "missing): correct the path or give the videos' folder with --root"
        )
    return [
        VideoItem(_id(name, root), root / name, label, _split(split, f"{path} line {number}"))
        for number, name, label, split in rows
    ]


def _csv_rows(lines: list[str]) -> list[tuple[int, str, str, str]] | None:
    """Rows of (line number, path, label, split), or None where there is no ``path`` header."""
    reader = csv.DictReader(lines, skipinitialspace=True)
    columns = {name.strip().lower(): name for name in reader.fieldnames or () if name}
    if "path" not in columns:
        return None

    def cell(row: dict[str, str | None], column: str) -> str:
        return (row.get(columns.get(column, "")) or "").strip()

    return [
        (reader.line_num, cell(row, "path"), cell(row, "label"), cell(row, "split"))
        for row in reader
    ]


def _text_rows(lines: list[str], root: Path) -> list[tuple[int, str, str, str]]:
    rows = []
    for number, line in enumerate((line.strip() for line in lines), start=1):
        name, _, label = line.rpartition("\t" if "\t" in line else " ")
        if not line:
            continue
        if not name or _is_file(root / line):  # a path alone, which may hold spaces
            name, label = line, ""
        rows.append((number, name.strip().strip('"'), label.strip(), ""))
    return rows


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # no name that a file can have
        return False


def _id(name: str, root: Path) -> str:
    path = Path(name)
    if path.is_absolute() and path.is_relative_to(root.absolute()):
        path = path.relative_to(root.absolute())
    return path.as_posix()


def _split(name: str, where: str) -> str:
    split = _SPLIT_NAMES.get(name.lower(), name.lower())
    if split not in SPLITS:
        raise InputError(f"{where}: split '{name}' is not one of train, val, test")
    return split
