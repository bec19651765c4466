"""A writer that stops at any moment leaves a file that reads and resumes."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from tcon.cache import Failure, FeatureFile, FeatureWriter, InputError, Recipe, Snippets, Video
from tcon.cache.sources import sources_of

NEVER = 1e9  # seconds


@pytest.fixture
def open_writer(tmp_path: Path, recipe: Callable[..., Recipe]) -> Callable[..., FeatureWriter]:
    def open_(*, commit_videos: int = 1, commit_seconds: float = NEVER) -> FeatureWriter:
        return FeatureWriter(
            tmp_path / "x.h5",
            {"rgb": recipe()},
            commit_videos=commit_videos,
            commit_seconds=commit_seconds,
        )

    return open_


@pytest.fixture
def add(
    video: Callable[..., Video], snippets: Callable[..., Snippets]
) -> Callable[[FeatureWriter, str], None]:
    """Add a video named by one letter, with a number of snippets of its own."""

    def add_(writer: FeatureWriter, letter: str) -> None:
        n = ord(letter) - ord("a")
        writer.add(video(letter), {"rgb": snippets(n + 1, n)})

    return add_


@pytest.fixture
def holds(tmp_path: Path, snippets: Callable[..., Snippets]) -> Callable[[str], None]:
    """Check that the file holds the videos named by these letters, whole and once."""

    def holds_(letters: str) -> None:
        file = FeatureFile(tmp_path / "x.h5")
        packed = file.packed()
        assert [v.id for v in file.videos] == list(letters)
        expected = [snippets(n + 1, n) for n in (ord(letter) - ord("a") for letter in letters)]
        assert packed.count.tolist() == [len(e.frame) for e in expected]
        assert packed.start.tolist() == np.cumsum([0, *packed.count])[:-1].tolist()
        np.testing.assert_array_equal(
            packed.features, np.concatenate([e.features for e in expected])
        )
        np.testing.assert_array_equal(packed.frame, np.concatenate([e.frame for e in expected]))

    return holds_


Open = Callable[..., FeatureWriter]
Add = Callable[[FeatureWriter, str], None]
Holds = Callable[[str], None]


def test_committed_videos_are_visible_before_close(
    open_writer: Open, add: Add, holds: Holds
) -> None:
    with open_writer(commit_videos=2) as writer:
        add(writer, "a")
        add(writer, "b")
        holds("ab")
        add(writer, "c")
        holds("ab")  # c is not committed yet
        writer.commit()
        holds("abc")
    holds("abc")


def test_an_old_enough_commit_is_followed_by_another(
    open_writer: Open, add: Add, holds: Holds
) -> None:
    with open_writer(commit_videos=1000, commit_seconds=0) as writer:
        add(writer, "a")
        holds("a")


def test_an_error_keeps_what_was_added(open_writer: Open, add: Add, holds: Holds) -> None:
    with pytest.raises(KeyboardInterrupt), open_writer(commit_videos=1000) as writer:
        add(writer, "a")
        raise KeyboardInterrupt
    holds("a")


def test_parts_that_outlive_their_merge_are_not_counted_twice(
    tmp_path: Path, open_writer: Open, add: Add, holds: Holds
) -> None:
    """As after a kill between the rename of the merged file and the deletion of its parts."""
    parts, saved = tmp_path / "x.h5.parts", tmp_path / "saved"
    with open_writer() as writer:
        add(writer, "a")
        add(writer, "b")
        writer.fail(Failure("bad", "decode", "why"))
        shutil.copytree(parts, saved)
    shutil.copytree(saved, parts)
    holds("ab")
    with open_writer() as writer:
        assert list(writer.committed) == ["a", "b"]
        add(writer, "c")
        holds("abc")
    holds("abc")
    assert not parts.exists()
    assert FeatureFile(tmp_path / "x.h5").failures == [Failure("bad", "decode", "why")]


@pytest.mark.parametrize("deleted", ["part-000001.h5", "part-000002.h5"])
def test_parts_half_deleted_after_their_merge(
    tmp_path: Path, open_writer: Open, add: Add, holds: Holds, deleted: str
) -> None:
    parts, saved = tmp_path / "x.h5.parts", tmp_path / "saved"
    with open_writer() as writer:
        add(writer, "a")
        add(writer, "b")
        shutil.copytree(parts, saved)
    shutil.copytree(saved, parts)
    (parts / deleted).unlink()
    (parts / "lock").unlink()
    holds("ab")
    with open_writer() as writer:
        add(writer, "c")
        add(writer, "d")
    holds("abcd")


def test_parts_without_a_merged_file_are_enough(
    tmp_path: Path, open_writer: Open, add: Add, holds: Holds
) -> None:
    parts, saved = tmp_path / "x.h5.parts", tmp_path / "saved"
    with open_writer() as writer:
        add(writer, "a")
        add(writer, "b")
        shutil.copytree(parts, saved)
    (tmp_path / "x.h5").unlink()
    shutil.copytree(saved, parts)
    holds("ab")
    with open_writer() as writer:
        add(writer, "c")
    holds("abc")


def test_half_written_files_are_ignored(
    tmp_path: Path, open_writer: Open, add: Add, holds: Holds
) -> None:
    """As after a kill while a part or the merged file was being written."""
    parts, saved = tmp_path / "x.h5.parts", tmp_path / "saved"
    with open_writer() as writer:
        add(writer, "a")
        shutil.copytree(parts, saved)
    shutil.copytree(saved, parts)
    half = (tmp_path / "x.h5").read_bytes()[:700]
    (tmp_path / "x.h5.tmp").write_bytes(half)
    (parts / "part-000002.h5.tmp").write_bytes(half)
    holds("a")
    with open_writer() as writer:
        add(writer, "b")
        holds("ab")
    holds("ab")
    assert [p.name for p in tmp_path.iterdir() if p != saved] == ["x.h5"]


def test_an_untouched_lock_file_does_not_lock(
    tmp_path: Path, open_writer: Open, add: Add, holds: Holds
) -> None:
    """A killed writer leaves its lock file, but the lock dies with the process."""
    (tmp_path / "x.h5.parts").mkdir()
    (tmp_path / "x.h5.parts" / "lock").touch()
    with pytest.raises(InputError, match="no such feature file"):
        FeatureFile(tmp_path / "x.h5")
    with open_writer() as writer:
        add(writer, "a")
    holds("a")


def test_a_failure_that_later_succeeds_is_none(
    tmp_path: Path, open_writer: Open, add: Add, holds: Holds
) -> None:
    with open_writer() as writer:
        writer.fail(Failure("a", "decode", "why"))
        writer.fail(Failure("z", "decode", "why"))
    assert {f.video for f in FeatureFile(tmp_path / "x.h5").failures} == {"a", "z"}
    with open_writer() as writer:
        assert set(writer.failed) == {"a", "z"}
        add(writer, "a")
        assert set(writer.failed) == {"z"}
        assert [f.video for f in FeatureFile(tmp_path / "x.h5").failures] == ["z"]
    holds("a")
    with h5py.File(tmp_path / "x.h5") as h5:
        assert h5["failures/video"].asstr()[()].tolist() == ["z"]


def test_a_video_that_fails_again_keeps_the_last_reason(tmp_path: Path, open_writer: Open) -> None:
    for reason in ("first", "second"):
        with open_writer() as writer:
            writer.fail(Failure("a", "decode", reason))
    assert FeatureFile(tmp_path / "x.h5").failures == [Failure("a", "decode", "second")]


def test_a_reader_while_a_writer_merges(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    open_writer: Callable[..., FeatureWriter],
    add: Callable[[FeatureWriter, str], None],
    holds: Callable[[str], None],
) -> None:
    """The parts that it has listed are gone when it opens them."""
    writer = open_writer()
    for letter in "bca":
        add(writer, letter)
    before = FeatureFile(tmp_path / "x.h5")

    def listed(path: Path) -> list[Path]:
        monkeypatch.undo()
        found = sources_of(path)
        writer.close()
        return found

    monkeypatch.setattr("tcon.cache.reader.sources_of", listed)
    holds("abc")
    with pytest.raises(InputError, match="has changed since it was opened: try again"):
        before.packed()


def test_a_video_without_snippets_is_not_written(
    open_writer: Callable[..., FeatureWriter],
    video: Callable[..., Video],
    snippets: Callable[..., Snippets],
) -> None:
    with open_writer() as writer, pytest.raises(ValueError, match=r"has no snippets$"):
        writer.add(video("a"), {"rgb": snippets(0)})
