"""Numbers of things in words, and texts cut for messages."""

from __future__ import annotations

import pytest

from tcon.cache.common.counts import counted
from tcon.cache.errors import shorten


@pytest.mark.parametrize(
    ("number", "thing", "said"),
    [(0, "video", "0 videos"), (1, "class", "1 class"), (2, "class", "2 classes")],
)
def test_singular_and_plural(number: int, thing: str, said: str) -> None:
    assert counted(number, thing) == said


def test_words_stay_whole() -> None:
    words = "several words " * 10
    assert shorten(words) == "several words " * 5 + "several..."
    assert shorten("x" * 100) == "x" * 77 + "..." and shorten("x" * 80) == "x" * 80
