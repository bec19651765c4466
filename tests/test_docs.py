"""What README and docs/ name is there: links, files, and names of the package."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

import tcon
from tcon.adapt.methods import names

ROOT = Path(tcon.__file__).parent
PAGES = {path.name: path for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]}
# Files of the reader's own, and scripts of other projects.
OTHERS = re.compile(r"FILE\.\w+|mine\.py|cmd\.py|\w+_feature_extraction\.py")
LINK = re.compile(r"\]\(([^)#\s]+)")
FILE = re.compile(r"(?<![\w./-])(?:[\w-]+/)*[\w-]+\.(?:py|md)\b")
NAME = re.compile(r"\btcon\.(?:cache|extract|adapt|evaluate|cli)\b(?:\.\w+)*")


def _is_there(name: str) -> bool:
    """Whether a dotted name is a module or something in one."""
    parts = name.split(".")
    for n in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:n]))
        except ModuleNotFoundError:
            continue
        try:
            for part in parts[n:]:
                found = getattr(found, part)
        except AttributeError:
            return False
        return True
    return False


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    folder = PAGES[page].parent
    links = [link for link in LINK.findall(PAGES[page].read_text()) if "://" not in link]
    assert [link for link in links if not (folder / link).exists()] == []


@pytest.mark.parametrize("page", PAGES)
def test_files_exist(page: str) -> None:
    named = set(FILE.findall(PAGES[page].read_text()))
    missing = {
        name
        for name in named
        if not OTHERS.fullmatch(name)
        and not any((base / name).exists() for base in (ROOT, ROOT / "docs"))
    }
    assert missing == set()


@pytest.mark.parametrize("page", PAGES)
def test_names_of_the_package_exist(page: str) -> None:
    named = sorted(set(NAME.findall(PAGES[page].read_text())))
    assert [name for name in named if not _is_there(name)] == []


def _rows(text: str) -> dict[str, list[str]]:
    """The cells of a table's rows, by the first of them without its backquotes."""
    cells = [[cell.strip() for cell in line.strip("| ").split(" |")] for line in text.splitlines()]
    return {row[0].strip("`"): row[1:] for row in cells if len(row) > 1}


def test_the_table_of_methods_has_every_method_and_the_results() -> None:
    page, results = PAGES["adaptation.md"].read_text(), PAGES["results.md"].read_text()
    table = _rows(page.partition("### Which methods")[2].partition("The three last columns")[0])
    listed = {name.strip("`") for row in table for name in row.split(", ")}
    assert listed >= set(names()) and listed - set(names()) == {"method"}
    measured = re.search(r"<!-- curves.methods -->(.*?)<!-- end -->", results, re.S)
    real = re.search(r"<!-- real.methods -->(.*?)<!-- end -->", results, re.S)
    assert measured and real
    to_surveillance, _, to_hockey = real[1].partition("surveillance to hockey:")
    for column, text in ((-3, measured[1]), (-2, to_hockey), (-1, to_surveillance)):
        for name, row in _rows(text).items():
            if name in table and name not in ("method", "source_only"):
                low, high = map(float, row[4].split(" to "))
                shown = f"**{row[3]}**" if low > 0 or high < 0 else row[3]
                assert table[name][column] == shown, (name, column)
