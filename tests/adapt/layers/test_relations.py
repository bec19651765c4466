"""Temporal relations: which tuples, and their sums against plain loops."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
import torch

from tcon.adapt.layers.relations import (
    RelationClassifier,
    Relations,
    evenly_spaced,
    relate_snippets,
)
from tcon.cache import InputError

B, D = 3, 4


def make(segments: int) -> Relations:
    torch.manual_seed(0)
    return Relations(D, segments).double()


def segments_of(relations: Relations, drawn: torch.Tensor | None = None) -> list[list[list[int]]]:
    """The chosen tuples of each scale."""
    rows = (relations.evenly if drawn is None else drawn).split(relations.chosen)
    return [s.tuples[r].tolist() for s, r in zip(relations.scales, rows, strict=True)]


def relate(relations: Relations, f: np.ndarray, chosen: list[list[list[int]]]) -> np.ndarray:
    """One video [K, D] to [K-1, 256], by loops."""
    rows = []
    for scale, tuples in zip(relations.scales, chosen, strict=True):
        weight, bias = (p.detach().numpy() for p in scale.linear.parameters())
        total = np.zeros(256)
        for segments in tuples:
            x = np.concatenate([np.maximum(f[k], 0) for k in segments])
            total += np.maximum(weight @ x + bias, 0)
        rows.append(total)
    return np.stack(rows)


def test_evenly_spaced_tuples_by_hand() -> None:
    assert evenly_spaced(1, 1) == [0]
    assert evenly_spaced(4, 3) == [0, 2, 3]  # ceil of 0, 4/3, 8/3
    assert evenly_spaced(10, 3) == [0, 4, 7]
    assert evenly_spaced(15, 3) == [0, 5, 10]
    assert segments_of(make(2)) == [[[0, 1]]]
    assert segments_of(make(3)) == [[[0, 1, 2]], [[0, 1], [0, 2], [1, 2]]]
    assert segments_of(make(4)) == [
        [[0, 1, 2, 3]],
        [[0, 1, 2], [0, 2, 3], [1, 2, 3]],
        [[0, 1], [0, 3], [1, 3]],
    ]
    assert segments_of(make(5))[2] == [[0, 1, 2], [0, 2, 4], [1, 2, 4]]  # 0, 4, 7 of ten


@pytest.mark.parametrize("k", [2, 3, 4, 5, 6])
def test_drawn_tuples_are_distinct_ordered_and_eventually_all(k: int) -> None:
    relations, generator = make(k), torch.Generator().manual_seed(0)
    seen: list[set[tuple[int, ...]]] = [set() for _ in range(k - 1)]
    for _ in range(100):
        drawn = relations.draw(generator)
        assert len(drawn) == sum(relations.chosen)
        for size, tuples, found in zip(
            range(k, 1, -1), segments_of(relations, drawn), seen, strict=True
        ):
            distinct = {tuple(t) for t in tuples}
            assert len(distinct) == len(tuples) == min(3, len(list(combinations(range(k), size))))
            found |= distinct
    assert seen == [set(combinations(range(k), size)) for size in range(k, 1, -1)]


@pytest.mark.parametrize("k", [2, 3, 5])
def test_relations_equal_plain_loops(k: int) -> None:
    relations = make(k)
    f = torch.randn(B, k, D, dtype=torch.float64)
    for drawn in (None, relations.draw(torch.Generator().manual_seed(1))):
        expected = [relate(relations, v, segments_of(relations, drawn)) for v in f.numpy()]
        np.testing.assert_allclose(relations(f, drawn).detach(), np.stack(expected), atol=1e-12)


def test_classifier_sums_a_linear_layer_per_scale() -> None:
    k, c = 4, 3
    torch.manual_seed(0)
    classifier = RelationClassifier(D, k, c, dropout=0.5).double()
    f = torch.rand(B, k, D, dtype=torch.float64)
    generator = torch.Generator().manual_seed(1)
    mask, drawn = classifier.draw(B, k, generator), classifier.relations.draw(generator)
    assert 0 < (mask == 0).sum() < mask.numel()
    weight = classifier.linear.weight.detach().numpy().reshape(c, k - 1, 256)
    bias = classifier.linear.bias.detach().numpy()
    for m, d in ((None, None), (mask, drawn)):
        for n in range(B):
            x = (f[n] if m is None else f[n] * m[n]).numpy()
            r = relate(classifier.relations, x, segments_of(classifier.relations, d))
            expected = sum(weight[:, s] @ r[s] for s in range(k - 1)) + bias
            np.testing.assert_allclose(classifier(f, m, d)[n].detach(), expected, atol=1e-12)


def test_snippets_of_a_segment_become_its_feature() -> None:
    relations = make(3)
    f = torch.rand(B, 2 * 3, D, dtype=torch.float64)  # two segments of three snippets
    every = [[[0, 1, 2]], [[0, 1], [0, 2], [1, 2]]]
    got = relate_snippets(relations, f)
    assert got.shape == (B, 2, 256)
    for n in range(B):
        for j in range(2):
            expected = relate(relations, f[n, 3 * j : 3 * j + 3].numpy(), every).sum(0)
            np.testing.assert_allclose(got[n, j].detach(), expected, atol=1e-12)


@pytest.mark.parametrize("k", [1, 17])
def test_other_numbers_of_segments_are_refused(k: int) -> None:
    with pytest.raises(InputError, match=rf"need 2 to 16 segments, not {k}: .*--segments"):
        Relations(D, k)
