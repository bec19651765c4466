"""Each knob of the synthetic pair turns what it says, and nothing else."""

from __future__ import annotations

import csv
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest

from tcon.extract.synthetic import (
    IDLE,
    MAIN,
    Action,
    Domain,
    Timeline,
    World,
    clip_seed,
    clip_timeline,
    render_clip,
    write_pair,
)
from tcon.extract.synthetic.tints import clip_tint

pytestmark = pytest.mark.slow

IDLE_NAMES = {phase.name for phase in IDLE}


def _timelines(domain: Domain, count: int = 20) -> list[Timeline]:
    """Of the first clips of each class."""
    return [
        clip_timeline(action, domain, clip_seed(0, domain, action, index))
        for action in MAIN
        for index in range(count)
    ]


def _clip(domain: Domain, action: Action = MAIN[0], index: int = 0) -> np.ndarray:
    return render_clip(action, domain, clip_seed(0, domain, action, index))


def _starts(domain: Domain) -> np.ndarray:
    """Where the action starts, as a share of the clip's idle time; one per clip."""
    starts = []
    for line in _timelines(domain):
        key = np.array([phase not in IDLE_NAMES for phase in line.phases])
        starts.append(key.argmax() / (len(key) - key.sum()))
    return np.array(starts)


def _tint_is_own(world: World, domain: Domain) -> np.ndarray:
    """Whether the tint of each of 200 clips per class is that of its class; bool [N, 200]."""
    assert domain.tints is not None
    return np.array(
        [
            [
                clip_tint(action, domain.tints, clip_seed(0, domain, action, index))
                == pytest.approx(k / len(MAIN))
                for index in range(200)
            ]
            for k, action in enumerate(world.main)
        ]
    )


def test_no_knob_of_the_target_changes_the_source() -> None:
    assert World(misalign=0.3, appearance=0.2).source == World().source


def test_misalign_moves_the_action_and_keeps_all_else() -> None:
    still, moved = World(misalign=0.0).target, World(misalign=1.0).target
    one, two = _timelines(still), _timelines(moved)
    for first, second in zip(one, two, strict=True):
        assert len(first.phases) == len(second.phases)
        action = [
            [p for name, p in zip(line.phases, line.poses, strict=True) if name not in IDLE_NAMES]
            for line in (first, second)
        ]
        assert action[0] == action[1]  # as long, and the same poses
        idle = [
            [name for name, _ in groupby(name for name in line.phases if name in IDLE_NAMES)]
            for line in (first, second)
        ]
        shorter = min(map(len, idle))
        assert shorter >= 2 and idle[0][:shorter] == idle[1][:shorter]
    assert still.look == moved.look
    source, middle = _starts(World().source), _starts(World(misalign=0.5).target)
    np.testing.assert_allclose(
        np.quantile(_starts(still), (0.02, 0.5, 0.98)),
        np.quantile(source, (0.02, 0.5, 0.98)),
        atol=0.04,
    )
    np.testing.assert_allclose(middle, (_starts(still) + _starts(moved)) / 2, atol=0.03)


def test_without_a_difference_in_appearance_the_target_looks_as_the_source() -> None:
    plain = World(appearance=0.0)
    assert plain.target.look == plain.source.look
    assert plain.target.codec == plain.source.codec


def test_appearance_changes_pixels_by_degrees_and_no_timeline() -> None:
    domains = [World(appearance=x).target for x in (0.0, 0.25, 0.5, 0.75, 1.0)]
    first = _timelines(domains[0], 2)
    assert all(_timelines(domain, 2) == first for domain in domains)
    means = [_clip(domain).mean((0, 1, 2)) for domain in domains]  # each [3]
    steps = np.diff(means, axis=0)
    assert (steps < -10).all()  # darker in every colour, at each step
    sizes = [domain.look.size for domain in domains]
    assert sizes == sorted(sizes) and not np.array(sizes).flatten()[0] % 2
    assert [int(d.codec.options["qp"]) for d in domains[1:]] == [27, 29, 31, 33]
    assert len({d.look.hues for d in domains}) == 5


@pytest.mark.parametrize("share", [0.1, 0.33, 0.6, 0.95])
def test_key_share_is_the_share_of_the_action(share: float) -> None:
    world = World(key_share=share)
    for domain in (world.source, world.target):
        shown = [np.mean([p not in IDLE_NAMES for p in line.phases]) for line in _timelines(domain)]
        assert abs(np.mean(shown) - share) < 0.02
        assert np.ptp(shown) < 0.2 * share + 0.025  # and a frame of rounding
        assert domain.look == (World().source if domain.name == "source" else World().target).look


def test_bias_is_the_share_of_source_clips_whose_tint_is_their_class() -> None:
    own = {}
    for bias in (0.25, 0.75, 1.0):
        world = World(bias=bias, classes=4)
        own[bias] = _tint_is_own(world, world.source)
        assert own[bias].mean() == pytest.approx(bias + (1 - bias) / 4, abs=0.05)
        assert _tint_is_own(world, world.target).mean() == pytest.approx(1 / 4, abs=0.05)
    assert own[1.0].all()
    assert (own[0.75] >= own[0.25]).all()  # the same clips and more


def test_bias_changes_the_backdrop_alone() -> None:
    plain, tinted = World(), World(bias=1.0)
    assert _timelines(plain.source, 2) == _timelines(tinted.source, 2)
    one, two = _clip(plain.source), _clip(tinted.source)
    changed = (one != two).any(-1)  # [T, H, W]
    assert changed[:, :12].mean() > 0.99  # the wall above the figure
    assert 0.03 < 1 - changed.mean() < 0.15  # the figure
    assert plain.target.tints is None  # at 0 no background has a tint


def test_tints_of_the_control_tell_nothing() -> None:
    world = World(bias=1.0)
    tints = world.source.tints
    assert tints is not None
    control = world.actions[len(world.main) :]
    hues = [
        [clip_tint(action, tints, clip_seed(0, world.source, action, n)) for n in range(400)]
        for action in control
    ]
    for of_class in hues:
        _, counts = np.unique(of_class, return_counts=True)
        assert len(counts) == len(MAIN) and counts.min() > 25


def test_classes_and_clips_leave_each_clip_as_it_is(tmp_path: Path) -> None:
    small, large = World(classes=2, clips=16), World(classes=3, clips=25)
    for name, world in (("small", small), ("large", large)):
        write_pair(tmp_path / name, world=world)
    for task, names in (("task", [a.name for a in small.main]), ("control", None)):
        with (tmp_path / "small" / f"{task}.csv").open(newline="") as file:
            found = [row["class"] for row in csv.DictReader(file)]
        assert found == (names or [a.name for a in small.actions[2:]])
    files = [p for p in (tmp_path / "small").rglob("*") if p.suffix in (".avi", ".mp4")]
    assert len(files) == 16
    shared = [p for p in files if (tmp_path / "large" / p.relative_to(tmp_path / "small")).exists()]
    assert len(shared) >= 12
    for path in shared:
        other = tmp_path / "large" / path.relative_to(tmp_path / "small")
        assert path.read_bytes() == other.read_bytes()


def test_seed_changes_the_clips(tmp_path: Path) -> None:
    files = []
    for seed in (0, 1):
        write_pair(tmp_path / str(seed), world=World(classes=2, clips=16, seed=seed))
        files.append((tmp_path / str(seed) / "source" / MAIN[0].name / "000.avi").read_bytes())
    assert files[0] != files[1]
