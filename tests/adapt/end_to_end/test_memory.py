"""The memory that a step of end-to-end training needs, and that there is."""

from __future__ import annotations

import pytest
import torch

from tcon.adapt.end_to_end.memory.step import kept_bytes, need


def test_the_memory_of_a_step_by_hand() -> None:
    """A convolution keeps its input and ReLU its output, each once."""
    backbone = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU())
    method = torch.nn.Linear(10, 2)
    told = need(backbone, method, (3, 8, 8), of_batch=6)
    weights = 3 * 4 * 9 + 4 + 10 * 2 + 2
    assert told.fixed == weights * 16 + 6 * 3 * 8 * 8
    kept = 3 * 8 * 8 + 4 * 6 * 6
    assert told.per_image == kept * 4 + 3 * 8 * 8 * 4
    assert told.of(3) == told.fixed + 3 * told.per_image


@pytest.mark.parametrize("size", [2, 4])
def test_pooling_keeps_its_places_in_64_bits(size: int) -> None:
    """Whatever the size of a value: the image, the 6 x 6 before it, and 3 x 3 places."""
    backbone = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.MaxPool2d(2))
    kept = (3 * 8 * 8 + 4 * 6 * 6) * size + 4 * 3 * 3 * 8
    assert kept_bytes(backbone, (3, 8, 8), size) == kept
