"""Validators against plain loops, hand-computed values and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import entropy
from sklearn.metrics import accuracy_score

from tcon.cache import InputError
from tcon.evaluate.scores.choices.validators import DEFAULT, VALIDATORS, validator
from tcon.evaluate.scores.label_free import ensemble_agreement, soft_neighbourhood_density


def snd_by_loops(logits: np.ndarray, temperature: float = 0.05) -> float:
    p = np.array([np.exp(row) / np.exp(row).sum() for row in logits])
    entropies = []
    for i in range(len(p)):
        scores = [
            p[i] @ p[j] / np.sqrt((p[i] @ p[i]) * (p[j] @ p[j])) / temperature
            for j in range(len(p))
            if j != i
        ]
        entropies.append(entropy(np.exp(scores) / np.exp(scores).sum()))
    return float(np.mean(entropies))


@pytest.mark.parametrize("n", [2, 3, 40])
def test_snd_by_loops(n: int) -> None:
    logits = np.random.default_rng(n).normal(size=(n, 4)) * 3
    assert soft_neighbourhood_density(logits) == pytest.approx(snd_by_loops(logits), abs=1e-9)


def test_snd_across_chunks() -> None:
    """The matrix is built in rows of 512: the last video's neighbours are in all of them."""
    one_hot = np.eye(3)[np.arange(1200) % 3] * 50.0
    cosine = np.where(np.arange(1200) % 3 == 0, 1.0, 0.0)[1:]  # of video 0 with the others
    weights = np.exp(cosine / 0.05)
    expected = entropy(weights / weights.sum())  # the same for every video
    assert soft_neighbourhood_density(one_hot) == pytest.approx(expected, abs=1e-9)


def test_snd_extremes() -> None:
    assert soft_neighbourhood_density(np.zeros((1, 3))) == 0
    # All equal is the highest there is, collapsed and undecided alike: a known failure.
    for collapsed in (np.tile([9.0, 0, 0], (30, 1)), np.zeros((30, 3))):
        assert soft_neighbourhood_density(collapsed) == pytest.approx(np.log(29))


@pytest.mark.slow
def test_snd_of_a_subset() -> None:
    logits = np.random.default_rng(0).normal(size=(400, 4))
    some = soft_neighbourhood_density(logits, max_videos=100)
    assert some == soft_neighbourhood_density(logits, max_videos=100)
    assert some != soft_neighbourhood_density(logits, max_videos=100, seed=1)
    zeros = np.zeros((400, 4))
    assert soft_neighbourhood_density(zeros, max_videos=100) == pytest.approx(np.log(99))
    assert soft_neighbourhood_density(logits, max_videos=400) == pytest.approx(snd_by_loops(logits))


def test_ensemble_agreement_by_hand() -> None:
    # Probabilities of class 0 and 1; the third candidate outvotes the others on the first video,
    # the others outvote it on the second.
    p = np.array(
        [
            [[0.6, 0.4], [0.7, 0.3], [0.9, 0.1]],
            [[0.6, 0.4], [0.6, 0.4], [0.4, 0.6]],
            [[0.1, 0.9], [0.4, 0.6], [0.7, 0.3]],
        ]
    )  # means of class 0: 0.43, 0.57, 0.67
    np.testing.assert_allclose(ensemble_agreement(np.log(p)), [2 / 3, 1 / 3, 2 / 3])


def test_source_accuracy_equals_scikit_learn() -> None:
    rng = np.random.default_rng(3)
    logits, truth = rng.normal(size=(4, 30, 5)), rng.integers(5, size=30)
    expected = [accuracy_score(truth, one.argmax(1)) for one in logits]
    np.testing.assert_allclose(VALIDATORS["source_accuracy"].score(logits, truth), expected)


def test_collapse_to_one_class() -> None:
    """Entropy and SND choose a collapsed candidate; mutual information and EnsV do not."""
    rng = np.random.default_rng(4)
    truth = rng.integers(3, size=60)
    good = [np.eye(3)[truth] * 3 + rng.normal(size=(60, 3)) for _ in range(3)]
    logits = np.stack([*good, np.tile([20.0, 0, 0], (60, 1))])
    assert np.mean(softmax(good[0], axis=1).argmax(1) == truth) > 0.8

    def chosen(name: str) -> int:
        return VALIDATORS[name].best(VALIDATORS[name].score(logits, None))[0]

    assert chosen("entropy") == chosen("snd") == 3
    assert chosen("mutual_information") != 3 and chosen("ensv") != 3
    # Where most candidates have collapsed, EnsV goes with them.
    most = np.stack([good[0], *[logits[-1]] * 3])
    assert VALIDATORS["ensv"].best(ensemble_agreement(most))[0] == 3


def test_best() -> None:
    high, low = VALIDATORS["ensv"], VALIDATORS["entropy"]
    assert high.best(np.array([0.2, 0.9, 0.5])) == (1, 1)
    assert low.best(np.array([0.2, 0.9, 0.5])) == (0, 1)
    assert high.best(np.array([0.9, 0.9, 0.5, 0.9 - 1e-12])) == (3, 3)  # a tie: the last
    assert low.best(np.array([np.nan, 0.3, np.nan])) == (1, 1)


def test_names() -> None:
    assert validator(DEFAULT).reads == "target_train"
    with pytest.raises(InputError, match="did you mean entropy"):
        validator("entrpy")
