"""Nothing that a terminal would obey or hide reaches it, whoever made the text."""

from __future__ import annotations

import io

import pytest
from rich.table import Table
from rich.text import Text

from tcon.cache.common.output.console import console, print_line
from tcon.cache.common.output.terminal import PlainConsole

HOSTILE = "\x1b[2J\x1b]0;t\x07 \x9b31m \u202eevil \u2066x \ud800 \r [red]a[/] :sob: \u200b|"
SHOWN = r"\x1b[2J\x1b]0;t\x07 \x9b31m \u202eevil \u2066x \ud800 \r [red]a[/] :sob: \u200b|"


def table() -> Table:
    made = Table(HOSTILE, title=HOSTILE, caption=HOSTILE)
    made.add_row(HOSTILE)
    return made


@pytest.mark.parametrize("shown", [HOSTILE, table()], ids=["str", "Table"])
def test_escapes_and_markup_are_shown(shown: object) -> None:
    file = io.StringIO()
    PlainConsole(file=file, width=200).print(shown)
    said = file.getvalue()
    assert SHOWN in said and all(c.isprintable() or c == "\n" for c in said)


def test_a_text_that_was_made_elsewhere_is_shown() -> None:
    file = io.StringIO()
    PlainConsole(file=file, width=200).print(Text("\x1b[2J\u202e[red]"))
    assert file.getvalue() == "\\x1b[2J\\u202e[red]\n"


def test_a_bar_is_still_drawn_and_lines_are_kept() -> None:
    file = io.StringIO()
    screen = PlainConsole(file=file, force_terminal=True, width=80)
    with screen.status("working"):
        screen.print("one\ntwo", style="red")
    said = file.getvalue()
    assert "working" in said and "\x1b[31mone\x1b[0m\n\x1b[31mtwo\x1b[0m\n" in said
    assert "\\x1b" not in said


def test_a_file_name_makes_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    print_line("a\nWrote b.", "yellow")
    console(stderr=True).print("c\x1b")
    said = capsys.readouterr()
    assert (said.out, said.err) == ("a\\nWrote b.\n", "c\\x1b\n")
