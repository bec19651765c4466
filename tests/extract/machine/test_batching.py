"""Batches across videos: always one size, nothing lost, no video touched by its neighbours."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator

import pytest
import torch
from torch import Tensor, nn

from tcon.extract.machine.batching import Batch, Batcher

Videos = dict[str, Tensor]


@pytest.fixture(scope="module")
def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    ).eval()


def _videos(lengths: list[int], seed: int = 0) -> Videos:
    torch.manual_seed(seed)
    return {f"v{n}": torch.rand(length, 3, 8, 8) for n, length in enumerate(lengths)}


def _interleaved(videos: Videos) -> Iterator[tuple[str, Tensor]]:
    """Pieces of one to three images, the videos mixed as decoding processes mix them."""
    rng = random.Random(0)
    left = dict(videos)
    while left:
        name = rng.choice(list(left))
        piece = rng.randint(1, 3)
        yield name, left[name][:piece]
        left[name] = left[name][piece:]
        if not len(left[name]):
            del left[name]


def _batches(pieces: Iterable[tuple[str, Tensor]], batch_size: int) -> Iterator[Batch]:
    batcher = Batcher("rgb", batch_size)
    for name, images in pieces:
        yield from batcher.add(name, images)
    yield from batcher.rest()
    assert list(batcher.rest()) == []


LENGTHS = [
    list(range(1, 21)),
    [1] * 10,
    [20, 1, 1, 20],
    [8, 8, 8],
    [3],
    [5, 19, 2, 7, 11, 1, 13],
]


@pytest.mark.parametrize("mixed", [False, True], ids=["in turn", "interleaved"])
@pytest.mark.parametrize("lengths", LENGTHS, ids=str)
@pytest.mark.parametrize("batch_size", [1, 3, 8])
def test_every_image_comes_once_and_in_order(
    lengths: list[int], batch_size: int, mixed: bool
) -> None:
    videos = _videos(lengths)
    batches = list(_batches(_interleaved(videos) if mixed else videos.items(), batch_size))

    assert len(batches) == -(-sum(lengths) // batch_size)
    found = defaultdict(list)
    for number, batch in enumerate(batches, 1):
        assert len(batch.images) == batch_size
        assert len(batch.videos) == batch_size or number == len(batches)
        for name, image in zip(batch.videos, batch.images, strict=False):
            found[name].append(image)
        assert (batch.images[len(batch.videos) :] == 0).all()
    assert set(found) == set(videos)
    for name, images in found.items():
        assert torch.equal(torch.stack(images), videos[name])


def test_a_batch_is_given_as_soon_as_it_is_full() -> None:
    batcher = Batcher("rgb", 4)
    assert list(batcher.add("a", torch.zeros(3, 2))) == []
    (batch,) = batcher.add("b", torch.ones(2, 2))
    assert batch.videos == ["a", "a", "a", "b"]
    assert [len(b.videos) for b in batcher.add("c", torch.ones(11, 2))] == [4, 4, 4]
    assert list(batcher.rest()) == []


def test_no_images_make_no_batch() -> None:
    batcher = Batcher("rgb", 4)
    assert list(batcher.add("a", torch.zeros(0, 2))) == []
    assert list(batcher.rest()) == []


@pytest.mark.parametrize("lengths", LENGTHS[:3], ids=str)
@pytest.mark.parametrize("batch_size", [1, 3, 8])
def test_equals_each_video_alone(network: nn.Module, lengths: list[int], batch_size: int) -> None:
    videos = _videos(lengths)
    found = _features(network, _interleaved(videos), batch_size)
    for name, images in videos.items():
        with torch.inference_mode():
            torch.testing.assert_close(found[name], network(images), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("batch_size", [1, 3, 8])
def test_neighbours_do_not_matter(network: nn.Module, batch_size: int) -> None:
    """Alone, first, last, or beside other videos: the same features."""
    mine = _videos([5])["v0"]
    results = []
    for before, after in (([], []), ([2], [9]), ([7, 7, 1], []), ([], [1, 1])):
        others = list(_videos(before + after, seed=1).items())
        videos = [*others[: len(before)], ("mine", mine), *others[len(before) :]]
        results.append(_features(network, videos, batch_size)["mine"])
    for other in results[1:]:
        torch.testing.assert_close(other, results[0], rtol=1e-6, atol=1e-6)


@torch.inference_mode()
def _features(
    network: nn.Module, pieces: Iterable[tuple[str, Tensor]], batch_size: int
) -> dict[str, Tensor]:
    rows = defaultdict(list)
    for batch in _batches(pieces, batch_size):
        for name, row in zip(batch.videos, network(batch.images), strict=False):
            rows[name].append(row)
    return {name: torch.stack(of_video) for name, of_video in rows.items()}
