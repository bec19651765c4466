"""Metrics, intervals and label-free scores against independent implementations."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import entropy, norm
from sklearn.metrics import accuracy_score, balanced_accuracy_score, confusion_matrix, recall_score

from tcon.evaluate.scores.intervals import accuracy_interval, bootstrap, difference_interval, wilson
from tcon.evaluate.scores.label_free import confident_share, mean_entropy, mutual_information
from tcon.evaluate.scores.metrics import accuracy, class_accuracies, confusion, mean_class_accuracy


def test_accuracies_equal_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    truth = rng.choice([0, 1, 2, 4], size=80, p=[0.6, 0.2, 0.1, 0.1])  # class 3 does not occur
    predicted = np.where(rng.random(80) < 0.6, truth, 0)
    assert accuracy(predicted, truth) == pytest.approx(accuracy_score(truth, predicted))
    expected = balanced_accuracy_score(truth, predicted)
    assert mean_class_accuracy(predicted, truth) == pytest.approx(expected)


def test_confusion_and_class_accuracies_equal_scikit_learn() -> None:
    rng = np.random.default_rng(3)
    truth = rng.choice([0, 1, 2, 4], size=60)  # class 3 does not occur
    predicted = rng.integers(5, size=60)  # but is predicted
    counts = confusion(predicted, truth, 5)
    np.testing.assert_array_equal(counts, confusion_matrix(truth, predicted, labels=range(5)))
    shown = [0, 1, 2, 4]
    recalls = recall_score(truth, predicted, labels=shown, average=None)
    assert class_accuracies(counts)[shown] == pytest.approx(recalls)
    assert np.isnan(class_accuracies(counts)[3])
    assert np.nanmean(class_accuracies(counts)) == pytest.approx(
        mean_class_accuracy(predicted, truth)
    )


@pytest.mark.parametrize(("right", "total"), [(0, 10), (10, 10), (37, 48), (53, 54)])
def test_wilson_by_its_formula(right: int, total: int) -> None:
    z, p = norm.ppf(0.975), right / total
    centre = (p + z**2 / (2 * total)) / (1 + z**2 / total)
    half = z / (1 + z**2 / total) * np.sqrt(p * (1 - p) / total + z**2 / (4 * total**2))
    assert wilson(right, total) == pytest.approx((centre - half, centre + half), abs=1e-9)


def test_bootstrap_by_a_plain_loop() -> None:
    rng = np.random.default_rng(1)
    correct = rng.random((3, 40)) < np.linspace(0.2, 0.9, 40)
    means = []
    for _ in range(4000):
        seeds, videos = rng.integers(3, size=3), rng.integers(40, size=40)
        means.append(np.mean([correct[s, v] for s in seeds for v in videos]))
    assert bootstrap(correct) == pytest.approx(np.percentile(means, [2.5, 97.5]), abs=0.015)


def test_bootstrap_does_not_shrink_with_seeds_that_agree() -> None:
    one = np.random.default_rng(2).random((1, 50)) < 0.7
    assert bootstrap(np.repeat(one, 20, 0)) == pytest.approx(bootstrap(one), abs=0.021)


def test_bootstrap_of_differences_by_a_plain_loop() -> None:
    values = np.random.default_rng(4).integers(-1, 2, size=(2, 30))
    rng, means = np.random.default_rng(5), []
    for _ in range(4000):
        seeds, videos = rng.integers(2, size=2), rng.integers(30, size=30)
        means.append(values[np.ix_(seeds, videos)].mean())
    assert bootstrap(values) == pytest.approx(np.percentile(means, [2.5, 97.5]), abs=0.04)


def test_bootstrap_of_many_seeds_by_a_plain_loop() -> None:
    """Nearly every video differs from every other, and so does every draw of ten seeds."""
    values = np.random.default_rng(6).integers(-1, 2, size=(10, 60))
    rng, means = np.random.default_rng(7), []
    for _ in range(4000):
        seeds, videos = rng.integers(10, size=10), rng.integers(60, size=60)
        means.append(values[np.ix_(seeds, videos)].mean())
    assert bootstrap(values) == pytest.approx(np.percentile(means, [2.5, 97.5]), abs=0.012)


@pytest.mark.parametrize("seeds", [1, 3])
@pytest.mark.parametrize("right", [True, False])
def test_accuracy_without_spread_is_wilsons(seeds: int, right: bool) -> None:
    z = norm.ppf(0.975)
    margin = z**2 / (16 + z**2)  # Wilson's upper bound of 0 of 16
    expected = (1 - margin, 1) if right else (0, margin)
    assert accuracy_interval(np.full((seeds, 16), right)) == pytest.approx(expected)


def test_other_accuracies() -> None:
    one = np.arange(20)[None] < 13
    assert accuracy_interval(one) == wilson(13, 20)
    two = np.repeat(one, 2, 0)
    assert accuracy_interval(two) == bootstrap(two)


@pytest.mark.parametrize("all_are", [0, 1, -1])
def test_difference_without_spread(all_are: int) -> None:
    z = norm.ppf(0.975)
    margin = z**2 / (30 + z**2)
    expected = {0: (-margin, margin), 1: (1 - margin, 1), -1: (-1, margin - 1)}[all_are]
    assert difference_interval(np.full((2, 30), all_are)) == pytest.approx(expected)


def test_other_differences() -> None:
    values = np.random.default_rng(4).integers(-1, 2, size=(2, 30))
    assert difference_interval(values) == bootstrap(values)


def test_label_free_scores() -> None:
    logits = np.array([[3.0, 0.0, 0.0], [0.0, 2.0, -1.0], [0.1, 0.0, 0.2]])
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    expected = np.mean([entropy(row) for row in p])
    assert mean_entropy(logits) == pytest.approx(expected)
    assert mutual_information(logits) == pytest.approx(entropy(p.mean(0)) - expected)
    assert confident_share(logits) == pytest.approx(1 / 3)
    one_class = np.tile([9.0, 0.0, 0.0], (5, 1))
    assert mutual_information(one_class) == pytest.approx(0, abs=1e-9)  # confident but collapsed
