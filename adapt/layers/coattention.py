"""Cross-domain co-attention (TCoN, equations 1-5 and 9) as pure functions.

Shapes: B videos of a domain (Bs source, Bt target), K segments (Ks, Kt), D feature dimensions,
N pairs of a source and a target video. ``si`` and ``ti`` [N] name the videos of each pair, ``mask``
[N] is true for real pairs and false for padding. Scores and attention are float32.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from .pairs import Pairs
from .precision import full_precision

Simplex = Literal["l1", "softmax"]
_EPS = 1e-12


@full_precision
def self_attention(f: Tensor) -> Tensor:
    """How much each segment resembles its video's other segments: equations (1) and (2).

    ``a_j = 1/(K-1) sum_{m != j} <f_j, f_m>``, computed as ``<f_j, (sum_m f_m) - f_j> / (K-1)``.
    A single segment has attention 1.

    Args:
        f: segment features, [B, K, D].

    Returns:
        [B, K].
    """
    segments = f.shape[1]
    if segments == 1:
        return f.new_ones(f.shape[:2])
    others = f.sum(1, keepdim=True) - f  # [B, K, D]
    return (f * others).sum(-1) / (segments - 1)


def deviation(f: Tensor, mean: Tensor | None = None) -> Tensor:
    """Segments less their domain's mean: what each shows that its domain does not always show.

    Args:
        f: segment features of videos of one domain, [B, K, D].
        mean: of the domain, [D]; that of ``f`` if None.

    Returns:
        [B, K, D], of either sign.
    """
    return f - (f.mean((0, 1)) if mean is None else mean)


@full_precision
def salience(deviations: Tensor) -> Tensor:
    """How much a segment stands out, in place of (1) and (2): [B, K, D] to squared lengths
    [B, K]."""
    return deviations.square().sum(-1)


@full_precision
def coattention(
    source: Tensor,
    target: Tensor,
    si: Tensor,
    ti: Tensor,
    own: Callable[[Tensor], Tensor] = self_attention,
) -> Tensor:
    """Co-attention matrix of each pair: equation (3).

    ``A[j, j'] = a_ss[j] * a_tt[j'] * <f_s[j], f_t[j']>``.

    Args:
        source: [Bs, Ks, D].
        target: [Bt, Kt, D].
        si, ti: [N].
        own: makes a_ss [Bs, Ks] and a_tt [Bt, Kt] of these features.

    Returns:
        [N, Ks, Kt], rows are source segments.
    """
    a_ss, a_tt = own(source), own(target)  # [Bs, Ks], [Bt, Kt]
    # One product for all videos costs less than a gather of each pair's features, whose gradient
    # scatters. That of `index_select` is the same in every run, unlike that of indexing.
    products = source.flatten(0, 1) @ target.flatten(0, 1).T  # [Bs Ks, Bt Kt]
    products = products.unflatten(1, target.shape[:2]).unflatten(0, source.shape[:2])
    every = products.transpose(1, 2).flatten(0, 1)  # [Bs Bt, Ks, Kt]
    a_st = every.index_select(0, si * len(target) + ti)  # [N, Ks, Kt]
    return a_ss.index_select(0, si)[:, :, None] * a_tt.index_select(0, ti)[:, None, :] * a_st


def to_simplex(scores: Tensor, how: Simplex = "l1") -> Tensor:
    """Make scores sum to 1 over the last axis (ambiguity B3).

    Args:
        scores: [..., K].
        how: ``l1`` sets negative scores to 0 and divides by the sum, which keeps ratios and has no
            scale; all zeros become uniform. ``softmax`` is taken of the scores as they are.

    Returns:
        [..., K], non-negative.
    """
    if how == "softmax":
        return scores.softmax(-1)
    positive = scores.clamp(min=0)
    total = positive.sum(-1, keepdim=True)
    uniform = torch.full_like(positive, 1 / positive.shape[-1])
    return torch.where(total > _EPS, positive / total.clamp(min=_EPS), uniform)


def joint_normalise(a_co: Tensor, how: Simplex = "l1") -> Tensor:
    """Make each matrix a joint distribution over (source segment, target segment).

    By ``l1`` this is scale-free: the products of three feature vectors in equation (3) have no
    natural scale.

    Args:
        a_co: [N, Ks, Kt].
        how: as in `to_simplex`.

    Returns:
        [N, Ks, Kt], non-negative, each matrix sums to 1.
    """
    return to_simplex(a_co.flatten(1), how).view_as(a_co)


def mean_over_pairs(marginal: Tensor, index: Tensor, mask: Tensor, videos: int) -> Tensor:
    """Average the pairs' attention vectors of each video: equations (4) and (5).

    Args:
        marginal: row or column sums of the pairs' matrices, [N, K].
        index: the video of each pair, [N].
        mask: [N].
        videos: B.

    Returns:
        [B, K], 1/K everywhere for a video without pairs.
    """
    weight = mask.to(marginal.dtype)
    total = marginal.new_zeros(videos, marginal.shape[1])
    total = total.index_add(0, index, marginal * weight[:, None])  # [B, K]
    pairs = marginal.new_zeros(videos).index_add(0, index, weight)[:, None]  # M, [B, 1]
    uniform = torch.full_like(total, 1 / marginal.shape[1])
    return torch.where(pairs > 0, total / pairs.clamp(min=1), uniform)


def attention_vectors(
    a_co: Tensor,
    pairs: Pairs,
    videos: tuple[int, int],
    *,
    norm: Literal["joint", "average"],
    how: Simplex,
) -> tuple[Tensor, Tensor]:
    """Attention of source and target videos that sums to 1: equations (4) and (5).

    Args:
        a_co: [N, Ks, Kt].
        videos: Bs and Bt.
        norm: make each pair's matrix a ``joint`` distribution and average its marginals, so that
            all pairs count alike; or ``average`` the sums of the raw matrices and normalise then,
            as printed (ambiguity B4).
        how: as in `to_simplex`.

    Returns:
        [Bs, Ks] and [Bt, Kt], uniform for a video without pairs.
    """
    scores = joint_normalise(a_co, how) if norm == "joint" else a_co
    source = mean_over_pairs(scores.sum(2), pairs.si, pairs.mask, videos[0])
    target = mean_over_pairs(scores.sum(1), pairs.ti, pairs.mask, videos[1])
    if norm == "joint":
        return source, target
    return to_simplex(source, how), to_simplex(target, how)


def sharpen(attention: Tensor, temperature: float) -> Tensor:
    """``a^(1/temperature)``, renormalised over the last axis; the identity at temperature 1."""
    if temperature == 1:
        return attention
    powered = attention.clamp(min=_EPS) ** (1 / temperature)
    return powered / powered.sum(-1, keepdim=True)


def alignment_weights(a_co: Tensor, *, norm: str, tau: float) -> Tensor:
    """Weights of the source segments in each target-aligned segment: the softmax for (9).

    Args:
        a_co: co-attention matrices of equation (3), [N, Ks, Kt].
        norm: what the softmax over source segments sees: ``joint`` (Ks Kt times the joint
            distribution), ``raw`` (the matrix itself) or ``zscore`` (standardised per matrix).
        tau: temperature; small is one-hot, large is uniform.

    Returns:
        [N, Ks, Kt], each column sums to 1.
    """
    if norm == "joint":
        scores = joint_normalise(a_co) * (a_co.shape[1] * a_co.shape[2])
    elif norm == "raw":
        scores = a_co
    elif norm == "zscore":
        centred = a_co - a_co.mean((1, 2), keepdim=True)
        deviation = centred.square().mean((1, 2), keepdim=True).clamp(min=_EPS).sqrt()
        scores = centred / deviation
    else:
        raise ValueError(f"align_norm '{norm}' is not joint, raw or zscore")
    return F.softmax(scores / tau, dim=1)


def align(weights: Tensor, source: Tensor, si: Tensor) -> Tensor:
    """Target-aligned source features: equation (9).

    ``f_hat[k, j'] = sum_j W_k[j, j'] f_s[si[k], j]``, a convex combination of source segments.

    Args:
        weights: [N, Ks, Kt].
        source: [Bs, Ks, D].
        si: [N].

    Returns:
        [N, Kt, D].
    """
    return torch.einsum("njk,njd->nkd", weights, source.index_select(0, si))


def mix_projected(
    weights: Tensor, projected: Tensor, si: Tensor, ti: Tensor, targets: int
) -> Tensor:
    """A linear layer on the concatenated target-aligned features, without making them.

    ``sum_j' L_j'(f_hat[k, j']) = sum_j' sum_j W_k[j, j'] L_j'(f_s[si[k], j])``: each source
    segment is projected once, instead of each pair's mixture, and the projections are mixed.

    Args:
        weights: [N, Ks, Kt].
        projected: source segments through the layer's block for each target segment,
            [Bs, Ks, Kt, H].
        si, ti: [N], no pair twice.
        targets: Bt.

    Returns:
        [N, H].
    """
    videos, _, _, hidden = projected.shape
    flat = weights.flatten(1)  # [N, Ks Kt]
    dense = flat.new_zeros(videos, targets, flat.shape[1]).index_put((si, ti), flat)
    mixed = dense @ projected.reshape(videos, -1, hidden)  # [Bs, Bt, H]
    return mixed.flatten(0, 1).index_select(0, si * targets + ti)


def mix_rows(weights: Tensor, projected: Tensor, video: Tensor) -> Tensor:
    """A mixture of the segments of one video in each row.

    Args:
        weights: [R, K].
        projected: segments, [B, K, H].
        video: of each row, [R].

    Returns:
        [R, H].
    """
    videos, segments, _ = projected.shape
    if projected.dtype == torch.float32:
        of_row = projected.index_select(0, video)  # [R, K, H]
        return torch.einsum("rk,rkh->rh", weights, of_row)
    # B times the multiplications, but no gradient that scatters: in bf16 it takes less time.
    places = video[:, None] * segments + torch.arange(segments, device=video.device)  # [R, K]
    dense = weights.new_zeros(len(weights), videos * segments).scatter(1, places, weights)
    return dense @ projected.flatten(0, 1)
