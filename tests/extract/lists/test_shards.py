"""Shards of a list: each video in exactly one, whatever else is in the list."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tcon.cache import InputError
from tcon.extract.lists.shards import Shard
from tcon.extract.lists.videos import VideoItem


def _items(*ids: str) -> list[VideoItem]:
    return [VideoItem(id=i, path=Path("/videos", i), label="run", split="") for i in ids]


IDS = [f"run/v_{n:04}.avi" for n in range(1000)]


def test_reading() -> None:
    assert Shard.parse("1/1") == Shard(1, 1)
    assert Shard.parse("3/16") == Shard(3, 16)


@pytest.mark.parametrize(
    "text",
    ["", "1", "/", "1/", "/4", "0/4", "5/4", "-1/4", "1/0", "1/4/2", "a/4", "1 / 4", "1.0/4"],
)
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="i/n with i from 1 to n"):
        Shard.parse(text)


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 2, 3, 8, 2000])
def test_shards_part_a_list(count: int) -> None:
    items = _items(*IDS[:300])
    shards = [Shard(n + 1, count).choose(items) for n in range(count)]
    assert Counter(item.id for shard in shards for item in shard) == Counter(IDS[:300])
    for shard in shards:
        assert shard == [item for item in items if item in shard]  # in the list's order


def test_a_video_stays_in_its_shard() -> None:
    """When the list grows, shrinks or is shuffled, a second run must not do other videos."""
    few, many = _items(*IDS[100:200]), _items(*reversed(IDS))
    for index in range(1, 5):
        of_few = {item.id for item in Shard(index, 4).choose(few)}
        of_many = {item.id for item in Shard(index, 4).choose(many)}
        assert of_few == of_many & set(IDS[100:200])


def test_the_shard_depends_on_the_id_alone() -> None:
    """Known numbers: hosts must agree, whatever their version of Python and its hash seed."""
    placed = [i for i in IDS[:12] if Shard(1, 3).choose(_items(i))]
    assert placed == [IDS[n] for n in (2, 6)]


@pytest.mark.parametrize("count", [2, 4, 7, 16])
def test_shards_are_about_equal(count: int) -> None:
    sizes = [len(Shard(n + 1, count).choose(_items(*IDS))) for n in range(count)]
    mean = len(IDS) / count
    assert max(abs(size - mean) for size in sizes) < 4 * mean**0.5


def test_each_shard_writes_its_own_file() -> None:
    assert Shard(2, 4).output(Path("cache/clips.h5")) == Path("cache/clips.2-of-4.h5")
    assert Shard(1, 1).output(Path("a.b.h5")) == Path("a.b.1-of-1.h5")
    assert Path("clips.2-of-4.h5").match("clips.*-of-4.h5")
