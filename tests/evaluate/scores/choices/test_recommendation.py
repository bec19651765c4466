"""Which method to take, and how it is said, where the target has no labels."""

from __future__ import annotations

import csv
import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from feature_files import write_domain
from handmade_runs import logits, write_run
from sklearn.metrics import accuracy_score

from tcon.adapt.run.folder import HEALTH
from tcon.evaluate import Evaluation, evaluate
from tcon.evaluate.scores.choices.recommend import objection_to
from tcon.evaluate.scores.label_free import pairwise_agreement

Files = tuple[Path, Path]


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """The target has no labels."""
    source = write_domain(tmp_path / "clips.h5", videos=30)
    return source, write_domain(tmp_path / "cctv.h5", videos=30, seed=1, labels=[""] * 30)


def write_seeds(folder: Path, files: Files, method: str, *right: int, **options: int) -> list[Path]:
    """A run of a method for each seed, which gets so many of 15 target videos right."""
    return [
        write_run(folder, files, train=[logits(15, n, 3)], method=method, seed=seed, **options)
        for seed, n in enumerate(right)
    ]


def usual(folder: Path, files: Files) -> dict[str, list[Path]]:
    """ensv chooses tcon."""
    right = {"source_only": (9, 9), "im": (13, 13), "tcon": (12, 12)}
    return {name: write_seeds(folder, files, name, *each) for name, each in right.items()}


def first_line(result: Evaluation) -> str:
    """The sentence that is printed first, on one line."""
    return result.to_markdown().split("\n\n")[0].replace("\n", " ")


def test_agreement_by_pairs() -> None:
    made = np.random.default_rng(1).normal(size=(4, 50, 3))
    predicted = [one.argmax(1) for one in made]
    expected = np.mean([accuracy_score(a, b) for a, b in combinations(predicted, 2)])
    assert pairwise_agreement(made) == pytest.approx(expected)
    assert np.isnan(pairwise_agreement(made[:1]))


@pytest.mark.parametrize(
    ("chosen", "agree", "kinds", "expected"),
    [
        (0, (0.9, 0.8), (), None),
        (0, (0.51, 0.8), (), None),
        (0, (0.49, 0.8), (), "seeds disagree"),
        (0, (0.49, 0.48), (), None),  # a hard task: source_only's seeds agree on less
        (0, (np.nan, np.nan), (), None),
        (0, (0.9, 0.8), ("video guesses", "no pairs"), None),
        (0, (0.9, 0.8), ("video guesses", "one class"), "collapsed"),
        (0, (0.2, 0.8), ("features alike",), "collapsed"),
        (1, (0.9, 0.2), ("one class",), None),  # source_only is what one stays with
    ],
)
def test_what_speaks_against_a_choice(
    chosen: int, agree: tuple[float, float], kinds: tuple[str, ...], expected: str | None
) -> None:
    assert objection_to(chosen, np.array(agree), [kinds, kinds]) == expected


def test_the_choice_is_taken(files: Files, tmp_path: Path) -> None:
    usual(tmp_path / "runs", files)
    result = evaluate(tmp_path / "runs")
    [one] = result.recommendations
    assert one.taken.value == one.chosen.value == "tcon" and one.objection is None
    # Pairs of methods agree on 14, 12 and 11 of 15 videos.
    assert one.methods_agree == pytest.approx(37 / 45)
    assert first_line(result) == (
        "Take tcon: it agrees most with all methods together (ensv 1.00; source_only 0.80); its 2 "
        "seeds agree on 100 % of the videos, the methods on 82 %; no health warning."
    )
    assert str(one) == first_line(result)
    assert repr(result) == "<Evaluation of 3 groups: 3 with an unlabelled target, take tcon>"
    assert "None of this is an accuracy" in result.to_markdown()
    result.to_json(tmp_path / "out.json")
    [written] = json.loads((tmp_path / "out.json").read_text())["recommendations"]
    assert written["take"] == "tcon" and written["validator"] == "ensv"
    assert {c["value"]: round(c["score"], 3) for c in written["candidates"]} == {
        "im": 0.933,
        **{"tcon": 1.0, "source_only": 0.8},
    }


def test_what_to_do_next(files: Files, tmp_path: Path) -> None:
    runs = usual(tmp_path / "my runs", files)
    result = evaluate(tmp_path / "my runs")
    shown = result.to_markdown()
    group = runs["tcon"][0].with_name("tcon_rgb_k4")  # all seeds
    step = f"\n\nLabel videos with it: tcon predict '{group}' VIDEOS\n\n"
    assert step in shown
    prose = shown[: shown.index("Labels by")].replace(step, "\n\n").splitlines()
    assert max(map(len, prose)) <= 96
    headings = [line for line in shown.splitlines() if line.startswith("Labels by ")]
    assert [line.split()[2] for line in headings] == ["tcon"]
    result.to_csv(tmp_path / "out.csv")
    rows = list(csv.DictReader((tmp_path / "out.csv").open()))
    assert {(row["method"], row["recommended"]) for row in rows} == {
        *(("source_only", ""), ("im", ""), ("tcon", "yes"))
    }


def test_the_html_report_says_it_first(files: Files, tmp_path: Path) -> None:
    usual(tmp_path / "runs", files)
    evaluate(tmp_path / "runs").to_html(tmp_path / "report.html", pictures=())
    text = (tmp_path / "report.html").read_text()
    assert '<p class="statement">Take tcon: it agrees most' in text[: text.index("<nav")]


def test_source_only_is_kept(files: Files, tmp_path: Path) -> None:
    write_seeds(tmp_path / "runs", files, "source_only", 12)
    write_seeds(tmp_path / "runs", files, "im", 13)
    write_seeds(tmp_path / "runs", files, "tcon", 9)
    assert first_line(evaluate(tmp_path / "runs")) == (
        "Stay with source_only: it agrees most with all methods together (ensv 1.00; next im "
        "0.93); the methods agree on 82 % of the videos, and a single seed does not tell how far "
        "seeds differ; no health warning."
    )


def test_a_collapsed_method_is_not_taken(files: Files, tmp_path: Path) -> None:
    runs = usual(tmp_path / "runs", files)
    other = {"kind": "video guesses", "text": "it guessed", "remedy": "wait"}
    (runs["tcon"][0] / HEALTH).write_text(json.dumps([other]))
    assert "health warnings: video guesses." in first_line(evaluate(tmp_path / "runs"))
    collapsed = {"kind": "one class", "text": "one class", "remedy": "train longer"}
    (runs["tcon"][1] / HEALTH).write_text(json.dumps([collapsed]))
    result = evaluate(tmp_path / "runs")
    [one] = result.recommendations
    assert one.objection == "collapsed"
    assert (one.chosen.value, one.taken.value) == ("tcon", "source_only")
    assert first_line(result).startswith(
        "Stay with source_only: ensv chooses tcon (1.00; source_only 0.80), but its runs do not "
        "tell the target's classes apart (health: one class); its 2 seeds agree"
    )
    (runs["tcon"][1] / HEALTH).write_text("{")
    assert "health warnings: unknown, video guesses." in first_line(evaluate(tmp_path / "runs"))


def test_seeds_that_differ_on_most_videos_are_not_trusted(files: Files, tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    write_seeds(folder, files, "source_only", 15, 9)  # they agree on 9 of 15
    unlike = [logits(15, 15, 9), logits(15, 6, 2)]  # 6 of 15; the first decides the ensemble
    for seed, made in enumerate(unlike):
        write_run(folder, files, train=[made], method="im", seed=seed)
    result = evaluate(folder, select="method", validators="entropy")  # im is the more confident
    assert result.recommendations[0].objection == "seeds disagree"
    assert first_line(result).endswith(
        ", but its 2 seeds agree on 40 % of the videos, the methods on "
        f"{100 * result.recommendations[0].methods_agree:.0f} %, the seeds of source_only on 60 %."
    )


def test_one_line_for_each_number_of_segments(files: Files, tmp_path: Path) -> None:
    for k in (4, 8):
        write_seeds(tmp_path / "runs", files, "source_only", 9, segments=k)
        write_seeds(tmp_path / "runs", files, "im", 12, segments=k)
    paragraphs = evaluate(tmp_path / "runs").to_markdown().split("\n\n")
    assert paragraphs[0].startswith("clips -> cctv, toy, rgb, K = 4: ")
    assert paragraphs[1].startswith("Label videos with it: tcon predict ")
    assert paragraphs[2].startswith("clips -> cctv, toy, rgb, K = 8: ")


def test_nothing_is_said_of_one_method_and_why_not_of_others(files: Files, tmp_path: Path) -> None:
    write_seeds(tmp_path / "runs", files, "im", 12)
    assert first_line(evaluate(tmp_path / "runs")).startswith("Labels by im")
    write_seeds(tmp_path / "runs", files, "tcon", 12)
    assert first_line(evaluate(tmp_path / "runs")) == (
        "- clips -> cctv, rgb, K = 4, im, tcon: no method is chosen: there is no such run of "
        "source_only."
    )


def test_a_method_that_lacks_seeds_is_named_unasked(files: Files, tmp_path: Path) -> None:
    usual(tmp_path / "runs", files)
    write_seeds(tmp_path / "runs", files, "tcon+", 12)
    result = evaluate(tmp_path / "runs")
    [one] = result.recommendations
    assert [c.value for c in one.selection.candidates] == ["tcon", "im", "source_only"]
    assert one.selection.dropped_seeds == ()
    assert "- clips -> cctv, rgb, K = 4: tcon+ has 1 of 2 seeds and is left out: " in (
        result.to_markdown()
    )
