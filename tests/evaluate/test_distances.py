"""Proxy A-distance and MMD of domains whose distance is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from toy_runs import train

from tcon.adapt.mmd import mk_mmd
from tcon.evaluate.distances import (
    distances_markdown,
    domain_distances,
    proxy_a_distance,
    shuffled_mmd,
)
from tcon.evaluate.embeddings import Loader
from tcon.evaluate.tsne_picture import tsne_picture


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
    text = distances_markdown({"a -> b": {"one": found["none"], "second": found["domain"]}})
    assert text.count("a -> b") == 1
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert len({len(line) for line in table}) == 1  # columns are aligned
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table[2:4]]
    assert [row[:2] for row in rows] == [["one", "segments"], ["one", "videos"]]
    assert rows[0][2] == f"{found['none'][0].a_distance:.2f}"
    assert rows[0][5] == f"{found['none'][2].mmd:.3f} ({found['none'][2].shuffled:.3f})"


def test_domains_of_unequal_segments(tmp_path: Path) -> None:
    (group,) = train(tmp_path, methods=["source_only"], segments="3:2")
    trained = Loader().load(group.first)
    assert all(np.isfinite([d.a_distance, d.mmd]).all() for d in domain_distances(trained))
    segments, videos = tsne_picture(trained, "x").figure.axes
    counts = [
        {c.get_label(): len(c.get_offsets()) for c in a.collections} for a in (segments, videos)
    ]
    assert counts == [{"source": 9 * 3, "target": 6 * 2}, {"source": 9, "target": 6}]
