"""The study's pure parts, and that docs/results.md says what its results say."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
import tables
import write
from attention import on_action, shown
from cases import run_case
from outcomes import AttentionOnAction, CaseOutcome, Outcome
from paired import compare, nested_interval
from plan import Case, Part, Row, Training, parse_seeds, read_plan
from shift import write_shift
from worlds import Features

from tcon.adapt.config.recommended import METHODS
from tcon.adapt.config.runs import make_runs
from tcon.cache import InputError
from tcon.evaluate import evaluate
from tcon.evaluate.scores.choices.validators import VALIDATORS
from tcon.extract.synthetic import World, clip_seed, clip_timeline


def outcome(row: str, correct: str, **more: object) -> Outcome:
    accuracy = correct.count("1") / len(correct)
    return Outcome(
        row=row, modality="rgb", settings=(), correct=correct, label_free=accuracy,
        oracle=accuracy, **more,
    )  # fmt: skip


def case(seed: int, world: str = "base", recommended: str = "", **rows: str) -> CaseOutcome:
    made = tuple(outcome(row, correct) for row, correct in rows.items())
    return CaseOutcome(
        world=world, seed=seed, knobs={"bias": 0.0}, outcomes=made, recommended=recommended
    )


def test_page_shows_the_results_as_they_are_kept() -> None:
    page = (write.DOCS / "results.md").read_text()
    made = write.read_results(write.DOCS / "results")
    assert write.fill(page, write.blocks(made, read_plan())) == page


def test_every_row_of_the_plan_has_settings_that_its_method_knows() -> None:
    plan = read_plan()
    rows = {row for part in plan.parts.values() for c in part.cases for row in c.rows}
    for row in rows:
        (run,) = make_runs([row.method], row.settings(plan.training))  # it refuses unknown ones
        assert run.train.min_steps == 300


def test_every_world_of_the_plan_can_be_made() -> None:
    for part in read_plan().parts.values():
        for one in part.cases:
            assert part.real or World(**one.knobs, seed=one.seed).seed == one.seed


def test_development_and_report_share_no_world() -> None:
    plan = read_plan()
    seeds = {name: {c.seed for c in part.cases} for name, part in plan.parts.items()}
    synthetic = [s for name, s in seeds.items() if name not in ("components", "real")]
    assert seeds["components"].isdisjoint(set.union(*synthetic))


def test_a_row_sets_options_of_its_own_method_and_widths_that_it_has() -> None:
    training = Training(4, 8, ("train.lr=1",), {"disc.hidden": 256, "pair.max_pairs": 9})
    assert Row("daaa lambda_d=0.5 train.lr=2").settings(training) == (
        "train.lr=1", "daaa.disc.hidden=256", "daaa.lambda_d=0.5", "train.lr=2",
    )  # fmt: skip
    assert Row("source_only").settings(training) == ("train.lr=1",)


@pytest.mark.parametrize("text", ["5", "5:5", "a:b", ":3"])
def test_seeds_that_are_no_range_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="100:110"):
        parse_seeds(text)


def test_differences_are_paired_by_world() -> None:
    cases = [case(0, a="1110", b="1000"), case(1, a="1111", b="0111"), case(2, a="00", b="11")]
    found = compare(cases, "a", "b", nested=True)
    assert found.mean == pytest.approx((0.5 + 0.25 - 1) / 3)
    assert (found.better, found.worse, found.cases) == (2, 1, 3)


def test_recommended_is_the_row_that_was_chosen_in_each_world() -> None:
    cases = [case(0, recommended="a", a="11", b="00"), case(1, recommended="b", a="10", b="11")]
    assert compare(cases, "recommended", "b", nested=True).mean == 0.5


def test_interval_over_worlds_is_that_of_plain_draws() -> None:
    rng = np.random.default_rng(5)
    worlds = [rng.choice([-1, 0, 1], 30, p=[0.1, 0.6, 0.3]) for _ in range(4)]
    means = []
    for _ in range(20_000):
        drawn = [worlds[n] for n in rng.integers(4, size=4)]
        means.append(np.mean([rng.choice(world, len(world)).mean() for world in drawn]))
    assert nested_interval(worlds) == pytest.approx(np.percentile(means, [2.5, 97.5]), abs=0.01)


def test_interval_of_equal_differences_has_a_width() -> None:
    low, high = nested_interval([np.zeros(50, int), np.zeros(50, int)])
    assert -0.05 < low < 0 < high < 0.05


def test_attention_counts_videos_with_both_kinds_of_segments_alone() -> None:
    weights = np.array([[0.7, 0.1, 0.1, 0.1], [0.25] * 4, [0.4, 0.4, 0.1, 0.1]])
    action = np.array([[True, False, False, False], [False] * 4, [True, True, False, False]])
    assert on_action(weights, action) == AttentionOnAction(
        share=pytest.approx(0.375), weight=pytest.approx(0.75)
    )


def test_segments_that_show_the_action_follow_the_timeline() -> None:
    world = World(seed=3)
    action = world.main[1]
    clip = clip_timeline(action, world.target, clip_seed(3, world.target, action, 2))
    frames = np.array([[0, clip.phases.index(action.name), len(clip.phases) - 1]])
    ids = [f"target/{action.name}/002.mp4"]
    assert shown(ids, frames, world, world.target).tolist() == [
        [phase == action.name for phase in (clip.phases[0], action.name, clip.phases[-1])]
    ]


def test_choice_of_a_validator_is_scored_by_the_row_that_it_chose() -> None:
    def world(seed: int, better: float) -> CaseOutcome:
        a = outcome("source_only", "1100", validators={"ensv": 0.5, "entropy": 0.1})
        b = outcome("im", "1111", validators={"ensv": better, "entropy": 0.2})
        return CaseOutcome(world="base", seed=seed, knobs={}, outcomes=(a, b))

    lines = tables.validators_table([world(0, 0.9), world(1, 0.5)], "source_only").splitlines()
    assert lines[2] == "| ensv | 75.0 | 25.0 | 50.0 | 0 of 2 |"  # im, then source_only by a tie
    assert lines[3] == "| entropy | 50.0 | 50.0 | 50.0 | 0 of 2 |"  # lowest: source_only


@pytest.mark.slow
def test_case_is_trained_once_and_scored_alike_when_it_is_repeated(tmp_path: Path) -> None:
    write_shift(tmp_path, seed=0)
    rows = tuple(map(Row, [*METHODS, "dann lambda_d=0.1"]))
    short = ("train.epochs=1", "train.min_steps=4", "train.evaluations=2", "train.precision=fp32")
    training = Training(4, 4, short, {"disc.hidden": 8})
    part = Part("any", "", "source_only", (), recommended=True)
    features = Features(tmp_path / "source.h5", tmp_path / "target.h5")

    def run() -> CaseOutcome:
        return run_case(part, Case("", 3, {}, rows), training, features, tmp_path / "runs")

    first = run()
    changed = {f: f.stat().st_mtime_ns for f in tmp_path.rglob("logits.h5")}
    assert len(changed) == len(rows)
    assert run() == first
    assert {f: f.stat().st_mtime_ns for f in changed} == changed

    found = evaluate(tmp_path / "runs", provenance=False).results
    results = {result.group.method: result for result in found}
    for one in first.outcomes:
        assert one.accuracy == results[Row(one.row).method].scores.accuracy[0]
        assert one.validators.keys() == VALIDATORS.keys()
        assert one.seconds > 0
    assert first.recommended in METHODS


def test_page_with_an_unknown_table_is_refused() -> None:
    with pytest.raises(InputError, match="no table curves.colour"):
        write.fill("<!-- curves.colour -->\n<!-- end -->", {"curves.methods": ""})
