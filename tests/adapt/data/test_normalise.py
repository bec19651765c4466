"""Standardised features against scikit-learn."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from feature_files import write_domain
from sklearn.preprocessing import StandardScaler

from tcon.adapt.data.domains import Domains, Videos, load_domains, with_features
from tcon.adapt.data.features import put
from tcon.adapt.data.statistics import normalise
from tcon.adapt.tasks.task import shared_classes
from tcon.cache import FeatureFile


def load(folder: Path, **target: object) -> Domains:
    source = write_domain(folder / "s.h5", videos=18, splits=("train", "val", "test"))
    files = (source, write_domain(folder / "t.h5", shift=2.0, seed=1, **target))
    source, target = (FeatureFile(path) for path in files)
    task = shared_classes(*((v.label for v in file.videos) for file in (source, target)))
    cpu = torch.device("cpu")
    return load_domains(source, target, modality="rgb", task=task, device=cpu)


def rows(videos: Videos) -> np.ndarray:
    """Every snippet of these videos."""
    ranges = zip(videos.start.tolist(), videos.count.tolist(), strict=True)
    return np.concatenate(
        [videos.features[torch.arange(s, s + n)].double().numpy() for s, n in ranges]
    )


def held(domains: Domains) -> Domains:
    """With features in memory."""
    source, target = domains.source_train.features, domains.target_train.features
    return with_features(domains, put(source, "device"), put(target, "device"))


@pytest.mark.parametrize("place", [held, lambda domains: domains], ids=["memory", "file"])
@pytest.mark.parametrize("how", ["source", "domain"])
def test_equals_scikit_learns_scaler_fitted_on_training_videos(
    tmp_path: Path, how: str, place: Callable[[Domains], Domains]
) -> None:
    before = load(tmp_path)
    after = normalise(place(before), how)
    source = StandardScaler().fit(rows(before.source_train))
    target = source if how == "source" else StandardScaler().fit(rows(before.target_train))
    for name in ("source_train", "source_val", "target_train", "target_test"):
        scaler = source if name.startswith("source") else target
        expected = scaler.transform(rows(getattr(before, name)))
        np.testing.assert_allclose(rows(getattr(after, name)), expected, rtol=2e-3, atol=2e-3)
        assert getattr(after, name).ids == getattr(before, name).ids
    for name, scaler in (("source", source), ("target", target)):
        kept = after.statistics[name]
        np.testing.assert_allclose(kept["mean"], scaler.mean_, rtol=1e-5)
        np.testing.assert_allclose(kept["deviation"], scaler.scale_, rtol=1e-5)
    shift = abs(rows(after.target_train).mean() - rows(after.source_train).mean())
    assert shift < 1e-3 if how == "domain" else shift > 1


def test_none_changes_nothing(tmp_path: Path) -> None:
    domains = load(tmp_path)
    assert normalise(domains, "none") is domains


def test_dimension_without_variation_stays_bounded(tmp_path: Path) -> None:
    domains = held(load(tmp_path))
    trained_on = rows(domains.target_train)
    domains.target_train.features[:, 3] = 0.0
    test = domains.target_test
    domains.target_test.features[test.start[0], 3] = 1.0  # never seen in training
    after = normalise(domains, "domain")
    assert after.target_test.features.isfinite().all()
    assert after.target_test.features[:, 3].abs().max() < 25 / trained_on.std(0).mean()


def test_one_snippet_alone_is_finite(tmp_path: Path) -> None:
    domains = normalise(held(load(tmp_path, videos=1, snippets=1, splits=("",))), "domain")
    assert domains.target_train.features.isfinite().all()
