"""Temporal relations: networks on ordered tuples of segments (TRN, Zhou et al. 2018).

Scale s relates s segments. Its tuples are the combinations of s of the K segments, in temporal
order; they share one network, and a few of them are summed. Unlike an average over segments, a
relation can tell in which order things happen.
"""

from __future__ import annotations

from itertools import combinations

import torch
from torch import Tensor, nn

from ...cache.errors import InputError
from .networks import draw_mask
from .precision import widen

WIDTH = 256
MOST_SEGMENTS = 16  # 65,519 tuples; each further segment doubles them


def evenly_spaced(count: int, chosen: int) -> list[int]:
    """``chosen`` of the numbers below ``count``: ceil(i * count / chosen), as TA3N's code does."""
    return [-(-i * count // chosen) for i in range(chosen)]


class Relation(nn.Module):
    """One scale: ReLU - Linear - ReLU on each tuple of ``size`` segments, summed over tuples.

    Args:
        features: D.
        segments: K.
        size: s, segments in a tuple.
    """

    tuples: Tensor

    def __init__(self, features: int, segments: int, size: int) -> None:
        super().__init__()
        tuples = torch.tensor(list(combinations(range(segments), size)))  # [C(K, s), s]
        self.register_buffer("tuples", tuples, persistent=False)
        self.linear = nn.Linear(size * features, WIDTH)

    def forward(self, f: Tensor, chosen: Tensor) -> Tensor:
        """[B, K, D] and n row numbers of ``tuples``, [n], to [B, 256]."""
        rows = self.tuples[chosen]  # [n, s]
        # `index_select` has a gradient that is the same in every run, unlike that of indexing.
        x = f.relu().index_select(1, rows.flatten()).unflatten(1, rows.shape)  # [B, n, s, D]
        x = x.flatten(2)
        return self.linear(x).relu().sum(1)


class Relations(nn.Module):
    """All scales from K segments down to 2.

    Args:
        features: D.
        segments: K.
        most: tuples of each scale that are summed, or all where there are fewer.

    Raises:
        InputError: fewer than two segments, or more than 16.
    """

    evenly: Tensor

    def __init__(self, features: int, segments: int, *, most: int = 3) -> None:
        super().__init__()
        if not 2 <= segments <= MOST_SEGMENTS:
            raise InputError(
                f"temporal relations need 2 to {MOST_SEGMENTS} segments, not {segments}: "
                "choose so many with --segments"
            )
        sizes = range(segments, 1, -1)
        self.segments = segments
        scales = [Relation(features, segments, size) for size in sizes]
        self.scales = nn.ModuleList(scales)
        self.counts = [len(scale.tuples) for scale in scales]
        self.chosen = [min(most, count) for count in self.counts]
        evenly = map(evenly_spaced, self.counts, self.chosen)
        self.register_buffer("evenly", torch.tensor(sum(evenly, [])), persistent=False)

    def draw(self, generator: torch.Generator) -> Tensor:
        """Tuples for one training step, of each scale some without replacement.

        Returns:
            their row numbers, scale after scale, [T].
        """
        orders = [
            torch.randperm(count, generator=generator, device=generator.device)[:chosen]
            for count, chosen in zip(self.counts, self.chosen, strict=True)
        ]
        return torch.cat(orders)

    def forward(self, f: Tensor, drawn: Tensor | None = None) -> Tensor:
        """Relate segments.

        Args:
            f: [B, K, D].
            drawn: from `draw`; None for the evenly spaced tuples.

        Returns:
            [B, K-1, 256], non-negative, the largest scale first.
        """
        parts = (self.evenly if drawn is None else drawn).split(self.chosen)
        scales = zip(self.scales, parts, strict=True)
        return torch.stack([scale(f, chosen) for scale, chosen in scales], 1)


class RelationClassifier(nn.Module):
    """Multi-scale TRN as a classifier: a linear layer per scale, summed over scales and tuples.

    That sum is one linear layer on the concatenated scales. Its one bias stands for the authors'
    one per scale, which they add once per tuple.

    Args:
        features: D.
        segments: K.
        classes: C.
        dropout: probability, on the segments before they are related.
    """

    def __init__(self, features: int, segments: int, classes: int, *, dropout: float) -> None:
        super().__init__()
        self.features, self.dropout = features, dropout
        self.relations = Relations(features, segments)
        self.linear = nn.Linear((segments - 1) * WIDTH, classes)

    def draw(self, videos: int, segments: int, generator: torch.Generator) -> Tensor:
        """Dropout mask [videos, segments, D]."""
        return draw_mask((videos, segments, self.features), self.dropout, generator)

    def forward(self, f: Tensor, mask: Tensor | None = None, drawn: Tensor | None = None) -> Tensor:
        """[B, K, D] to video logits [B, C]."""
        r = self.relations(f if mask is None else f * mask, drawn)  # [B, K-1, 256]
        return widen(self.linear(r.flatten(1)))


def relate_snippets(relations: Relations, f: Tensor) -> Tensor:
    """Segment features from the snippets within each segment, summed over scales.

    Args:
        relations: of m "segments", here the snippets of one segment. With m = 3 both scales use
            all of their tuples.
        f: snippets, those of a segment side by side, [B, K m, D].

    Returns:
        [B, K, 256], non-negative.
    """
    snippets = f.unflatten(1, (-1, relations.segments))  # [B, K, m, D]
    return relations(snippets.flatten(0, 1)).sum(1).unflatten(0, snippets.shape[:2])
