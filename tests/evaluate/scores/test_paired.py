"""Paired comparison against scipy, hand-computed values and plain loops."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from feature_files import write_domain
from handmade_runs import logits, write_run
from scipy.stats import binom

from tcon.evaluate.runs.groups import Group, group_runs
from tcon.evaluate.runs.read import find_runs
from tcon.evaluate.scores.paired import Comparison, compare, mcnemar


@pytest.mark.parametrize(("gained", "lost"), [(0, 0), (1, 0), (5, 0), (9, 3), (2, 8), (6, 6)])
def test_mcnemar_by_the_binomial_distribution(gained: int, lost: int) -> None:
    agree = [True] * 4 + [False] * 3
    correct = np.array([True] * gained + [False] * lost + agree)
    baseline = np.array([False] * gained + [True] * lost + agree)
    test = mcnemar(correct, baseline)
    assert (test.gained, test.lost) == (gained, lost)
    # The distribution is symmetric: twice the smaller tail.
    assert test.p == pytest.approx(min(1, 2 * binom.cdf(min(gained, lost), gained + lost, 0.5)))


def test_mcnemar_by_hand() -> None:
    assert mcnemar(np.array([1, 1, 1, 1, 1, 0], bool), np.zeros(6, bool)).p == 2 / 2**5


@pytest.fixture
def groups(tmp_path: Path) -> dict[str, Group]:
    """Of 15 videos `source_only` gets 6 and 9 right at its seeds, `tcon` 12, 9 and 15."""
    files = write_domain(tmp_path / "a.h5", videos=30), write_domain(tmp_path / "b.h5", videos=30)
    for method, right in (("source_only", (6, 9)), ("tcon", (12, 9, 15))):
        for seed, count in enumerate(right):
            write_run(tmp_path, files, train=[logits(15, count, 3)], method=method, seed=seed)
    return {group.method: group for group in group_runs(find_runs([tmp_path])[0])}


def compared(groups: dict[str, Group]) -> Comparison:
    comparison = compare(groups["tcon"], groups["source_only"])
    assert comparison
    return comparison


def test_seeds_are_compared_one_by_one(groups: dict[str, Group]) -> None:
    comparison = compared(groups)
    assert comparison.seeds == (0, 1)
    assert comparison.differences == pytest.approx([6 / 15, 0])
    assert comparison.difference == pytest.approx(0.2) and comparison.clips == pytest.approx(3)
    assert [(t.gained, t.lost) for t in comparison.tests] == [(6, 0), (0, 0)]
    # Videos 6 to 11, two of each class of five videos, at one of two seeds.
    assert comparison.class_differences == pytest.approx([0.2, 0.2, 0.2])


def test_interval_by_a_plain_loop(groups: dict[str, Group]) -> None:
    rng = np.random.default_rng(0)
    correct, other = (groups[name].scores.correct for name in ("tcon", "source_only"))
    means = []
    for _ in range(4000):
        seeds, videos = rng.integers(2, size=2), rng.integers(15, size=15)
        draws = [float(correct[s, v]) - float(other[s, v]) for s in seeds for v in videos]
        means.append(np.mean(draws))
    assert compared(groups).interval == pytest.approx(np.percentile(means, [2.5, 97.5]), abs=0.07)


def test_a_group_against_itself(groups: dict[str, Group]) -> None:
    comparison = compare(groups["tcon"], groups["tcon"])
    assert comparison and comparison.difference == 0
    # 15 videos on which nothing differs do not prove that nothing ever does.
    assert comparison.interval == pytest.approx((-0.2039, 0.2039), abs=1e-4)
    assert {test.p for test in comparison.tests} == {1.0}
