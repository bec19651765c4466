"""Fonts for characters that the figures' own font lacks, such as Chinese."""

from __future__ import annotations

from collections.abc import Mapping, Set
from contextlib import suppress
from functools import lru_cache

import matplotlib
from matplotlib.figure import Figure
from matplotlib.font_manager import (
    FontEntry,
    FontProperties,
    findfont,
    findSystemFonts,
    fontManager,
    weight_dict,
)
from matplotlib.ft2font import FT2Font
from matplotlib.text import Text

# They have a glyph for everything, which says nothing, or none that matplotlib can draw.
_USELESS = ("Last Resort", ".LastResort", "LastResort", "Noto Color Emoji", "Apple Color Emoji")


def fit_fonts(figure: Figure) -> frozenset[str]:
    """Let a figure's texts fall back to fonts of the system that have their characters.

    Returns:
        the characters that no font has, which are drawn as boxes.
    """
    texts = figure.findobj(Text)
    families, missing = _fallbacks(
        frozenset(c for text in texts for c in text.get_text() if not c.isascii())
    )
    for text in texts if families else ():
        if not text.get_text().isascii():
            text.set_fontfamily([*matplotlib.rcParams["font.family"], *families])
    return missing


def missing_font(characters: Set[str]) -> str:
    """A line that says which characters figures show as boxes, and the remedy."""
    some = ", ".join(f"{c} (U+{ord(c):04X})" for c in sorted(characters)[:4])
    return (
        f"No installed font has {some}{' and others' if len(characters) > 4 else ''}: figures show "
        "boxes in their place. Install a font that has them, such as one of the Noto fonts (Noto "
        "Sans CJK for Chinese, Japanese and Korean)."
    )


@lru_cache(maxsize=64)
def _fallbacks(characters: frozenset[str]) -> tuple[tuple[str, ...], frozenset[str]]:
    """As few families as have all of the characters that the default font lacks, and the
    characters that none has."""
    lacking = characters - _characters(findfont(FontProperties()))
    families: list[str] = []
    has = {name: _characters(path) for name, path in _installed().items()} if lacking else {}
    while found := {name: own & lacking for name, own in has.items() if own & lacking}:
        families.append(max(found, key=lambda name: len(found[name])))
        lacking -= found[families[-1]]
    return tuple(families), lacking


@lru_cache(maxsize=1)
def _installed() -> Mapping[str, str]:
    """The most regular file of each family, also of fonts newer than matplotlib's list of them."""
    listed = {entry.fname for entry in fontManager.ttflist}
    for path in findSystemFonts():
        if path not in listed:
            with suppress(Exception):  # bitmap fonts and damaged files, as matplotlib does
                fontManager.addfont(path)
    entries = sorted(fontManager.ttflist, key=_irregularity, reverse=True)
    return {entry.name: entry.fname for entry in entries if not entry.name.startswith(_USELESS)}


def _irregularity(entry: FontEntry) -> tuple[bool, int]:
    weight = weight_dict.get(entry.weight, 400) if isinstance(entry.weight, str) else entry.weight
    return entry.style != "normal", abs(weight - 400)


@lru_cache(maxsize=512)
def _characters(path: str) -> frozenset[str]:
    """That a font file has."""
    try:
        return frozenset(map(chr, FT2Font(path).get_charmap()))
    except (OSError, RuntimeError, ValueError):  # it is gone or damaged
        return frozenset()
