"""What is known of videos before they are read: its hash, and how a file takes it over."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from feature_files import recipe, write_domain

from tcon.cache import FeatureFile, FeatureWriter, InputError
from tcon.extract.lists.labels import Labels, list_sha256, take_over

LABELS = {"b": ("y", ""), "a": ("x", "train")}


def test_hash_of_a_list() -> None:
    rows = "a\0x\0train\nb\0y\0\n"  # in the order of the ids
    assert list_sha256(LABELS) == hashlib.sha256(rows.encode()).hexdigest()


@pytest.mark.parametrize("change", [{"c": ("y", "")}, {"a": ("y", "train")}, {"a": ("x", "val")}])
def test_every_part_counts(change: dict[str, tuple[str, str]]) -> None:
    assert list_sha256(LABELS | change) != list_sha256(LABELS)


def _take_over(path: Path, labels: Labels, *, unlabelled: bool = False) -> int:
    with FeatureWriter(path, {"rgb": recipe()}) as writer:
        return take_over(labels, writer, unlabelled=unlabelled)


def _known(path: Path) -> Labels:
    return {video.id: (video.label, video.split) for video in FeatureFile(path).videos}


def test_labels_are_dropped_and_taken_over_with_every_feature_kept(tmp_path: Path) -> None:
    path = write_domain(tmp_path / "x.h5", videos=3)
    labels, before = _known(path), FeatureFile(path).packed()
    first, *others = labels
    assert _take_over(path, {first: ("", "")}, unlabelled=True) == 1
    assert _known(path) == labels | {first: ("", "")}
    assert _take_over(path, {first: ("jump", "val"), "new": ("run", "")}) == 1
    assert _known(path) == labels | {first: ("jump", "val")}
    assert _take_over(path, {others[0]: labels[others[0]]}) == 0
    after = FeatureFile(path).packed()
    np.testing.assert_array_equal(after.features, before.features)
    np.testing.assert_array_equal(after.start, before.start)


@pytest.mark.parametrize(
    ("now", "unlabelled"),
    [(("swim", "train"), False), (("", "train"), False), (("jump", ""), False), (("a", ""), True)],
)
def test_no_label_is_replaced_or_dropped_unasked(
    tmp_path: Path, now: tuple[str, str], unlabelled: bool
) -> None:
    path = write_domain(tmp_path / "x.h5", videos=3)
    before = path.read_bytes()
    with pytest.raises(InputError, match=r"holds v000.mp4 as label 'jump', split 'train', now it"):
        _take_over(path, {"v000.mp4": now}, unlabelled=unlabelled)
    assert path.read_bytes() == before
