"""The lines of a list, whatever editor or system wrote them, and the parts of a line."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path

from ....cache.errors import InputError, shorten

_LONGEST = 10_000  # characters
_MOST_LINES = 10_000_000  # a pipe may never end
_LONGEST_NAME = 4096  # characters, as a path has at most
_CONTROL = re.compile(r"[\0-\x08\x0b-\x1f\x7f]")
_BETWEEN_CELLS = ",;|\t \"'"
_SEP = re.compile(r'"?sep=(.|\\t)"?', re.IGNORECASE)
_JSON = re.compile(r'\[?\s*\{(\s*"|\s*$)|\[\s*("|$)')
_WHOLE = re.compile(r"[+-]?[0-9]+")


@dataclass(frozen=True)
class Line:
    """A line that is not blank, without the white space around it; counted from 1."""

    number: int
    text: str


def read_lines(path: Path) -> list[Line]:
    """Read a text file's lines; byte-order mark, CR-LF and blank lines do not matter.

    A row of empty cells (``,,``) is blank, and so is the first line ``sep=;`` of a spreadsheet.

    Raises:
        InputError: no file, no text in UTF-8, JSON, or an endless line or list.
    """
    if path.is_dir() or not path.exists():
        raise InputError(f"{path} is a folder, not a list" if path.is_dir() else f"no list {path}")
    lines, number = [], 0
    try:
        with path.open(encoding="utf-8-sig") as file:
            while text := file.readline(_LONGEST + 1):
                if number == _MOST_LINES:
                    raise InputError(f"{path} has more than {_MOST_LINES} lines")
                number += 1
                if len(text) > _LONGEST:
                    raise InputError(f"{path} line {number} is longer than {_LONGEST} characters")
                text = text.strip()
                if text.strip(_BETWEEN_CELLS) and not (number == 1 and _SEP.fullmatch(text)):
                    lines.append(Line(number, text))
                if control := _CONTROL.search(text):
                    raise InputError(
                        f"{path} is not a text file: line {number} holds {control[0]!r}"
                    )
    except UnicodeDecodeError:
        raise InputError(
            f"{path} is not a text file in UTF-8: give a list (spreadsheets save one as CSV "
            "UTF-8), a video or a folder of videos"
        ) from None
    if not lines:
        raise InputError(f"{path} is an empty file: it lists no videos")
    if _JSON.match(lines[0].text):
        raise InputError(
            f"{path} is JSON, not a list: write it as csv with the columns path, label and split "
            "(pandas: DataFrame.to_csv)"
        )
    return lines


def is_comment(text: str) -> bool:
    """Whether a line is ``# like this``; ``#20_Rhythm_clap_0.avi`` is a video of HMDB51."""
    return text == "#" or text.startswith("# ")


def cells(text: str, delimiter: str = ",") -> list[str]:
    """The cells of a csv line.

    Raises:
        InputError: a quote that is not closed, or goes on behind its end.
    """
    try:
        (row,) = csv.reader([text], delimiter=delimiter, skipinitialspace=True, strict=True)
    except csv.Error as error:
        raise InputError(f"its quotes do not match ({error}): {shorten(text)}") from None
    return [cell.strip() for cell in row]


def whole(word: str) -> int | None:
    """A whole number; None where ``word`` is none."""
    # 20 digits are more than any count already, and thousands cost time.
    return int(word[:20]) if _WHOLE.fullmatch(word) else None


def unquote(name: str) -> str:
    """A name without the quotes around it."""
    return name.strip().strip('"')


def check_length(what: str, text: str) -> None:
    """Refuse a text that is longer than any name.

    A small pickle can give a text of megabytes to thousands of rows, and whatever is made of it,
    row by row, fills the memory.

    Raises:
        InputError: it is.
    """
    if len(text) > _LONGEST_NAME:
        raise InputError(
            f"{what} has {len(text)} characters, and a name at most {_LONGEST_NAME}: shorten it"
        )
