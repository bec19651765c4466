"""What README and docs/ name is there: links, files, and names of the package."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

import tcon

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
