"""Validators: scores by which a candidate is chosen without any target label."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ....cache.errors import unknown
from ..label_free import (
    ensemble_agreement,
    mean_entropy,
    mutual_information,
    soft_neighbourhood_density,
)
from ..metrics import accuracy

Score = Callable[[np.ndarray, np.ndarray | None], np.ndarray]


@dataclass(frozen=True)
class Validator:
    """One way to score candidates. None reads the target's test videos or any target label.

    Args:
        name: as in ``--validator``.
        reads: whose logits it sees: unlabelled target videos that were trained on, or labelled
            source videos that were not.
        higher_is_better: whether the highest or the lowest score is chosen.
        score: logits of M candidates [M, n, C] and the true classes [n] of source videos, None for
            the target's, to scores [M].
    """

    name: str
    reads: Literal["target_train", "source_val"]
    higher_is_better: bool
    score: Score

    def best(self, scores: np.ndarray) -> tuple[int, int]:
        """The chosen candidate, and how many have its score: a tie goes to the last of them.

        Args:
            scores: [M]; NaN is never chosen.
        """
        tied = self.all_best(scores)
        return tied[-1], len(tied)

    def all_best(self, scores: np.ndarray) -> list[int]:
        """Indices of all candidates with the best score, rising.

        Args:
            scores: [M]; NaN is never among them.
        """
        return highest(scores if self.higher_is_better else -scores)


def highest(values: np.ndarray) -> list[int]:
    """Indices of all highest values, rising; [M], not all NaN."""
    return [int(m) for m in np.flatnonzero(values >= np.nanmax(values) - 1e-9)]


def validator(name: str) -> Validator:
    """The validator of a name.

    Raises:
        InputError: there is none; the message names the nearest.
    """
    if name not in VALIDATORS:
        raise unknown("validator", name, VALIDATORS)
    return VALIDATORS[name]


def _each(measure: Callable[[np.ndarray], float]) -> Score:
    return lambda logits, _: np.array([measure(one) for one in logits])


def _source_accuracy(logits: np.ndarray, truth: np.ndarray | None) -> np.ndarray:
    if truth is None:
        raise ValueError("source_accuracy needs the true classes")
    return np.array([accuracy(one.argmax(1), truth) for one in logits])


# What each one overlooks is in docs/evaluation.md. EnsV is the default: it reads no labels, has no
# constants and follows no candidate that most others contradict, such as a collapsed one. Of 8
# earlier validators Hu et al. (2024) found none to reliably avoid the worst candidate, but EnsV to.
DEFAULT = "ensv"
VALIDATORS = {
    v.name: v
    for v in (
        Validator("ensv", "target_train", True, lambda logits, _: ensemble_agreement(logits)),
        Validator("entropy", "target_train", False, _each(mean_entropy)),
        Validator("mutual_information", "target_train", True, _each(mutual_information)),
        Validator("snd", "target_train", True, _each(soft_neighbourhood_density)),
        Validator("source_accuracy", "source_val", True, _source_accuracy),
    )
}
