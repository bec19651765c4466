"""Health numbers at their known extremes."""

from __future__ import annotations

import pytest
import torch

from tcon.adapt.layers.pairs import Pairs
from tcon.adapt.methods.tcon.health import (
    alignment_sharpness,
    coattention_entropy,
    cross_class_share,
)

BOTH, FIRST = torch.tensor([True, True]), torch.tensor([True, False])


def test_entropy() -> None:
    even, one, half = torch.ones(3, 4), torch.zeros(3, 4), torch.zeros(3, 4)
    one[1, 2], half[0, :2] = 7.0, 5.0
    share = torch.tensor(2.0).log() / torch.tensor(12.0).log()
    for matrix, expected in ((even, 1.0), (one, 0.0), (half, share)):
        pairs = torch.stack([matrix, even])
        assert coattention_entropy(pairs, FIRST) == pytest.approx(float(expected), abs=1e-6)
    assert coattention_entropy(torch.stack([even, one]), BOTH) == pytest.approx(0.5)
    assert coattention_entropy(torch.ones(2, 1, 1), BOTH) == 0  # one segment has no entropy


def test_alignment() -> None:
    diagonal, collapsed = torch.eye(3), torch.zeros(3, 3)
    collapsed[1] = 1.0
    column_max, same_row = alignment_sharpness(torch.stack([diagonal, collapsed]), FIRST)
    assert (column_max, same_row) == (1.0, pytest.approx(1 / 3))
    _, same_row = alignment_sharpness(torch.stack([diagonal, collapsed]), BOTH)
    assert same_row == pytest.approx(4 / 6)
    flat = torch.full((2, 3, 5), 1 / 3)
    assert alignment_sharpness(flat, BOTH)[0] == pytest.approx(1 / 3)
    assert alignment_sharpness(flat, ~BOTH) == (0.0, 0.0)


def test_cross_class_pairs() -> None:
    pairs = Pairs(
        torch.tensor([0, 0, 1]), torch.tensor([0, 1, 0]), torch.tensor([True, True, False])
    )
    share = cross_class_share(torch.tensor([2, 5]), torch.tensor([2, 1]), pairs)
    assert share == pytest.approx(1 / 2)
