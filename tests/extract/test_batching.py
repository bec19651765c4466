"""Batches across videos: always one size, nothing lost, no video touched by its neighbours."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from tcon.extract.batching import run_batched

Videos = list[tuple[str, Tensor]]


@pytest.fixture(scope="module")
def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    ).eval()


def _videos(lengths: list[int], seed: int = 0) -> Videos:
    torch.manual_seed(seed)
    return [(f"v{n}", torch.rand(length, 3, 8, 8)) for n, length in enumerate(lengths)]


LENGTHS = [
    list(range(1, 21)),
    [1] * 10,
    [20, 1, 1, 20],
    [8, 8, 8],
    [3],
    [5, 19, 2, 7, 11, 1, 13],
]


@pytest.mark.parametrize("lengths", LENGTHS, ids=str)
@pytest.mark.parametrize("batch_size", [1, 3, 8])
def test_equals_each_video_alone(network: nn.Module, lengths: list[int], batch_size: int) -> None:
    videos, sizes = _videos(lengths), []

    @torch.inference_mode()
    def forward(images: Tensor) -> Tensor:
        sizes.append(len(images))
        return network(images)

    results = list(run_batched(forward, videos, batch_size))

    assert [key for key, _ in results] == [key for key, _ in videos]
    assert sizes == [batch_size] * -(-sum(lengths) // batch_size)
    for (_, features), (_, images) in zip(results, videos, strict=True):
        with torch.inference_mode():
            torch.testing.assert_close(features, network(images), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("batch_size", [1, 3, 8])
def test_neighbours_do_not_matter(network: nn.Module, batch_size: int) -> None:
    """Alone, first, last, or beside other videos: the same features."""
    (_, mine), *_ = _videos([5])
    forward = torch.inference_mode()(network)
    results = []
    for before, after in (([], []), ([2], [9]), ([7, 7, 1], []), ([], [1, 1])):
        others = _videos(before + after, seed=1)
        videos = [*others[: len(before)], ("mine", mine), *others[len(before) :]]
        results.append(dict(run_batched(forward, videos, batch_size))["mine"])
    for other in results[1:]:
        torch.testing.assert_close(other, results[0], rtol=1e-6, atol=1e-6)


def test_padding_is_neither_returned_nor_seen_by_others() -> None:
    """The rows that fill up the last batch are zeros and are cut off again."""
    last: list[Tensor] = []

    def forward(images: Tensor) -> Tensor:
        last[:] = [images]
        return images.flatten(1)

    ((_, features),) = run_batched(forward, [("a", torch.ones(5, 2))], 4)
    assert features.tolist() == [[1, 1]] * 5
    assert last[0].tolist() == [[1, 1], [0, 0], [0, 0], [0, 0]]


def test_a_video_is_returned_as_soon_as_it_is_done() -> None:
    """So that a kill loses little: no video waits for those that come after its last batch."""
    taken: list[str] = []

    def videos() -> Iterator[tuple[str, Tensor]]:
        for n in range(6):
            taken.append(f"v{n}")
            yield f"v{n}", torch.ones(4, 1)

    results = run_batched(lambda images: images, videos(), 4)
    for n in range(6):
        assert next(results)[0] == f"v{n}"
        assert len(taken) == n + 1


def test_no_videos() -> None:
    assert list(run_batched(lambda images: images, [], 4)) == []
