"""Equations (1)-(5) and (9) against plain loops, and the properties that they must have."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor

from tcon.adapt.layers.coattention import (
    align,
    alignment_weights,
    attention_vectors,
    coattention,
    joint_normalise,
    mean_over_pairs,
    self_attention,
    sharpen,
    to_simplex,
)
from tcon.adapt.layers.pairs import Pairs


def features(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator).relu()


class Loops:
    """The equations as the paper prints them, one scalar at a time, in float64."""

    def __init__(self, fs: Tensor, ft: Tensor, pairs: list[tuple[int, int]], tau: float) -> None:
        self.fs, self.ft = fs.double().tolist(), ft.double().tolist()
        self.pairs, self.tau = pairs, tau

    @staticmethod
    def dot(a: list[float], b: list[float]) -> float:
        return sum(x * y for x, y in zip(a, b, strict=True))

    def self_attention(self, video: list[list[float]], j: int) -> float:
        others = [self.dot(video[j], f) for m, f in enumerate(video) if m != j]
        return sum(others) / (len(video) - 1)

    def a_co(self, i: int, t: int) -> list[list[float]]:
        s, v = self.fs[i], self.ft[t]
        return [
            [
                self.self_attention(s, j) * self.self_attention(v, k) * self.dot(s[j], v[k])
                for k in range(len(v))
            ]
            for j in range(len(s))
        ]

    def joint(self, i: int, t: int) -> list[list[float]]:
        a = [[max(x, 0.0) for x in row] for row in self.a_co(i, t)]
        total = sum(map(sum, a))
        return [[x / total for x in row] for row in a]

    def source_attention(self, i: int) -> list[float]:
        mine = [self.joint(*pair) for pair in self.pairs if pair[0] == i]
        return [sum(sum(p[j]) for p in mine) / len(mine) for j in range(len(self.fs[i]))]

    def target_attention(self, t: int) -> list[float]:
        mine = [self.joint(*pair) for pair in self.pairs if pair[1] == t]
        return [
            sum(sum(row[k] for row in p) for p in mine) / len(mine) for k in range(len(self.ft[t]))
        ]

    def aligned(self, i: int, t: int) -> list[list[float]]:
        p, s = self.joint(i, t), self.fs[i]
        cells = len(p) * len(p[0])
        out = []
        for k in range(len(p[0])):
            e = [math.exp(cells * p[j][k] / self.tau) for j in range(len(s))]
            w = [x / sum(e) for x in e]
            out.append([sum(w[j] * s[j][d] for j in range(len(s))) for d in range(len(s[0]))])
        return out


def test_equals_plain_loops_with_unequal_segments_and_repeated_videos() -> None:
    fs, ft, tau = features(3, 4, 7, seed=1), features(2, 5, 7, seed=2), 0.1
    pairs = [(0, 0), (0, 1), (2, 1), (1, 0), (2, 0)]
    loops = Loops(fs, ft, pairs, tau)
    si, ti = (torch.tensor(x) for x in zip(*pairs, strict=True))
    mask = torch.ones(len(pairs), dtype=torch.bool)

    a_co = coattention(fs, ft, si, ti)
    p = joint_normalise(a_co)
    a_s = mean_over_pairs(p.sum(2), si, mask, 3)
    a_t = mean_over_pairs(p.sum(1), ti, mask, 2)
    aligned = align(alignment_weights(a_co, norm="joint", tau=tau), fs, si)

    for n, pair in enumerate(pairs):
        np.testing.assert_allclose(a_co[n], loops.a_co(*pair), rtol=1e-4)
        np.testing.assert_allclose(p[n], loops.joint(*pair), rtol=1e-4, atol=1e-7)
        np.testing.assert_allclose(aligned[n], loops.aligned(*pair), rtol=1e-4, atol=1e-5)
    for i in range(3):
        np.testing.assert_allclose(a_s[i], loops.source_attention(i), rtol=1e-4)
    for t in range(2):
        np.testing.assert_allclose(a_t[t], loops.target_attention(t), rtol=1e-4)


@pytest.mark.parametrize("norm", ["joint", "raw", "zscore"])
def test_normalised_and_inside_the_convex_hull(norm: str) -> None:
    fs, ft = features(4, 3, 16, seed=3), features(5, 6, 16, seed=4)
    si, ti = torch.tensor([0, 1, 3, 3]), torch.tensor([4, 0, 0, 2])
    mask = torch.tensor([True, True, True, False])
    a_co = coattention(fs, ft, si, ti)
    p = joint_normalise(a_co)
    assert (p >= 0).all()
    torch.testing.assert_close(p.sum((1, 2)), torch.ones(4))
    for marginal, index, videos in ((p.sum(2), si, 4), (p.sum(1), ti, 5)):
        a = mean_over_pairs(marginal, index, mask, videos)
        torch.testing.assert_close(a.sum(1), torch.ones(videos))
    weights = alignment_weights(a_co, norm=norm, tau=0.5)
    torch.testing.assert_close(weights.sum(1), torch.ones(4, 6))
    aligned = align(weights, fs, si)
    assert (aligned >= fs[si].amin(1, keepdim=True) - 1e-5).all()
    assert (aligned <= fs[si].amax(1, keepdim=True) + 1e-5).all()


def test_scale_of_the_source_changes_nothing() -> None:
    fs, ft = features(2, 4, 16, seed=5), features(2, 4, 16, seed=6)
    si, ti = torch.tensor([0, 1]), torch.tensor([1, 0])
    a, b = coattention(fs, ft, si, ti), coattention(37 * fs, ft, si, ti)
    torch.testing.assert_close(joint_normalise(a), joint_normalise(b))
    torch.testing.assert_close(
        alignment_weights(a, norm="joint", tau=0.02), alignment_weights(b, norm="joint", tau=0.02)
    )


def test_permuted_segments_permute_the_attention() -> None:
    fs, ft = features(1, 4, 16, seed=7), features(1, 5, 16, seed=8)
    one = torch.tensor([0])
    order_s, order_t = torch.tensor([2, 0, 3, 1]), torch.tensor([4, 1, 0, 3, 2])

    def run(fs: Tensor, ft: Tensor) -> tuple[Tensor, Tensor]:
        a_co = coattention(fs, ft, one, one)
        return joint_normalise(a_co), align(alignment_weights(a_co, norm="joint", tau=0.3), fs, one)

    p, aligned = run(fs, ft)
    p_s, aligned_s = run(fs[:, order_s], ft)
    torch.testing.assert_close(p_s, p[:, order_s])
    torch.testing.assert_close(aligned_s, aligned)
    p_t, aligned_t = run(fs, ft[:, order_t])
    torch.testing.assert_close(p_t, p[:, :, order_t])
    torch.testing.assert_close(aligned_t, aligned[:, order_t])


def test_a_video_with_itself_is_symmetric() -> None:
    f, one = features(1, 5, 16, seed=9), torch.tensor([0])
    p = joint_normalise(coattention(f, f, one, one))
    torch.testing.assert_close(p, p.transpose(1, 2))
    torch.testing.assert_close(p.sum(1), p.sum(2))


def test_temperature_limits() -> None:
    fs, ft, one = features(1, 4, 16, seed=10), features(1, 4, 16, seed=11), torch.tensor([0])
    a_co = coattention(fs, ft, one, one)
    cold = alignment_weights(a_co, norm="joint", tau=1e-6)
    assert set(cold.unique().tolist()) == {0.0, 1.0}
    assert (cold.argmax(1) == a_co.argmax(1)).all()
    hot = alignment_weights(a_co, norm="joint", tau=1e6)
    torch.testing.assert_close(hot, torch.full_like(hot, 0.25))
    torch.testing.assert_close(align(hot, fs, one), fs.mean(1, keepdim=True).expand(1, 4, 16))


def test_by_hand() -> None:
    one = torch.tensor([0])
    fs = torch.tensor([[[1.0, 0.0], [1.0, 1.0]]])
    torch.testing.assert_close(self_attention(fs), torch.ones(1, 2))
    orthogonal = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
    p = joint_normalise(coattention(fs, orthogonal, one, one))
    torch.testing.assert_close(p, torch.full((1, 2, 2), 0.25))  # all zero: uniform, no NaN
    p = joint_normalise(coattention(fs, fs, one, one))
    torch.testing.assert_close(p, torch.tensor([[[0.2, 0.2], [0.2, 0.4]]]))
    torch.testing.assert_close(p.sum(1), torch.tensor([[0.4, 0.6]]))


def test_zero_matrix_has_finite_gradients() -> None:
    fs = torch.tensor([[[1.0, 0.0], [1.0, 1.0]]], requires_grad=True)
    ft = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]], requires_grad=True)
    one = torch.tensor([0])
    a_co = coattention(fs, ft, one, one)
    joint_normalise(a_co)[0, 0, 0].backward(retain_graph=True)
    alignment_weights(a_co, norm="zscore", tau=1.0)[0, 0, 0].backward()
    assert fs.grad.isfinite().all() and ft.grad.isfinite().all()


def test_one_segment_has_attention_one() -> None:
    torch.testing.assert_close(self_attention(features(3, 1, 8)), torch.ones(3, 1))


def test_video_without_pairs_is_uniform() -> None:
    marginal, index = torch.tensor([[0.9, 0.1], [0.8, 0.2]]), torch.tensor([0, 1])
    a = mean_over_pairs(marginal, index, torch.tensor([True, False]), 3)
    torch.testing.assert_close(a, torch.tensor([[0.9, 0.1], [0.5, 0.5], [0.5, 0.5]]))


def test_sharpening() -> None:
    a = torch.tensor([[0.5, 0.3, 0.2]])
    assert sharpen(a, 1.0) is a
    expected = np.array([0.25, 0.09, 0.04]) / 0.38
    np.testing.assert_allclose(sharpen(a, 0.5)[0], expected, rtol=1e-5)
    spread = [float(sharpen(a, t).max()) for t in (4.0, 2.0, 1.0, 0.5, 0.25)]
    assert all(x < y for x, y in pairwise(spread))


def test_unknown_norm_is_refused() -> None:
    with pytest.raises(ValueError, match="align_norm 'other'"):
        alignment_weights(torch.ones(1, 2, 2), norm="other", tau=1.0)


def test_sum_to_one() -> None:
    scores = torch.tensor([[3.0, 1.0, -2.0], [0.0, 0.0, -1.0]])
    expected = torch.tensor([[0.75, 0.25, 0.0], [1 / 3, 1 / 3, 1 / 3]])
    torch.testing.assert_close(to_simplex(scores), expected)
    torch.testing.assert_close(
        to_simplex(scores, "softmax"), scores.exp() / scores.exp().sum(1, True)
    )


def test_averaging_before_normalising_lets_strong_pairs_dominate() -> None:
    """Two pairs of source 0; the second has ten times the scores of the first."""
    a_co = torch.tensor([[[1.0, 1.0], [0.0, 0.0]], [[0.0, 10.0], [0.0, 10.0]]])
    pairs = Pairs(torch.tensor([0, 0]), torch.tensor([0, 1]), torch.tensor([True, True]))

    def both(norm: str) -> list[list[float]]:
        source, target = attention_vectors(a_co, pairs, (2, 2), norm=norm, how="l1")
        torch.testing.assert_close(source[1], torch.tensor([0.5, 0.5]))  # it has no pair
        torch.testing.assert_close(target, torch.tensor([[0.5, 0.5], [0.0, 1.0]]))
        return source[0].tolist()

    assert both("joint") == pytest.approx([0.75, 0.25])
    assert both("average") == pytest.approx([12 / 22, 10 / 22])
