"""The hash that a run stores tells features apart, and labels only where asked."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from tcon.cache import FeatureFile, FeatureWriter, Recipe, Snippets, Video

Rows = Sequence[tuple[str, str, Snippets]]
Hash = Callable[..., str]


@pytest.fixture
def sha256(tmp_path: Path, recipe: Callable[..., Recipe], video: Callable[..., Video]) -> Hash:
    """The hash of a new file that holds (id, label, snippets) in this order."""

    def compute(rows: Rows, *, labels: bool) -> str:
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.h5"
        with FeatureWriter(path, {"rgb": recipe()}, commit_videos=2) as writer:
            for id, label, own in rows:
                writer.add(video(id, label=label), {"rgb": own})
        return FeatureFile(path).sha256("rgb", labels=labels)

    return compute


@pytest.fixture
def rows(snippets: Callable[..., Snippets]) -> list[tuple[str, str, Snippets]]:
    return [
        (id, label, snippets(2 + n, n))
        for n, (id, label) in enumerate(zip("abcd", "xxyy", strict=True))
    ]


def _with_labels(rows: Rows, labels: str) -> Rows:
    return [(id, label, own) for (id, _, own), label in zip(rows, labels, strict=True)]


@pytest.mark.parametrize("labels", ["yxyx", "yyxx", "zzzz"])
def test_labels_count_only_where_asked(sha256: Hash, rows: Rows, labels: str) -> None:
    other = _with_labels(rows, labels)
    assert sha256(other, labels=False) == sha256(rows, labels=False)
    assert sha256(other, labels=True) != sha256(rows, labels=True)


@pytest.mark.parametrize("labels", [True, False])
def test_the_order_of_videos_does_not_count(sha256: Hash, rows: Rows, labels: bool) -> None:
    assert sha256(rows[::-1], labels=labels) == sha256(rows, labels=labels)


@pytest.mark.parametrize("labels", [True, False])
def test_one_feature_counts(sha256: Hash, rows: Rows, labels: bool) -> None:
    before = sha256(rows, labels=labels)
    rows[2][2].features[1, 3] += np.float16(1 / 64)
    assert sha256(rows, labels=labels) != before


@pytest.mark.parametrize("labels", [True, False])
def test_ids_count(sha256: Hash, rows: Rows, labels: bool) -> None:
    renamed = [(id.replace("d", "e"), label, own) for id, label, own in rows]
    assert sha256(renamed, labels=labels) != sha256(rows, labels=labels)


def test_which_video_owns_a_snippet_counts(sha256: Hash, snippets: Callable[..., Snippets]) -> None:
    features, frame = snippets(5).features, np.arange(5)
    hashes = {
        sha256(
            [
                ("a", "x", Snippets(features[:n], frame[:n])),
                ("b", "x", Snippets(features[n:], frame[n:])),
            ],
            labels=False,
        )
        for n in (1, 2, 3)
    }
    assert len(hashes) == 3


def test_parts_and_the_merged_file_hash_alike(
    tmp_path: Path,
    recipe: Callable[..., Recipe],
    video: Callable[..., Video],
    rows: Rows,
) -> None:
    with FeatureWriter(tmp_path / "x.h5", {"rgb": recipe()}, commit_videos=1) as writer:
        for id, label, own in rows:
            writer.add(video(id, label=label), {"rgb": own})
        parts = FeatureFile(tmp_path / "x.h5").sha256("rgb", labels=True)
    assert FeatureFile(tmp_path / "x.h5").sha256("rgb", labels=True) == parts


def test_each_video_has_a_hash_of_its_own(
    tmp_path: Path, recipe: Callable[..., Recipe], video: Callable[..., Video], rows: Rows
) -> None:
    path = tmp_path / "x.h5"

    def add(some: Rows) -> FeatureFile:
        with FeatureWriter(path, {"rgb": recipe()}) as writer:
            for id, label, own in some:
                writer.add(video(id, label=label), {"rgb": own})
        return FeatureFile(path)

    alone = add(rows[2:3]).hashes("rgb", labels=True)
    grown = add(rows[:2])
    labelled, plain = (grown.hashes("rgb", labels=labels) for labels in (True, False))
    expected = hashlib.sha256(b"y\0" + rows[2][2].features.tobytes()).hexdigest()[:32]
    assert alone == {"c": expected} and labelled["c"] == expected
    assert not set(labelled.values()) & set(plain.values()) and len({*plain.values()}) == 3
    some = FeatureFile(path).hashes("rgb", labels=True, ids={"a", "gone"})
    assert some == {"a": labelled["a"]}
    frames = FeatureFile(path).hashes(None, labels=False)
    assert len({*frames.values()}) == 1  # all videos of the test have as many
