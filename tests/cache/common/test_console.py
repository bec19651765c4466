"""The bar that commands count videos with: no text cut off, and lines where no terminal is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO

import pytest
from rich.console import Console
from rich.text import Text

from tcon.cache.common.output import console as module
from tcon.cache.common.output.console import VideoBar


class Clock:
    """Tells the time that it is set to."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def make_console(monkeypatch: pytest.MonkeyPatch) -> Callable[..., StringIO]:
    """Replace the console by a terminal of 80 columns or by none; returns what is printed."""

    def make(*, terminal: bool) -> StringIO:
        file = StringIO()
        console = Console(
            file=file, force_terminal=terminal, width=80, color_system=None, soft_wrap=True
        )
        monkeypatch.setattr(module, "console", lambda: console)
        return file

    return make


def test_no_text_is_cut_off(make_console: Callable[..., StringIO]) -> None:
    out, clock = make_console(terminal=True), Clock()
    with VideoBar("extract", clock=clock) as bar:
        bar.count(200000, done=0)
        clock.seconds = 3e6
        bar.count(200000, done=123000, failed=456)
        text = bar.text()
    assert text == "extract: 123456 of 200000 videos, 456 failed, 0.041 videos/s, 21 d 13 h left"
    (shown,) = {line for line in out.getvalue().splitlines() if text in line}
    assert Text.from_ansi(shown).cell_len == 80


def test_without_a_terminal_lines_are_printed(
    make_console: Callable[..., StringIO], monkeypatch: pytest.MonkeyPatch
) -> None:
    out, clock = make_console(terminal=False), Clock()
    says = []

    @contextmanager
    def every(seconds: float, say: Callable[[], None]) -> Iterator[None]:
        says.append((seconds, say))
        yield

    monkeypatch.setattr(module, "every", every)
    with VideoBar("extract", before="loading the backbone", clock=clock) as bar:
        ((seconds, say),) = says
        say()
        clock.seconds = 100.0
        bar.count(40, done=0)
        clock.seconds = 130.0  # a long video: nothing is counted, and time passes
        say()
        bar.count(40, done=2, failed=1)
        clock.seconds = 160.0
        say()
    assert seconds <= 30
    assert out.getvalue().splitlines() == [
        "extract: loading the backbone",
        "extract: 0 of 40 videos",
        "extract: 3 of 40 videos, 1 failed, 0.050 videos/s, 12 min left",
    ]
