"""The synthetic shift is what it says; no method's rank is asserted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from prepared_runs import prepare
from shift import BACKGROUND, CLASSES, LASTS, SNIPPETS, ShiftConfig, World, write_shift

from tcon.adapt.config.runs import make_runs
from tcon.adapt.grid import run_all
from tcon.cache import FeatureFile
from tcon.evaluate.runs.groups import group_runs
from tcon.evaluate.runs.read import find_runs

BARE = ShiftConfig(appearance=0, noise=0)


@pytest.mark.parametrize(("domain", "starts"), [("source", {6, 7, 8}), ("target", {0, 1, 2})])
def test_action_keeps_its_order_and_moves_in_time(domain: str, starts: set[int]) -> None:
    world, rng = World(0, BARE), np.random.default_rng(0)
    seen = set()
    for n in range(64):
        order = world.orders[n % CLASSES]
        shown = world.shown(domain, n % CLASSES, rng)
        assert len(shown) == SNIPPETS
        start = int(np.isin(shown, order).argmax())
        action = slice(start, start + SNIPPETS - BACKGROUND)
        assert (shown[action] == np.repeat(order, LASTS)).all()
        assert np.isin(shown[:start], world.lead_ins).all()
        assert np.isin(shown[action.stop :], world.tails).all()
        seen.add(start)
    assert seen == starts


def test_classes_share_some_prototypes_and_own_others() -> None:
    orders = World(0, BARE).orders
    shown_by = [len([order for order in orders if p in order]) for p in np.unique(orders)]
    assert shown_by.count(1) >= 2 * CLASSES  # their own
    assert max(shown_by) > 2
    assert not np.intersect1d(World(0, BARE).lead_ins, World(0, BARE).tails).size


def test_offset_is_the_same_for_all_prototypes_and_change_is_not() -> None:
    def moved(**changes: float) -> np.ndarray:
        looks = World(0, ShiftConfig(**{"offset": 0, "scale": 0, "change": 0, **changes})).looks
        return looks["target"] - looks["source"]  # [P, D]

    assert not moved().any()
    offset = moved(offset=1.0)
    assert np.allclose(offset, offset[0]) and 0.7 < offset[0].std() < 1.3
    changed = moved(change=0.8)
    assert changed.std(0).min() > 0.5  # over prototypes, of each dimension
    looks = World(0, ShiftConfig(offset=0, scale=0)).looks
    assert np.isclose(looks["target"].std(0).mean(), looks["source"].std(0).mean(), rtol=0.1)


def test_files_hold_the_prototypes_shown(tmp_path: Path) -> None:
    files = write_shift(tmp_path, seed=3, config=BARE, source=(16, 8), target=(8, 24))
    for domain, path in zip(("source", "target"), files, strict=True):
        file, world = FeatureFile(path), World(3, BARE)
        packed = file.packed("rgb")
        assert (packed.count == SNIPPETS).all() and (packed.features >= 0).all()
        looks = world.looks[domain].clip(0).astype(np.float16)
        for video, start in zip(file.videos, packed.start, strict=True):
            x = packed.features[start : start + SNIPPETS]
            distance = np.abs(x[:, None].astype(float) - looks).max(2)  # [SNIPPETS, P]
            assert (distance.min(1) == 0).all()
            order = world.orders[int(video.label.removeprefix("class"))]
            found = distance.argmin(1)
            assert (found[np.isin(found, order)] == np.repeat(order, LASTS)).all()
    assert [v.split for v in FeatureFile(files[1]).videos].count("test") == 24


@pytest.mark.slow
def test_tcon_learns_on_it(tmp_path: Path) -> None:
    source, target = write_shift(tmp_path, seed=0, target=(64, 80))
    settings = ["train.epochs=1", "train.min_steps=120", "train.evaluations=1", "train.lr=2e-3"]
    settings += ["train.batch_size=32", "tcon.features=64", "tcon.disc.hidden=32"]
    runs = make_runs(["tcon"], [*settings, "tcon.pair.max_pairs=64", "tcon.dropout=0.2"])
    run_all(prepare(source, target, runs, tmp_path / "runs", device="cpu"))
    (group,) = group_runs(find_runs([tmp_path / "runs"])[0])
    assert group.scores.accuracy[0] > 3 / CLASSES
