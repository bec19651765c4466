"""Which method to take where no label can tell: a validator's choice, unless something speaks
against it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
from scipy.special import softmax

from ....adapt.run.read import read_health
from ....cache import InputError
from ..label_free import pairwise_agreement
from .recommendation import COLLAPSED, Objection, Recommendation
from .selection import Selection

# Seeds of one training differ on about as many videos as they get wrong (Jiang et al. 2022), so
# below a half most predictions are likely wrong. Where source_only's seeds agree on no more, the
# task is hard, and this tells nothing of the method.
SEEDS_AGREE = 0.5


def recommend(
    selection: Selection, validator: str, findings: Sequence[Collection[str]]
) -> Recommendation:
    """Choose by a validator, or stay with source_only where its choice is not to be trusted.

    Args:
        selection: among methods, as `select_methods` makes it.
        validator: one that the selection has scores of.
        findings: of each method, the kinds of what looked wrong, as `findings_of` reads them.
    """
    logits = [
        np.stack([run.predictions["target_train"].logits[-1] for run in candidate.runs])
        for candidate in selection.candidates
    ]  # M times [S, n, C]
    seeds_agree = np.array([pairwise_agreement(one) for one in logits])
    means = np.stack([softmax(one, axis=2).mean(0) for one in logits])  # [M, n, C]
    chosen, _ = selection.best(validator)
    return Recommendation(
        selection=selection,
        validator=validator,
        objection=objection_to(chosen, seeds_agree, findings),
        seeds_agree=seeds_agree,
        methods_agree=pairwise_agreement(means),
        findings=tuple(tuple(sorted(set(kinds))) for kinds in findings),
    )


def objection_to(
    chosen: int, seeds_agree: np.ndarray, findings: Sequence[Collection[str]]
) -> Objection | None:
    """What speaks against taking a method: one of its runs collapsed, or its seeds differ on most
    videos and more than source_only's do. Nothing does against source_only.

    Args:
        chosen: index of the method; the last one is source_only.
        seeds_agree: of each method [M], NaN where it is not known.
        findings: of each method, the kinds of what looked wrong in training.
    """
    if chosen == len(seeds_agree) - 1:
        return None
    if not COLLAPSED.isdisjoint(findings[chosen]):
        return "collapsed"
    if seeds_agree[chosen] < min(SEEDS_AGREE, seeds_agree[-1]):  # false for NaN
        return "seeds disagree"
    return None


def findings_of(selection: Selection) -> list[list[str]]:
    """The kinds of what looked wrong in the training of each candidate's runs; "unknown" where a
    run's file of it cannot be read."""
    return [[kind for run in c.runs for kind in _kinds(run.path)] for c in selection.candidates]


def _kinds(path: Path) -> list[str]:
    try:
        return [finding.kind for finding in read_health(path)]
    except InputError:  # said by the evaluation's health
        return ["unknown"]
