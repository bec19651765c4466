"""Proxy A-distance and MMD of domains whose distance is known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from feature_files import write_domain
from toy_runs import train

from tcon.adapt.layers.mmd import mk_mmd
from tcon.cache import InputError
from tcon.evaluate.figures.data.clouds import feature_clouds
from tcon.evaluate.runs.embeddings import Loader, RunFeatures, take
from tcon.evaluate.scores.distances import domain_distances, proxy_a_distance, shuffled_mmd
from tcon.evaluate.tables.distances import distance_blocks


def domain(rng: np.random.Generator, shift: float = 0.0, rows: int = 200) -> np.ndarray:
    return rng.normal(size=(rows, 5)) + shift


def test_a_distance_of_equal_shifted_and_separable_domains() -> None:
    rng, each = np.random.default_rng(0), np.arange(200)
    source = domain(rng)
    assert proxy_a_distance(source, domain(rng), each, each) < 0.3
    assert proxy_a_distance(source, domain(rng, 10), each, each) == 2
    # The best classifier of N(0, 1) against N(d, 1) in 5 dimensions errs by Phi(-d sqrt(5) / 2).
    d = 2 * 0.6745 / np.sqrt(5)  # a quarter
    assert proxy_a_distance(source, domain(rng, d), each, each) == pytest.approx(1, abs=0.3)


def test_a_distance_counts_both_domains_alike() -> None:
    rng = np.random.default_rng(0)
    many, few = domain(rng, rows=300), domain(rng, rows=30)
    # Always guessing the larger domain would be right in ten of eleven rows.
    assert proxy_a_distance(many, few, np.arange(300), np.arange(30)) < 0.5


def test_a_video_is_in_one_fold() -> None:
    """Rows of a video are alike here: whoever has seen one knows the others' domain."""
    rng = np.random.default_rng(0)
    source, target = (np.repeat(rng.normal(size=(20, 50)), 8, axis=0) for _ in range(2))
    videos = np.repeat(np.arange(20), 8)
    assert proxy_a_distance(source, target, videos, videos) < 0.7
    rows = np.arange(160)
    assert proxy_a_distance(source, target, rows, rows) > 1.8


def test_mmd_of_shuffled_domains_is_that_of_equal_ones() -> None:
    rng = np.random.default_rng(0)
    x, y, far = (torch.from_numpy(domain(rng, s, 100)) for s in (0, 0, 3))
    videos = np.repeat(np.arange(50), 2)
    assert shuffled_mmd(x, y, videos, videos) == pytest.approx(float(mk_mmd(x, y)), rel=0.5)
    assert shuffled_mmd(x, far, videos, videos) < 0.1 * float(mk_mmd(x, far))


def test_whole_videos_are_dealt_at_random() -> None:
    """Rows of a video are alike here: dealt one by one they would hide how few videos there are."""
    rng = np.random.default_rng(0)
    x, y = (torch.from_numpy(np.repeat(domain(rng, rows=6), 10, axis=0)) for _ in range(2))
    videos, rows = np.repeat(np.arange(6), 10), np.arange(60)
    assert shuffled_mmd(x, y, videos, videos) > 3 * shuffled_mmd(x, y, rows, rows)


def test_levels_and_stages_of_a_run(tmp_path: Path) -> None:
    trained = Loader().load(train(tmp_path, methods=["tcon"], shift=0.3)[0].first)
    source = trained.embed("source", trained.domains.source_train)
    target = trained.embed("target", trained.domains.target_test)
    held_out = trained.embed("source", trained.domains.source_val)
    assert (source.cached.shape, source.features.shape) == ((9, 4, 12), (9, 4, 8))
    expected = {}
    for stage, name in (("before", "cached"), ("after", "features")):
        s, t, v = (getattr(videos, name).numpy() for videos in (source, target, held_out))
        for level, rows in (("segments", (-1, s.shape[2])), ("videos", (-1, 4 * s.shape[2]))):
            of = [np.arange(len(f)).repeat(4 if level == "segments" else 1) for f in (s, t, v)]
            a, b, c = (f.reshape(rows) for f in (s, t, v))
            expected[level, stage] = [
                proxy_a_distance(a, b, of[0], of[1]),
                proxy_a_distance(a, c, of[0], of[2]),
                float(mk_mmd(torch.from_numpy(a), torch.from_numpy(b))),
            ]
    mmds = [mmd for *_, mmd in expected.values()]
    assert len({round(mmd, 3) for mmd in mmds}) == 4  # so that none can stand for another
    found = {(d.level, d.stage): [d.a_distance, d.floor, d.mmd] for d in domain_distances(trained)}
    assert found == {key: pytest.approx(values) for key, values in expected.items()}


def test_without_validation_videos_there_is_no_floor(tmp_path: Path) -> None:
    source = write_domain(tmp_path / "a.h5", splits=("train",))
    files = source, write_domain(tmp_path / "b.h5", videos=18, seed=1)
    trained = Loader().load(train(tmp_path, settings=["train.holdout=0"], files=files)[1].first)
    distances = domain_distances(trained)
    assert {d.floor for d in distances} == {None}
    _, table, _ = distance_blocks({"a -> b": {"x": distances}})
    assert table.rows[0][2] == f"{distances[0].a_distance:.2f}"


@pytest.mark.parametrize(
    ("videos", "message"),
    [
        ("source_train", "source has a single training video"),
        ("target_test", "target has a single test video"),
    ],
)
def test_a_distance_needs_two_videos(tmp_path: Path, videos: str, message: str) -> None:
    trained = Loader().load(train(tmp_path, methods=["tcon"])[0].first)

    def only(count: int) -> RunFeatures:
        few = take(getattr(trained.domains, videos), list(range(count)))
        return replace(trained, domains=replace(trained.domains, **{videos: few}))

    with pytest.raises(InputError, match=message):
        domain_distances(only(1))
    assert len(domain_distances(only(2))) == 4


def test_distances_of_a_run(tmp_path: Path) -> None:
    """Statistics of its own take the shift from a target."""
    found = {}
    for how in ("none", "domain"):
        settings = [f"train.normalise={how}"]
        group = train(tmp_path / how, methods=["tcon"], settings=settings, shift=1.0)[0]
        found[how] = domain_distances(Loader().load(group.first))
    assert [(d.level, d.stage) for d in found["none"]] == [
        ("segments", "before"),
        ("videos", "before"),
        ("segments", "after"),
        ("videos", "after"),
    ]
    assert found["none"][0].a_distance == 2 and found["domain"][0].a_distance < 1.5
    assert found["none"][0].mmd > 2 * found["domain"][0].mmd
    assert all(0 <= d.a_distance <= 2 and d.mmd >= 0 for d in found["none"])
    heading, table, _ = distance_blocks(
        {"a -> b": {"one": found["none"], "second": found["domain"]}}
    )
    assert heading.text == "a -> b: domain distance" and len(table.rows) == 4
    rows = table.rows
    assert [row[:2] for row in rows[:2]] == [["one", "segments"], ["one", "videos"]]
    first = found["none"][0]
    assert rows[0][2] == f"{first.a_distance:.2f} ({first.floor:.2f})"
    assert rows[0][5] == f"{found['none'][2].mmd:.3f} ({found['none'][2].shuffled:.3f})"


def test_domains_of_unequal_segments(tmp_path: Path) -> None:
    (group,) = train(tmp_path, methods=["source_only"], segments="3:2")
    trained = Loader().load(group.first)
    assert all(np.isfinite([d.a_distance, d.mmd]).all() for d in domain_distances(trained))
    clouds = feature_clouds(trained)
    assert not clouds.concatenated
    counts = [
        {kind: len(cloud.features) for kind, cloud in level.items()}
        for level in (clouds.segments, clouds.videos)
    ]
    assert counts == [{"source": 9 * 3, "target": 6 * 2}, {"source": 9, "target": 6}]
