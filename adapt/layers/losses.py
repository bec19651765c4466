"""Loss terms as pure functions; a mask of zeros gives a finite zero, never NaN."""

from __future__ import annotations

import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from .precision import full_precision

AttentionLoss = Literal["mse", "l1", "smooth_l1", "kl"]
_REGRESSIONS = {"mse": F.mse_loss, "l1": F.l1_loss, "smooth_l1": F.smooth_l1_loss}
_LEAST_ROW = 1e-12  # of a confusion matrix, where no video can be of a class


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
    """Mean entropy of predictions minus the entropy of their mean over the batch, in nats.

    Its negative is the mutual information of input and predicted class: least, -ln C, where every
    prediction is certain and all classes are predicted equally often (Shi and Sha 2012; SHOT, Liang
    et al. 2020).

    Args:
        logits: of target videos, [B, C].
    """
    log_p = logits.log_softmax(1)  # [B, C]
    log_mean = log_p.logsumexp(0) - math.log(len(log_p))  # [C], finite where the mean underflows
    return entropy(logits).mean() + (log_mean.exp() * log_mean).sum()


@full_precision
def class_confusion(logits: Tensor, *, temperature: float = 2.5) -> Tensor:
    """How far a batch's predictions confuse classes, MCC (Jin et al. 2020).

    Of the softened predictions P [B, C], ``P' diag(w) P`` correlates classes, where w = 1 + exp(-H)
    counts certain predictions more and is constant to gradients. The loss is the mean over its
    rows, each divided by its sum, of what lies off the diagonal. That division also cancels the
    paper's scaling of w to a mean of 1.

    Args:
        logits: of target videos, [B, C].
        temperature: divides them; 2.5 is the authors'.
    """
    softened = logits / temperature
    p = softened.softmax(1)  # [B, C]
    weight = 1 + torch.exp(-entropy(softened.detach()))  # [B]
    confusion = p.T @ (weight[:, None] * p)  # [C, C]
    confusion = confusion / confusion.sum(1, keepdim=True).clamp(min=_LEAST_ROW)
    return (confusion.sum() - confusion.trace()) / len(confusion)


def align_distribution(p: Tensor, mean: Tensor, wanted: Tensor) -> Tensor:
    """Predictions reweighted from their own class distribution to the ``wanted`` one, as far as
    each allows: normalise(p wanted / mean) (Berthelot et al. 2020, 2022).

    Args:
        p: probabilities, [B, C].
        mean, wanted: class distributions, [C].

    Returns:
        [B, C], each row sums to 1.
    """
    return F.normalize(p * (wanted / mean.clamp(min=1e-6)), p=1, dim=1)


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
