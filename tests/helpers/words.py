"""Words of a command line."""

from __future__ import annotations

from collections.abc import Sequence


def with_option(words: Sequence[object], option: str, *value: object) -> list[object]:
    """The words with an option, in place of the same one where they have it with one value."""
    words = list(words)
    if option in words:
        at = words.index(option)
        del words[at : at + 2]
    return [*words, option, *value]
