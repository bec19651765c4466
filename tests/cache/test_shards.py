"""Several files read as one: shards, views, older formats, and an order that nothing changes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from tcon.cache import Failure, FeatureFile, FeatureWriter, InputError, Recipe, Snippets, Video
from tcon.cache.recipe import Sampling, Views

Make = Callable[..., Snippets]
Write = Callable[..., Path]


@pytest.fixture
def write(
    tmp_path: Path,
    recipe: Callable[..., Recipe],
    video: Callable[..., Video],
    snippets: Make,
) -> Write:
    """``write(name, letters)``: a file of videos named by letters, each with its own features."""

    def write_(name: str, letters: str, **changes: object) -> Path:
        with FeatureWriter(tmp_path / name, {"rgb": recipe(**changes)}, commit_videos=2) as writer:
            for letter in letters:
                n = ord(letter) - ord("a")
                writer.add(video(letter), {"rgb": snippets(n + 1, n)})
        return tmp_path / name

    return write_


def _content(file: FeatureFile) -> dict[str, tuple[list[list[float]], list[int]]]:
    packed = file.packed()
    return {
        v.id: (packed.features[s : s + c].tolist(), packed.frame[s : s + c].tolist())
        for v, s, c in zip(file.videos, packed.start, packed.count, strict=True)
    }


def test_a_glob_of_shards_is_one_file(tmp_path: Path, write: Write) -> None:
    whole = FeatureFile(write("whole.h5", "abcdef"))
    for n, letters in enumerate(("fb", "", "adce"), start=1):
        write(f"x.{n}-of-3.h5", letters)
    glob = FeatureFile(tmp_path / "x.*-of-3.h5")
    assert [v.id for v in glob.videos] == list("abcdef")
    assert _content(glob) == _content(whole)
    for labels in (True, False):
        assert glob.sha256("rgb", labels=labels) == whole.sha256("rgb", labels=labels)


def test_an_unfinished_shard_counts_with_what_is_committed(
    tmp_path: Path,
    write: Write,
    recipe: Callable[..., Recipe],
    video: Callable[..., Video],
    snippets: Make,
) -> None:
    write("x.1-of-2.h5", "ab")
    with FeatureWriter(tmp_path / "x.2-of-2.h5", {"rgb": recipe()}, commit_videos=1) as writer:
        writer.add(video("c"), {"rgb": snippets(3, 2)})
        assert [v.id for v in FeatureFile(tmp_path / "x.*-of-2.h5").videos] == list("abc")


def test_brackets_in_a_name_are_no_glob(tmp_path: Path, write: Write) -> None:
    assert len(FeatureFile(write("x [1].h5", "ab")).videos) == 2


def test_a_glob_without_a_match(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no feature file matches .*x\.\*\.h5"):
        FeatureFile(tmp_path / "x.*.h5")


def test_a_missing_shard_is_not_passed_over(tmp_path: Path, write: Write) -> None:
    write("x.1-of-3.h5", "a")
    write("x.3-of-3.h5", "b")
    with pytest.raises(InputError, match="1 of the 3 shards of x are missing .the first: 2-of-3"):
        FeatureFile(tmp_path / "x.*-of-3.h5")


def test_shards_made_differently_are_refused(tmp_path: Path, write: Write) -> None:
    write("x.1.h5", "ab")
    write("x.2.h5", "cd", sampling=Sampling("stride", 8))
    with pytest.raises(InputError, match="sampling: stride:8 in place of uniform:32"):
        FeatureFile(tmp_path / "x.*.h5")


def test_shards_that_hold_the_same_video_are_refused(tmp_path: Path, write: Write) -> None:
    write("x.1.h5", "ab")
    write("x.2.h5", "bc")
    with pytest.raises(InputError, match=r"x\.1\.h5 and .*x\.2\.h5 both hold b"):
        FeatureFile(tmp_path / "x.*.h5")


def test_a_failure_of_one_shard_is_a_failure_of_all(tmp_path: Path, write: Write) -> None:
    write("x.1.h5", "ab")
    with FeatureWriter(write("x.2.h5", "c"), FeatureFile(tmp_path / "x.2.h5").recipes) as w:
        w.fail(Failure("z", "decode", "why"))
        w.fail(Failure("d", "decode", "why"))
    assert [f.video for f in FeatureFile(tmp_path / "x.*.h5").failures] == ["d", "z"]


# --- the order of videos


def test_the_order_of_commits_leaves_no_trace(write: Write) -> None:
    """Else training on the same videos would depend on which of them decoded faster."""
    first, second = write("1.h5", "abcde"), write("2.h5", "ecadb")
    assert first.read_bytes() == second.read_bytes()


def test_an_unmerged_file_is_in_the_order_of_ids_too(
    tmp_path: Path,
    recipe: Callable[..., Recipe],
    video: Callable[..., Video],
    snippets: Make,
    write: Write,
) -> None:
    whole = _content(FeatureFile(write("whole.h5", "abcd")))
    with FeatureWriter(tmp_path / "x.h5", {"rgb": recipe()}, commit_videos=3) as writer:
        for letter in "dbac":
            n = ord(letter) - ord("a")
            writer.add(video(letter), {"rgb": snippets(n + 1, n)})
        writer.commit()
        file = FeatureFile(tmp_path / "x.h5")
        assert [v.id for v in file.videos] == list("abcd")
        assert _content(file) == whole
        assert file.counts("rgb").tolist() == [1, 2, 3, 4]


def test_a_file_that_changes_under_its_reader(write: Write) -> None:
    reader = FeatureFile(write("x.h5", "ab"))
    write("x.h5", "c")
    with pytest.raises(InputError, match="has changed since it was opened"):
        reader.packed()


def test_its_repr_reads_no_file(write: Write) -> None:
    path = write("x.h5", "ab")
    reader = FeatureFile(path)
    before = repr(reader)
    path.unlink()
    assert repr(reader) == before
    assert before.endswith("x.h5': 2 videos, 1 class, rgb 1-2x4)"), before


# --- views


def test_views_are_kept_apart(
    tmp_path: Path, recipe: Callable[..., Recipe], video: Callable[..., Video]
) -> None:
    made = recipe(views=Views("flip"))
    features = np.arange(5 * 2 * 4, dtype=np.float16).reshape(5, 2, 4)
    for letter, rows in (("b", slice(0, 3)), ("a", slice(3, 5))):
        with FeatureWriter(tmp_path / "x.h5", {"rgb": made}) as writer:
            n = rows.stop - rows.start
            writer.add(video(letter), {"rgb": Snippets(features[rows], np.arange(n))})
    packed = FeatureFile(tmp_path / "x.h5").packed()
    assert packed.features.shape == (5, 2, 4)
    np.testing.assert_array_equal(packed.features, np.concatenate([features[3:], features[:3]]))


# --- older files

TEXTS = ("backbone", "weights", "weights_sha256", "layer", "preprocessing", "sampling", "precision")


def test_a_file_of_version_1_is_read_and_extended(
    write: Write,
    recipe: Callable[..., Recipe],
    video: Callable[..., Video],
    snippets: Make,
) -> None:
    path = write("x.h5", "ab")
    before = _content(FeatureFile(path))
    with h5py.File(path, "a") as h5:
        h5.attrs["format_version"] = 1
        del h5["videos/decoder"], h5["videos/damage"], h5["videos/early_stopped"]
        del h5["rgb"].attrs["recipe"]
        h5["rgb"].attrs.update({name: recipe().text(name) for name in TEXTS})
        h5["rgb"].attrs.update(dim=4, snippet_length=1, decoder="decord")  # of the whole file
    file = FeatureFile(path)
    assert _content(file) == before
    assert file.recipes["rgb"].views == Views()
    assert [(v.decoder, v.damage) for v in file.videos] == [("", "")] * 2
    with FeatureWriter(path, {"rgb": recipe()}) as writer:
        writer.add(video("c", decoder="pyav"), {"rgb": snippets(3, 2)})
    assert [v.decoder for v in FeatureFile(path).videos] == ["", "", "pyav"]
