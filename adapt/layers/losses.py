"""Loss terms as pure functions; a mask of zeros gives a finite zero, never NaN."""

from __future__ import annotations

import math
from typing import Literal

import torch.nn.functional as F
from torch import Tensor

AttentionLoss = Literal["mse", "l1", "smooth_l1", "kl"]
_REGRESSIONS = {"mse": F.mse_loss, "l1": F.l1_loss, "smooth_l1": F.smooth_l1_loss}


def masked_mean(x: Tensor, mask: Tensor) -> Tensor:
    """Mean of ``x`` [N, ...] over the rows where ``mask`` [N] is true; 0 where none is."""
    weight = mask.to(x.dtype).view(-1, *([1] * (x.dim() - 1))).expand_as(x)
    return (x * weight).sum() / weight.sum().clamp(min=1)


def domain_loss(logits: Tensor, label: int, mask: Tensor | None = None) -> Tensor:
    """Mean binary cross-entropy of discriminator logits [N, ...] against one domain label."""
    loss = F.softplus(-logits if label else logits)
    return loss.mean() if mask is None else masked_mean(loss, mask)


def domain_accuracy(ones: Tensor, zeros: Tensor, mask: Tensor | None = None) -> Tensor:
    """Balanced accuracy of a discriminator; ``mask`` [N] marks the real rows of ``zeros``."""
    right = (zeros <= 0).float()
    right = right.mean() if mask is None else masked_mean(right, mask)
    return ((ones > 0).float().mean() + right) / 2


def entropy(logits: Tensor) -> Tensor:
    """Entropy in nats of the predicted probabilities: [..., C] to [...]."""
    return -(logits.softmax(-1) * logits.log_softmax(-1)).sum(-1)


def information_maximisation(logits: Tensor) -> Tensor:
    """Mean entropy of predictions minus the entropy of their mean, in nats.

    Its negative is the mutual information of input and predicted class: least, -ln C, where every
    prediction is certain and all classes are predicted equally often (Shi and Sha 2012; SHOT, Liang
    et al. 2020).

    Args:
        logits: of target videos, [B, C].
    """
    log_p = logits.log_softmax(1)  # [B, C]
    log_mean = log_p.logsumexp(0) - math.log(len(log_p))  # [C], finite where the mean underflows
    return entropy(logits).mean() + (log_mean.exp() * log_mean).sum()


def attention_loss(
    predicted: Tensor, truth: Tensor, mask: Tensor, kind: AttentionLoss = "mse"
) -> Tensor:
    """Regression of attention, summed over segments, averaged over the masked videos (equation 7).

    Args:
        predicted, truth: [B, K], each row sums to 1.
        mask: videos that take part, [B].
        kind: squared, absolute or smooth absolute error, or the divergence KL(truth | predicted).
    """
    if kind == "kl":
        loss = F.kl_div(predicted.clamp(min=1e-12).log(), truth, reduction="none")
    else:
        loss = _REGRESSIONS[kind](predicted, truth, reduction="none")
    return masked_mean(loss.sum(1), mask)


def pseudo_label_loss(
    logits: Tensor, threshold: float, *, per: str = "batch"
) -> tuple[Tensor, Tensor]:
    """Cross-entropy of confident target videos against their own predicted class.

    Args:
        logits: of target videos, [B, C].
        threshold: probability of the predicted class from which a video takes part.
        per: ``batch`` divides by B (equation 8 as printed), ``accepted`` by those that take part.

    Returns:
        the loss and which videos take part, [B] bool.
    """
    confidence, label = logits.detach().softmax(1).max(1)
    accepted = confidence >= threshold
    loss = F.cross_entropy(logits, label, reduction="none")
    if per == "accepted":
        return masked_mean(loss, accepted), accepted
    return (loss * accepted).mean(), accepted
