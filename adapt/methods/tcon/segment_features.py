"""G_f of the cached mode: segment features from one snippet of each segment, or from several."""

from __future__ import annotations

from torch import Tensor, nn

from ....cache.errors import InputError
from ...layers.networks import Bottleneck
from ...layers.relations import MOST_SEGMENTS, WIDTH, Relations, relate_snippets


class RelatedSnippets(nn.Module):
    """Linear-ReLU on each snippet, then the temporal relations of each segment's snippets.

    Args:
        in_features: D_in.
        features: width of the Linear-ReLU, 0 for none.
        snippets: m of each segment.
    """

    def __init__(self, in_features: int, features: int, snippets: int) -> None:
        super().__init__()
        self.bottleneck = Bottleneck(in_features, features)
        self.relations = Relations(self.bottleneck.width, snippets)

    def forward(self, x: Tensor) -> Tensor:
        """[B, K m, D_in] to non-negative [B, K, 256]."""
        return relate_snippets(self.relations, self.bottleneck(x))


def make_segment_features(
    in_features: int, features: int, snippets: int
) -> tuple[Bottleneck | RelatedSnippets, int]:
    """G_f and the width of its segment features, D.

    Raises:
        InputError: more snippets than relations can take.
    """
    if snippets == 1:
        bottleneck = Bottleneck(in_features, features)
        return bottleneck, bottleneck.width
    if snippets > MOST_SEGMENTS:
        raise InputError(f"snippets={snippets}: a segment can have at most {MOST_SEGMENTS}")
    return RelatedSnippets(in_features, features, snippets), WIDTH
