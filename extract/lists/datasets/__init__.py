"""Datasets as they are distributed: one file for each official layout."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ....cache import InputError
from ....cache.errors import unknown
from .. import Entry
from . import hmdb51, jester, kinetics, olympic, ucf50, ucf101
from .files import Files
from .found import Found, find

__all__ = ["LAYOUTS", "Found", "Layout", "read_dataset"]


@dataclass(frozen=True)
class Layout:
    """An official layout.

    Args:
        entries: reads the videos of a split, counted from 1, from the annotation files.
        splits: how many official splits there are.
        named_ids: the dataset names its videos by ids; else they are called by their paths.
    """

    entries: Callable[[Files, int], list[Entry]]
    splits: int = 1
    named_ids: bool = False


LAYOUTS = {
    "ucf101": Layout(ucf101.entries, splits=3),
    "ucf50": Layout(ucf50.entries),
    "hmdb51": Layout(hmdb51.entries, splits=3),
    "olympic": Layout(olympic.entries),
    "jester": Layout(jester.entries, named_ids=True),
    "kinetics": Layout(kinetics.entries),
}


def read_dataset(
    name: str,
    root: str | Path,
    *,
    split: int = 1,
    annotations: str | Path | None = None,
    strict: bool = False,
) -> Found:
    """The videos of a dataset with their official labels and splits.

    Args:
        name: one of `LAYOUTS`.
        root: folder that holds the videos, at any depth.
        split: which official split, from 1.
        annotations: folder of the annotation files; None where they lie below the root.
        strict: refuse a dataset of which videos are missing.

    Raises:
        InputError: no such dataset, split, folder or annotation file; none of the videos is there,
            or, if strict, not every one.
    """
    if name not in LAYOUTS:
        raise unknown("dataset", name, LAYOUTS)
    layout = LAYOUTS[name]
    if not 1 <= split <= layout.splits:
        official = ", ".join(str(number + 1) for number in range(layout.splits))
        raise InputError(f"{name} has no split {split}: its official splits are {official}")
    files = Files.below(Path(root), Path(annotations) if annotations else None)
    found = find(layout.entries(files, split), files, Path(root), named_ids=layout.named_ids)
    if strict and found.missing:
        raise InputError(f"{name}: {found}: get them or leave out --strict")
    return found
