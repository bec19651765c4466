"""A run's method is rebuilt as it was, on the features that it saw."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from feature_files import CLASSES, write_domain
from toy_runs import train

from tcon.adapt.config.runs import make_runs
from tcon.cache import InputError
from tcon.evaluate.runs.embeddings import Loader, find, of_videos, some
from tcon.evaluate.runs.files import RunFiles


@pytest.mark.slow
@pytest.mark.parametrize(
    ("methods", "normalise"),
    [
        (["source_only", "tcon"], "none"),
        (["source_only", "tcon"], "source"),
        (["tcon-trn", "ta3n", "dan"], "domain"),
    ],
)
def test_the_rebuilt_method_predicts_the_recorded_logits(
    tmp_path: Path, methods: list[str], normalise: str
) -> None:
    for group in train(tmp_path, methods=methods, settings=[f"train.normalise={normalise}"]):
        trained = Loader().load(group.first)
        target = trained.embed("target", trained.domains.target_test)
        logits = trained.method.predict(target.cached).numpy()
        order = np.argsort(target.ids)
        np.testing.assert_allclose(logits[order], group.first.test.logits[-1], atol=1e-5)
        assert torch.equal(target.features, trained.method.bottleneck(target.cached))
        assert [CLASSES[c] for c in target.truth] == [CLASSES[int(i[1:4]) % 3] for i in target.ids]


def test_the_options_are_read_back(tmp_path: Path) -> None:
    settings = ["tcon.pair.threshold=0.7", "tcon.detach_align=true", "train.lr=1e-05"]
    group = train(tmp_path, methods=["tcon"], segments=3, settings=settings)[0]
    config = group.first.record.run
    assert config.name == group.first.path.name
    assert config.options.pair.threshold == 0.7 and config.options.detach_align is True
    assert config.train.lr == 1e-5 and config.options.disc.hidden == 8


def test_moved_and_changed_files(tmp_path: Path) -> None:
    run = train(tmp_path, methods=["source_only"])[0].first
    (tmp_path / "clips.h5").rename(tmp_path / "moved.h5")
    with pytest.raises(InputError, match="clips.h5 is gone: name it with --source-features"):
        Loader().load(run)
    assert (
        Loader(RunFiles(source_features=tmp_path / "moved.h5")).load(run).domains.source_train.ids
    )
    other = write_domain(tmp_path / "other.h5", seed=5)
    with pytest.raises(InputError, match="12 source videos with other features or label .v000.mp4"):
        Loader(RunFiles(source_features=other)).load(run)
    (run.path / "checkpoint.pt").write_bytes(b"broken")
    with pytest.raises(InputError, match="checkpoint.pt is damaged .it is no file of plain"):
        Loader(RunFiles(source_features=tmp_path / "moved.h5")).load(run)


def test_features_end_to_end_are_in_no_file(tmp_path: Path) -> None:
    run = train(tmp_path, methods=["source_only"])[0].first
    (made,) = make_runs(["source_only"], ["e2e.weights=random"], segments=4, end_to_end=True)
    with pytest.raises(InputError, match="trained end to end, and this needs cached features"):
        Loader().load(replace(run, record=replace(run.record, run=made)))


def test_find_and_some(tmp_path: Path) -> None:
    run = train(tmp_path, methods=["source_only"])[0].first
    trained = Loader().load(run)
    ids = ["v004.mp4", "v001.mp4"]
    found = trained.embed("source", find(trained, "source", ids))
    everyone = trained.embed("source", trained.domains.source_train)
    rows = [everyone.ids.index(id_) for id_ in ids]
    assert found.ids == tuple(ids) and torch.equal(found.features, everyone.features[rows])
    with pytest.raises(InputError, match="used no target video 'v00.mp4': ids look like v0"):
        find(trained, "target", ["v00.mp4"])
    assert Loader().ids(run) == {d: trained.ids(d) for d in ("source", "target")}
    assert len(trained.ids("source")) == 12 and len(trained.ids("target")) == 18
    few = some(trained.domains.target_train, 5)
    assert len(few) == 5 and few.ids == some(trained.domains.target_train, 5).ids
    assert some(few, 9) is few


def test_features_of_videos() -> None:
    f = torch.arange(12.0).view(2, 3, 2)
    assert of_videos(f, concatenate=True)[0].tolist() == [0, 1, 2, 3, 4, 5]
    assert of_videos(f, concatenate=False)[0].tolist() == [2, 3]
