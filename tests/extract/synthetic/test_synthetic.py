"""The synthetic pair: repeatable clips, fair classes, complete files."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import av
import numpy as np
import pytest

from tcon.cache import InputError
from tcon.extract.synthetic import (
    CONTROL,
    IDLE,
    MAIN,
    Action,
    Domain,
    Pair,
    World,
    clip_seed,
    clip_timeline,
    render_clip,
    write_pair,
)

pytestmark = pytest.mark.slow

SOURCE, TARGET = World().source, World().target
DOMAINS = (SOURCE, TARGET)
ACTIONS = (*MAIN, *CONTROL)
SMALL = 4 * len(ACTIONS)  # the fewest clips: one to train and one to test per class and domain


def _is_key(action: Action, domain: Domain, seed: int, index: int = 0) -> np.ndarray:
    """Which frames of a clip belong to its action, bool [T]."""
    names = {phase.name for phase in action.phases}
    timeline = clip_timeline(action, domain, clip_seed(seed, domain, action, index))
    return np.array([phase in names for phase in timeline.phases])


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return write_pair(tmp_path_factory.mktemp("demo"), world=World(clips=SMALL + 3, seed=5))


@pytest.mark.parametrize("domain", DOMAINS, ids=lambda domain: domain.name)
def test_same_seed_gives_the_same_pixels(domain: Domain) -> None:
    first = render_clip(MAIN[0], domain, clip_seed(3, domain, MAIN[0], 1))
    render_clip(MAIN[1], domain, clip_seed(3, domain, MAIN[1], 0))  # order must not matter
    again = render_clip(MAIN[0], domain, clip_seed(3, domain, MAIN[0], 1))
    assert first.dtype == np.uint8
    assert first.shape[1:] == (domain.look.size[1], domain.look.size[0], 3)
    assert domain.timing.frames[0] <= len(first) <= domain.timing.frames[1]
    np.testing.assert_array_equal(first, again)


def test_seed_domain_class_and_index_each_change_the_clip() -> None:
    base = clip_seed(3, SOURCE, MAIN[0], 1)
    others = {
        clip_seed(4, SOURCE, MAIN[0], 1),
        clip_seed(3, TARGET, MAIN[0], 1),
        clip_seed(3, SOURCE, MAIN[1], 1),
        clip_seed(3, SOURCE, MAIN[0], 2),
    }
    assert len(others) == 4 and base not in others
    clip = render_clip(MAIN[0], SOURCE, base)
    for seed in others:
        other = render_clip(MAIN[0], SOURCE, seed)
        shared = min(len(clip), len(other))
        assert (clip[:shared] != other[:shared]).mean() > 0.1


def test_a_clip_shows_motion() -> None:
    clip = render_clip(MAIN[1], SOURCE, clip_seed(0, SOURCE, MAIN[1], 0)).astype(int)
    key = np.flatnonzero(_is_key(MAIN[1], SOURCE, 0))
    moved = np.abs(clip[key[len(key) // 2]] - clip[0]).max(-1) > 60  # far above the noise
    assert moved.mean() > 0.02


@pytest.mark.parametrize("domain", DOMAINS, ids=lambda domain: domain.name)
@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.name)
def test_the_key_phase_fills_some_but_at_most_40_percent(action: Action, domain: Domain) -> None:
    shares = [_is_key(action, domain, seed).mean() for seed in range(30)]
    assert min(shares) > 0.2
    assert max(shares) <= 0.4
    assert abs(np.mean(shares) - World().key_share) < 0.03


def test_the_rest_of_a_clip_is_shared_by_all_classes() -> None:
    idle = {phase.name for phase in IDLE}
    for action in ACTIONS:
        seen: set[str] = set()
        for index in range(30):
            seed = clip_seed(0, TARGET, action, index)
            seen |= set(clip_timeline(action, TARGET, seed).phases)
        assert seen == idle | {phase.name for phase in action.phases}


def test_every_main_class_has_a_key_phase_of_its_own() -> None:
    own = [{phase.name for phase in action.phases} for action in MAIN]
    assert len(MAIN) >= 8
    assert len(set.union(*own)) == sum(map(len, own))
    assert set.union(*own).isdisjoint(phase.name for phase in IDLE)
    poses = [set(phase.poses) for action in MAIN for phase in action.phases]
    poses.append({pose for phase in IDLE for pose in phase.poses})
    assert len(set.union(*poses)) == sum(map(len, poses))


def test_control_classes_differ_in_order_alone() -> None:
    first, second = CONTROL
    for domain in DOMAINS:
        for seed in range(10):
            one, two = (clip_timeline(action, domain, (seed,)) for action in CONTROL)
            assert Counter(one.poses) == Counter(two.poses)
            assert Counter(one.phases) == Counter(two.phases)
            orders = [
                [name for name in dict.fromkeys(line.phases) if name in ("raise", "crouch")]
                for line in (one, two)
            ]
            assert orders == [["raise", "crouch"], ["crouch", "raise"]]
    assert first.phases == second.phases[::-1]


def test_the_action_comes_at_another_time_in_the_target() -> None:
    def centre(action: Action, domain: Domain, seed: int) -> float:
        key = _is_key(action, domain, seed)
        return float(np.flatnonzero(key).mean() / len(key))

    for action in MAIN:
        source, target = (
            np.array([centre(action, domain, seed) for seed in range(30)]) for domain in DOMAINS
        )
        assert target.mean() - source.mean() > 0.25
        assert min(source.std(), target.std()) > 0.01  # an offset per clip, not one for all


def test_the_action_is_slower_in_the_target() -> None:
    def seconds(action: Action, domain: Domain) -> float:
        frames = [_is_key(action, domain, seed).sum() for seed in range(30)]
        return float(np.mean(frames)) / domain.timing.fps

    for action in ACTIONS:
        assert seconds(action, TARGET) > 1.3 * seconds(action, SOURCE)


def test_lists_match_the_files_and_the_splits_are_stratified(pair: Pair) -> None:
    for path in (pair.source_list, pair.target_list):
        rows = _rows(path)
        assert list(rows[0]) == ["path", "label", "split"]
        listed = [path.parent / row["path"] for row in rows]
        assert len(set(listed)) == len(rows) == SMALL // 2
        written = {file for file in (path.parent / path.stem).rglob("*") if file.is_file()}
        assert written == set(listed)
        counts = Counter((row["label"], row["split"]) for row in rows)
        assert counts == {(a.name, split): 1 for a in ACTIONS for split in ("train", "test")}
        for row in rows:
            assert Path(row["path"]).parent.name == row["label"]


def test_tasks_name_the_main_and_the_control_classes(pair: Pair) -> None:
    for path, actions in ((pair.task, MAIN), (pair.control, CONTROL)):
        rows = _rows(path)
        header = "task,class,source_label,target_label,class_index,status,note"
        assert list(rows[0]) == header.split(",")
        names = [action.name for action in actions]
        for column in ("class", "source_label", "target_label"):
            assert [row[column] for row in rows] == names
        assert [int(row["class_index"]) for row in rows] == list(range(len(names)))
        assert len({row["task"] for row in rows}) == 1


def test_every_video_decodes_to_the_rendered_frames(pair: Pair) -> None:
    by_name = {action.name: action for action in ACTIONS}
    for domain, path in zip(DOMAINS, (pair.source_list, pair.target_list), strict=True):
        for row in _rows(path):
            action, file = by_name[row["label"]], path.parent / row["path"]
            seed = clip_seed(5, domain, action, int(file.stem))
            with av.open(str(file)) as container:
                assert container.streams.video[0].average_rate == domain.timing.fps
                decoded = list(container.decode(video=0))
            # A frame that depends on others tells its time, and so the order of the control.
            assert all(frame.key_frame for frame in decoded)
            frames = [frame.to_ndarray(format="rgb24") for frame in decoded]
            assert len(frames) == len(clip_timeline(action, domain, seed).poses)
            if action is MAIN[0]:
                rendered = render_clip(action, domain, seed)
                assert np.abs(np.stack(frames).astype(int) - rendered).mean() < 12


def test_splits_test_the_target_most(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tcon.extract.synthetic.videos.write_video", lambda *_, **__: None)
    monkeypatch.setattr("tcon.extract.synthetic.videos.render_clip", lambda *_: None)
    ticks: list[tuple[int, int]] = []
    pair = write_pair(tmp_path, progress=lambda done, total: ticks.append((done, total)))
    source, target = (_rows(path) for path in (pair.source_list, pair.target_list))
    assert ticks == [(i + 1, World().clips) for i in range(len(source) + len(target))]
    for rows, train, test in ((source, 6, 1), (target, 7, 12)):
        counts = Counter((row["label"], row["split"]) for row in rows)
        assert counts == {
            (action.name, split): count
            for action in ACTIONS
            for split, count in (("train", train), ("test", test))
        }


def test_too_few_clips_are_refused() -> None:
    World(clips=SMALL)
    with pytest.raises(InputError, match=f"at least {SMALL}"):
        World(clips=SMALL - 1)
