"""The CMFGLR method: fitting on a base, checkpoints, odd data, and what it must be called."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tcon.adapt.config.runs import base_of, make_runs
from tcon.adapt.methods import Sizes, SourceBatch, build, entry
from tcon.adapt.methods.cmfglr.method import Cmfglr, CmfglrConfig
from tcon.adapt.methods.source_only import SourceOnly, SourceOnlyConfig
from tcon.cache import InputError

K, D_IN, D, C = 3, 10, 12, 3
QUICK = CmfglrConfig(features=D, r=5, iterations=3, select=False)


def sizes(classes: int) -> Sizes:
    return Sizes(in_features=D_IN, source_segments=K, target_segments=K, classes=classes)


def make(config: CmfglrConfig = QUICK, classes: int = C) -> Cmfglr:
    return build("cmfglr", config, sizes(classes))


def make_base(classes: int = C) -> SourceOnly:
    torch.manual_seed(0)
    base = build("source_only", SourceOnlyConfig(features=D), sizes(classes))
    torch.nn.init.normal_(base.classifier.linear.weight)
    return base


def data(videos: int = 60, classes: int = C) -> tuple[SourceBatch, Tensor, Tensor]:
    """Source, target and target labels: a class is a direction; the target's lies elsewhere."""
    generator = torch.Generator().manual_seed(1)
    labels = torch.arange(videos) % classes
    x = 2 * torch.eye(classes, D_IN)[labels][:, None].expand(videos, K, D_IN)
    source = x + 0.5 * torch.randn(videos, K, D_IN, generator=generator)
    target = x + 0.5 * torch.randn(videos, K, D_IN, generator=generator) + 0.5
    return SourceBatch(source, labels), target, labels


def fit(method: Cmfglr, base: SourceOnly, source: SourceBatch, target: Tensor) -> list[dict]:
    return list(method.fit(base, source, target))


def accuracy(method: SourceOnly | Cmfglr, features: Tensor, labels: Tensor) -> float:
    return float((method.predict(features).argmax(1) == labels).float().mean())


def test_it_learns_what_its_base_has_not() -> None:
    base, method, (source, target, labels) = make_base(), make(), data()
    logs = fit(method, base, source, target)
    assert accuracy(base, target, labels) < 0.7  # features at random, and a classifier at random
    assert accuracy(method, target, labels) > 0.9
    assert [set(log) for log in logs] == [
        {"objective", "pseudo_changed", "mu", "beta", "lambda_"}
    ] * 3
    assert logs[0]["pseudo_changed"] > 0.3 and logs[-1]["pseudo_changed"] < 0.1


def test_scores_are_the_factors_applied_to_principal_components() -> None:
    base, method, (source, target, _) = make_base(), make(), data()
    first = next(method.fit(base, source, target))
    # `predict` gives the labels that the fit itself went on with.
    changed = method.predict(target).argmax(1) != base.predict(target).argmax(1)
    assert first["pseudo_changed"] == pytest.approx(float(changed.double().mean())) != 0
    embedded = torch.nn.functional.normalize(base.embed(source.features))
    both = torch.cat([embedded, torch.nn.functional.normalize(base.embed(target))])
    torch.testing.assert_close(method.mean, both.mean(0), rtol=1e-4, atol=1e-5)
    z = (both - method.mean) @ method.components.T
    covariance = z.T @ z
    off = covariance - covariance.diag().diag()
    torch.testing.assert_close(off, torch.zeros_like(off), rtol=0, atol=1e-3)


@pytest.mark.slow
def test_a_round_trip_through_a_checkpoint_and_a_second_fit_change_nothing(tmp_path: Path) -> None:
    base, (source, target, _) = make_base(), data(videos=9)  # fewer videos than components
    method = make(replace(QUICK, select=True))
    logs = fit(method, base, source, target)
    torch.save(method.state_dict(), tmp_path / "checkpoint.pt")
    fresh = make()
    fresh.load_state_dict(torch.load(tmp_path / "checkpoint.pt", weights_only=True))
    assert torch.equal(fresh.predict(target), method.predict(target))
    scores = method.predict(target)
    assert fit(method, base, source, target) == logs
    assert torch.equal(method.predict(target), scores)


def test_a_smaller_fit_leaves_nothing_of_a_larger_one() -> None:
    base, method = make_base(), make()
    fit(method, base, *data()[:2])
    fit(method, base, *data(videos=3)[:2])
    fresh = make()
    fit(fresh, base, *data(videos=3)[:2])
    for name, value in fresh.state_dict().items():
        assert torch.equal(value, method.state_dict()[name]), name


@pytest.mark.slow
@pytest.mark.parametrize(
    ("classes", "targets", "select"),
    [(1, [0], True), (C, [0], True), (C, [0, 0, 0, 0], False), (5, [0, 2, 4], False)],
)
def test_one_video_per_class_and_classes_missing_in_the_target(
    classes: int, targets: list[int], select: bool
) -> None:
    base = make_base(classes)
    source, target, _ = data(videos=classes, classes=classes)
    method = make(replace(QUICK, select=select), classes)
    logs = fit(method, base, source, target[targets])
    assert method.predict(target).isfinite().all()
    assert all(math.isfinite(value) for log in logs for value in log.values())


def test_a_base_of_another_width_is_refused() -> None:
    source, target, _ = data()
    with pytest.raises(InputError, match=r"set cmfglr\.features as source_only\.features"):
        fit(make(replace(QUICK, features=7)), make_base(), source, target)


def test_official_is_fitted_on_an_official_source_only() -> None:
    base, run = make_runs(["source_only", "cmfglr"], preset="official")
    assert base_of(run, [base]) == base and base.train.optimiser == "sgd"


def test_it_is_called_a_reconstruction() -> None:
    assert entry("cmfglr").title == "cmfglr (reconstruction)"
    assert entry("cmfglr").note.startswith("reconstructed")  # alone in a csv
    assert entry("tcon").title == "tcon" and entry("tcon").note == ""


@pytest.mark.slow
def test_other_methods_start_without_scikit_learn_and_scipy() -> None:
    """Their import takes longer than all of ours together."""
    slow = "{'sklearn', 'scipy'} & set(sys.modules)"
    code = f"import sys, tcon.adapt.config.plans; sys.exit(bool({slow}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
