"""Folders that are called like cameras, dates or numbers, which are seldom classes."""

from __future__ import annotations

import re
from collections.abc import Collection

from ....cache.errors import printable

_SHOWN = 3
_NOT_A_CLASS = re.compile(
    r"(?:cam(?:era)?|ch(?:annel)?|[cdn]vr|dev(?:ice)?|stream|sensor)[\W_]*(?:\d[\W\d_]*|[a-z])?"
    r"|\d[\W\d_]*"  # 3, 2024-05-01, 192.168.1.4
    r"|\d{4}[\W_]?\d\d[\W_]?\d\d[\W_]?t?[\W_]?\d[\W\d_]*z?",  # 20240501T0930
    re.IGNORECASE,
)


def about_cameras(labels: Collection[str]) -> str:
    """A question where most of the labels that folders give look like no class; else "".

    Cameras that are called by what they see (``north_gate``) cannot be told from actions.
    """
    names = sorted(set(labels) - {""})
    strange = [name for name in names if _NOT_A_CLASS.fullmatch(name)]
    if 2 * len(strange) <= len(names):
        return ""
    shown = printable(", ".join(strange[:_SHOWN]) + ", ..." * (len(strange) > _SHOWN))
    classes = "a class" if len(names) == 1 else f"{len(names)} classes"
    return (
        f"The folders are taken for {classes}: {shown}. Are these cameras, dates or the like? Then "
        "add --unlabelled; what is extracted already stays."
    )
