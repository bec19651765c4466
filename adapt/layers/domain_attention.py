"""Domain entropy as attention (TA3N, Chen et al., ICCV 2019).

A domain branch gives one logit z per row, positive for target. With two logits a and b the
probability, the cross-entropy and the entropy depend on z = b - a alone, so nothing is lost; only
the last layer of two logits would move twice as fast.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from .losses import entropy


def domain_entropy(logits: Tensor) -> Tensor:
    """Entropy of the two domains' probabilities, in nats: [...] to [...] in [0, ln 2]."""
    certainty = logits.abs()  # the entropy is even in z, and this form never cancels
    return (-certainty).sigmoid() * certainty + F.softplus(-certainty)


def domain_attention(logits: Tensor) -> Tensor:
    """w = 1 - H: domain logits [...] to weights in [1 - ln 2, 1], high where domains differ."""
    return 1 - domain_entropy(logits)


def attentive_entropy(logits: Tensor, domain_logits: Tensor) -> Tensor:
    """Mean of (1 + H(domain)) H(class): certain classes, above all where domains look alike.

    Args:
        logits: class logits of source and target videos, [B, C].
        domain_logits: of the same videos, [B].
    """
    return ((1 + domain_entropy(domain_logits)) * entropy(logits)).mean()
