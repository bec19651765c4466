"""What lies below a folder and is not read, and why: nothing is passed over without a word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from ....cache.errors import printable

_SHOWN = 3  # paths
_SHOWN_SUFFIXES = 8


class Reason(Enum):
    """Why something is not read: what it is called alone, and where there are several."""

    NO_VIDEO = ("file that holds no video", "files that hold no video")
    EMPTY = ("empty folder", "empty folders")
    HIDDEN = ("hidden or system entry", "hidden or system entries")
    NOWHERE = ("link that leads nowhere", "links that lead nowhere")
    AGAIN = ("link to a folder that is read already", "links to folders that are read already")
    UNREADABLE = ("entry that cannot be read", "entries that cannot be read")
    SPECIAL = ("pipe, socket or device", "pipes, sockets or devices")


@dataclass(frozen=True)
class PassedOver:
    """A file, folder or link that is not read.

    Args:
        reason: why.
        path: relative to the folder that was looked through.
    """

    reason: Reason
    path: str


def describe_passed_over(passed: Sequence[PassedOver]) -> str:
    """How many there are for each reason, and which: "" if there are none."""
    by_reason = {reason: [p.path for p in passed if p.reason is reason] for reason in Reason}
    return "; ".join(
        f"{len(paths)} {reason.value[len(paths) > 1]} ({_examples(reason, paths)})"
        for reason, paths in by_reason.items()
        if paths
    )


def _examples(reason: Reason, paths: Sequence[str]) -> str:
    if reason is Reason.NO_VIDEO:
        suffixes = sorted({Path(path).suffix.lower() or "no suffix" for path in paths})
        shown, separator, most = suffixes, " ", _SHOWN_SUFFIXES
    else:
        shown, separator, most = sorted(paths), ", ", _SHOWN
    return printable(separator.join(shown[:most]) + f"{separator}..." * (len(shown) > most))
