"""The study's pure parts, and that docs/results.md says what its results say."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))
import questions
import run
import tables
import write
from attention import on_action, shown, source_attention
from cases import run_case
from outcomes import AttentionOnAction, CaseOutcome, Outcome, PartOutcome
from paired import across, compare, interaction, nested_interval
from plan import Case, Part, Plan, Row, Training, parse_seeds, read_plan
from run import is_of
from shift import write_shift
from worlds import Features, claim, origin_of, synthetic_features

from tcon.adapt.config.recommended import METHODS
from tcon.adapt.config.runs import make_runs
from tcon.adapt.layers.pairs import PairConfig
from tcon.adapt.methods.base import Sizes
from tcon.adapt.methods.tcon.method import Segments, Tcon
from tcon.adapt.methods.tcon.options import TconConfig
from tcon.cache import InputError
from tcon.evaluate import evaluate
from tcon.evaluate.scores.choices.validators import VALIDATORS
from tcon.evaluate.scores.intervals import difference_interval
from tcon.extract.synthetic import World, clip_seed, clip_timeline

pytestmark = pytest.mark.slow


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
    synthetic = [s for name, s in seeds.items() if name not in ("components", "real", "real_lite2")]
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


def test_a_case_whose_run_failed_is_left_out_of_its_row_alone() -> None:
    cases = [case(seed, a="1100", b="1000", c="1111") for seed in range(5)]
    without = [one for one in cases[0].outcomes if one.row != "b"]
    cases[0] = replace(cases[0], outcomes=tuple(without), failed={"b": "it diverged"})
    lines = tables.methods_table(cases, "a", nested=True).splitlines()
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| a", "| b (failed in 1 of 5)", "| c"]
    assert lines[3].split(" | ")[4] == "-25.0" and lines[3].endswith("0 / 4 of 4 |")
    assert lines[4].endswith("5 / 0 of 5 |")
    made = PartOutcome(part="any", command="run", machine="a", cases=tuple(cases))
    line = tables.source_line(made, Part("any", "", "a", ()), read_plan().training)
    assert "`b` in base, seed 0 (it diverged)" in line


def test_seeds_are_named_for_each_kind_of_world() -> None:
    cases = [*(case(s, a="1") for s in range(3)), *(case(s, "x", a="1") for s in range(2))]
    made = PartOutcome(part="any", command="run", machine="a", cases=tuple(cases))
    line = tables.source_line(made, Part("any", "", "a", ()), read_plan().training)
    assert "seeds 0 to 2 of base; seeds 0 to 1 of x;" in line


@pytest.mark.parametrize(("worlds", "verdict"), [(4, "too few"), (5, "yes")])
def test_few_worlds_answer_nothing(worlds: int, verdict: str) -> None:
    cases = [case(seed, a="1" * 50, b="0" * 50) for seed in range(worlds)]
    assert compare(cases, "a", "b", nested=True).verdict == verdict
    table = tables.variants_table(cases, "b", timed=False)
    assert ("they decide nothing" in table) == (verdict == "too few")


def test_interaction_is_paired_by_seed() -> None:
    misaligned = [case(0, a="1111", b="0011"), case(1, a="1100", b="1000"), case(9, a="1", b="0")]
    aligned = [case(1, "x", a="1000", b="1000"), case(0, "x", a="0011", b="0111")]
    found = interaction(misaligned, aligned, "a", "b")
    assert found is not None
    assert found.mean == pytest.approx((0.5 + 0.25 + 0.25 - 0) / 2)
    assert (found.better, found.worse, found.cases) == (2, 0, 2)
    assert interaction(misaligned, aligned, "a", "c") is None


def test_backbones_are_paired_by_seed_and_video() -> None:
    first, second = [case(0, a="1000"), case(1, a="1100")], [case(1, a="0111"), case(0, a="1010")]
    found = across(second, first, "a")
    assert (found.mean, found.better, found.worse) == ((0.25 + 0.25) / 2, 2, 0)
    differences = np.array([[0, 0, 1, 0], [-1, 0, 1, 1]])  # of the seeds 0 and 1
    assert found.interval == difference_interval(differences)
    with pytest.raises(ValueError, match="no seed has b in both"):
        across(second, first, "b")


def test_recommended_is_the_row_that_was_chosen_in_each_world() -> None:
    cases = [case(0, recommended="a", a="11", b="00"), case(1, recommended="b", a="10", b="11")]
    assert compare(cases, "recommended", "b", nested=True).mean == 0.5


def test_interval_over_worlds_is_that_of_plain_draws() -> None:
    rng = np.random.default_rng(5)
    kinds = [-2, -1, 0, 1, 2]  # of an interaction
    worlds = [rng.choice(kinds, 30, p=[0.05, 0.1, 0.5, 0.2, 0.15]) for _ in range(4)]
    means = []
    for _ in range(20_000):
        drawn = [worlds[n] for n in rng.integers(4, size=4)]
        means.append(np.mean([rng.choice(world, len(world)).mean() for world in drawn]))
    assert nested_interval(worlds) == pytest.approx(np.percentile(means, [2.5, 97.5]), abs=0.02)


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

    lines = questions.validators_table([world(0, 0.9), world(1, 0.5)], "source_only").splitlines()
    assert lines[2] == "| ensv | 75.0 | 25.0 | 50.0 | 0 of 2 |"  # im, then source_only by a tie
    assert lines[3] == "| entropy | 50.0 | 50.0 | 50.0 | 0 of 2 |"  # lowest: source_only


@pytest.mark.parametrize(
    "options",
    [{}, {"att_norm": "average", "att_tau": 0.25}, {"unpaired": "self_attention"}],
)
def test_source_attention_is_that_of_training(options: dict[str, Any]) -> None:
    config = TconConfig(features=0, pair=PairConfig(rule="source_label"), **options)
    torch.manual_seed(3)
    sizes = Sizes(in_features=6, classes=3, source_segments=4, target_segments=4)
    method = Tcon(config, sizes).eval()
    fs, ft = torch.rand(9, 4, 6), torch.rand(2, 4, 6)
    labels = torch.arange(9) % 3
    out_t = torch.tensor([[9.0, 0, 0], [0, 9, 0]])  # no pair for the source videos of class 2
    zs, zt = method.classifier(fs), method.classifier(ft)
    trained = method._co_attend(Segments(fs, ft, zs, zt), out_t, labels, torch.rand(9, 2))
    pairs = trained.alignment.pairs
    assert set(labels[pairs.si[pairs.mask]].tolist()) == {0, 1}
    found = source_attention(method, fs, ft, out_t.softmax(1), labels)
    torch.testing.assert_close(found, trained.source)


def test_features_and_runs_of_another_plan_are_refused(tmp_path: Path) -> None:
    training, one = Training(4, 8, (), {}), Case("base", 3, {"bias": 0.0}, ())
    claim(tmp_path / "runs", origin_of(one, training, ("rgb",)))
    claim(tmp_path / "runs", origin_of(one, training, ("rgb",)))
    others = {
        "bias": (replace(one, knobs={"bias": 0.5}), training, ("rgb",)),
        "snippets": (one, replace(training, snippets=6), ("rgb",)),
        "flow": (one, training, ("rgb", "flow")),
    }
    for name, other in others.items():
        with pytest.raises(InputError, match=f"made with another {name}"):
            claim(tmp_path / "runs", origin_of(*other))
    (tmp_path / "base_seed3_rgb").mkdir()  # features that do not say what they are of
    with pytest.raises(InputError, match="delete it"):
        synthetic_features(one, training, ("rgb",), tmp_path)


@pytest.mark.parametrize("key", ["segments", "snippets"])
def test_outcome_of_other_segments_is_not_taken(key: str) -> None:
    one = Case("base", 0, {"bias": 0.0}, (Row("dann"),))
    part, training = Part("any", "", "dann", (one,)), Training(4, 8, (), {})
    plan = Plan(replace(training, **{key: 5}), {})
    before = replace(case(0), failed={"dann": "it diverged"})
    assert is_of(replace(before, segments=4, snippets=8), part, one, Plan(training, {}))
    assert not is_of(replace(before, segments=4, snippets=8), part, one, plan)
    assert is_of(before, part, one, plan)  # of a version that did not record them


@pytest.mark.parametrize(
    ("options", "says"),
    [(["--jobs", "0"], "at least 1 process"), (["--seeds", "100:101"], "delete it")],
)
def test_bad_input_is_a_line(
    options: list[str],
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    damaged = tmp_path / "cases" / "fast" / "base_seed100.json"
    damaged.parent.mkdir(parents=True)
    damaged.write_text('{"world": ')
    monkeypatch.setattr(sys, "argv", ["run.py", "fast", "-o", str(tmp_path), *options])
    with pytest.raises(SystemExit) as ended:
        run.main()
    error = capsys.readouterr().err
    assert ended.value.code == 2
    assert says in error and error.count("\n") == 1


def test_row_that_diverges_does_not_stop_the_others(tmp_path: Path) -> None:
    write_shift(tmp_path, seed=0)
    short = ("train.epochs=1", "train.min_steps=4", "train.evaluations=2", "train.precision=fp32")
    rows = (Row("dann train.lr=1e30 train.clip_norm=1e30"), *map(Row, METHODS))
    part = Part("any", "", "source_only", (), recommended=True)
    features = Features(tmp_path / "source.h5", tmp_path / "target.h5")
    one, training = Case("", 3, {}, rows), Training(4, 4, short, {"disc.hidden": 8})
    found = run_case(part, one, training, features, tmp_path / "runs")
    assert list(found.failed) == [rows[0].text]
    assert "diverged" in found.failed[rows[0].text]
    assert [outcome.row for outcome in found.outcomes] == list(METHODS)
    assert found.recommended in METHODS


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
