"""How far to trust a label: against plain loops and hand-made runs."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from feature_files import CLASSES, write_domain
from handmade_runs import logits, write_run

from tcon.adapt.inference.feature_files import feature_file
from tcon.evaluate import evaluate
from tcon.evaluate.runs import files as run_files
from tcon.evaluate.runs.files import RunFiles
from tcon.evaluate.runs.groups import group_runs
from tcon.evaluate.runs.read import find_runs
from tcon.evaluate.runs.truth import TrueClasses
from tcon.evaluate.scores.trust.calibration import Calibration, calibrate, fit_temperature
from tcon.evaluate.scores.trust.labels import VideoLabel
from tcon.evaluate.scores.trust.source_distance import shares_nearer


def likelihood(logits: np.ndarray, truth: np.ndarray, temperature: float) -> float:
    """Mean log-likelihood, video by video."""
    total = 0.0
    for row, label in zip(logits.tolist(), truth.tolist(), strict=True):
        terms = [math.exp(x / temperature) for x in row]
        total += math.log(terms[label] / sum(terms))
    return total / len(logits)


def test_the_temperature_is_the_most_likely_one() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 4, 200)
    mine = 3 * (np.eye(4)[truth] + rng.normal(size=(200, 4)))  # far too sure
    found = fit_temperature(mine, truth)
    grid = [t / 100 for t in range(100, 1000)]
    assert found == pytest.approx(max(grid, key=lambda t: likelihood(mine, truth, t)), abs=0.01)
    assert found > 2


def test_a_temperature_never_raises_scores() -> None:
    """Without this bound it would be 0 where every validation video is classified correctly."""
    truth = np.arange(9) % 3
    assert fit_temperature(np.eye(3)[truth], truth) == 1.0


def test_shares_of_the_source_that_lie_nearer() -> None:
    generator = torch.Generator().manual_seed(0)
    source = torch.randn(30, 5, generator=generator)
    target = 1.5 * torch.randn(12, 5, generator=generator)

    def nearest(row: torch.Tensor, others: list[torch.Tensor]) -> float:
        return min(float((row - other).norm()) for other in others)

    own = [nearest(a, [b for m, b in enumerate(source) if m != n]) for n, a in enumerate(source)]
    expected = [sum(d < nearest(row, list(source)) for d in own) / 30 for row in target]
    np.testing.assert_allclose(shares_nearer(source, target), expected)
    assert len(set(expected)) > 4


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """Two domains; the target has no labels."""
    source = write_domain(tmp_path / "clips.h5", videos=30)
    return source, write_domain(tmp_path / "cctv.h5", videos=30, seed=1, labels=[""] * 30)


def write(files: tuple[Path, Path], method: str, seed: int, right: int, sure: float = 3) -> None:
    """A run that labels the first ``right`` of 15 videos correctly."""
    mine = [logits(15, right, sure)]
    val = [logits(15, 12, sure)]
    folder = files[0].parent / "runs"
    write_run(folder, files, train=mine, val=val, method=method, seed=seed)


def test_seeds_and_methods_vote(files: tuple[Path, Path]) -> None:
    for seed, right in enumerate((15, 10, 10)):
        write(files, "tcon", seed, right)
    write(files, "source_only", 0, 5)
    write(files, "im", 0, 4)
    write(files, "target_only", 0, 0)  # it trains on target labels and has no vote
    result = evaluate(files[0].parent / "runs", features=files[1])
    (tcon,) = [one for one in result.unlabelled if one.name == "tcon"]
    p = 1 / (1 + 2 * math.exp(-3 / tcon.calibration.temperature))
    for n, label in enumerate(tcon.labels):
        second = n >= 10  # two of three seeds give the next class
        assert label.label == CLASSES[(n + second) % 3]
        assert label.seeds_agree == pytest.approx(2 / 3 if second else 1)
        # source_only gives the next class from video 5 on, im from 4 on.
        votes = label.seeds_agree + (second or n < 5) + (second or n < 4)
        assert label.methods_agree == pytest.approx(votes / 3)
        rest = (1 - p) / 2
        assert label.score == pytest.approx((2 * p + rest) / 3 if second else p)
        assert label.look == (label.score < 0.7 or label.methods_agree < 0.75)
        mine = (p + 2 * rest) / 3 if second else p  # of the true class, by tcon
        mean_true = (mine + (p if n < 5 else rest) + (p if n < 4 else rest)) / 3
        mean_next = 1 - rest - mean_true
        assert label.methods_label == CLASSES[(n + (mean_next > mean_true)) % 3]
        assert label.methods_score == pytest.approx(max(mean_true, mean_next))
    differ = [n for n, label in enumerate(tcon.labels) if label.methods_label != label.label]
    assert differ == [5, 6, 7, 8, 9]
    assert {label.look for label in tcon.labels} == {True, False}


def test_a_group_is_calibrated_on_the_source(files: tuple[Path, Path]) -> None:
    for seed in range(2):
        write(files, "tcon", seed, 15, sure=9)
    runs, _ = find_runs([files[0].parent / "runs"])
    (group,) = group_runs(runs, RunFiles(files[1]))
    found = calibrate(group.runs, TrueClasses("source"))
    # 12 of 15 validation videos are right: p = 0.8 of the class, 0.1 of each other.
    assert (found.videos, found.problem) == (15, "")
    assert found.temperature == pytest.approx(9 / math.log(8), rel=1e-3)
    assert found.probabilities(np.array([9.0, 0, 0])) == pytest.approx([0.8, 0.1, 0.1], rel=1e-3)


def test_without_validation_videos_scores_are_not_calibrated(files: tuple[Path, Path]) -> None:
    folder = files[0].parent / "runs"
    write_run(folder, files, train=[logits(15, 9, 3)])
    result = evaluate(folder, features=files[1])
    (one,) = result.unlabelled
    assert one.calibration == Calibration(problem="no source video was kept for validation")
    assert one.labels[0].seeds_agree is None and one.labels[0].methods_agree is None
    assert "Scores are not calibrated: no source video was kept" in result.to_markdown()


def test_what_is_worth_a_look() -> None:
    sure = VideoLabel(
        video="a", label="b", score=0.9, seeds_agree=1, methods_agree=0.8, source_distance=1
    )
    assert not sure.look  # to lie far from the source is no ground
    assert replace(sure, score=0.69).look
    assert replace(sure, methods_agree=0.74).look
    assert not replace(sure, seeds_agree=0.5).look  # the methods are asked
    assert replace(sure, seeds_agree=0.5, methods_agree=None).look


def test_each_feature_file_is_checked_once(
    files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By all who ask for labels, distances and pictures: to check one is to read all of it."""
    for method in ("source_only", "tcon"):
        write(files, method, 0, 12)
    checked = []

    def count(*words: object, **options: object) -> object:
        checked.append(words[2])
        return feature_file(*words, **options)

    monkeypatch.setattr(run_files, "feature_file", count)
    result = evaluate(files[0].parent / "runs")
    assert result.recommendations and result.unlabelled[0].calibration.videos
    result.to_html(files[0].parent / "report.html", pictures=())
    assert sorted(checked) == ["source", "target"]
