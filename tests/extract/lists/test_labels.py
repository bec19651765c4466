"""Hashes of what is known of videos before they are read."""

from __future__ import annotations

import hashlib

import pytest

from tcon.extract.lists.labels import list_sha256

LABELS = {"b": ("y", ""), "a": ("x", "train")}


def test_hash_of_a_list() -> None:
    rows = "a\0x\0train\nb\0y\0\n"  # in the order of the ids
    assert list_sha256(LABELS) == hashlib.sha256(rows.encode()).hexdigest()


@pytest.mark.parametrize("change", [{"c": ("y", "")}, {"a": ("y", "train")}, {"a": ("x", "val")}])
def test_every_part_counts(change: dict[str, tuple[str, str]]) -> None:
    assert list_sha256(LABELS | change) != list_sha256(LABELS)
