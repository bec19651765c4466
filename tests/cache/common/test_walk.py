"""Folders are read once, under their own names, those that links lead to included."""

from __future__ import annotations

from pathlib import Path

import pytest

from tcon.adapt.run.folder import run_folders
from tcon.cache.common.files.walk import walk


def test_links_to_folders(tmp_path: Path) -> None:
    for name in ("here/own", "else/run"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "config.json").touch()
    here = tmp_path / "here"
    (here / "a link").symlink_to(here / "own")
    (here / "around").symlink_to(here)
    (here / "other").symlink_to(tmp_path / "else")
    assert [place for place, _, _ in walk(here)] == [
        here,
        here / "own",
        here / "other",
        here / "other" / "run",
    ]
    assert run_folders(here) == [here / "other" / "run", here / "own"]
    assert run_folders(here / "own" / "config.json") == run_folders(here / "none") == []


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="none"):
        list(walk(tmp_path / "none"))
