"""Methods chosen among without target labels, on handmade runs."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from feature_files import CLASSES, write_domain
from handmade_runs import logits, write_run

from tcon.cache import InputError
from tcon.cli import main
from tcon.evaluate import evaluate
from tcon.evaluate.scores.choices.selection import Selection

Files = tuple[Path, Path]


@pytest.fixture
def files(tmp_path: Path) -> Files:
    source = write_domain(tmp_path / "clips.h5", videos=30)
    return source, write_domain(tmp_path / "cctv.h5", videos=30, seed=1)


def write_methods(
    folder: Path, files: Files, right: dict[str, int], seeds: int = 2, settings: str = ""
) -> None:
    """Runs of methods that predict so many of 15 target videos rightly."""
    for method, count in right.items():
        for seed in range(seeds):
            made = {"method": method, "seed": seed, "settings": (settings,) if settings else ()}
            write_run(folder, files, train=[logits(15, 15, 3), logits(15, count, 3)], **made)


def names(selection: Selection) -> list[object]:
    return [candidate.value for candidate in selection.candidates]


def refused(*arguments: object) -> str:
    """The one line of an evaluation that is refused."""
    done = CliRunner().invoke(main, ["eval", *map(str, arguments), "--select", "method"])
    assert done.exit_code == 2 and done.output.startswith("Error: "), done.output
    assert done.output.count("\n") == 1
    return done.output


def test_scores_by_plain_loops(files: Files, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    made = {}
    for method in ("tcon", "im", "source_only"):
        for seed in range(2):
            made[method, seed] = rng.normal(size=(15, 3)).astype(np.float32) * 2
            early = logits(15, 15, 9)  # counts for nothing: it is not the last epoch
            values = {"train": [early, made[method, seed]], "method": method, "seed": seed}
            write_run(tmp_path / "runs", files, **values)
    ensemble = []
    for video in range(15):
        total = [0.0, 0.0, 0.0]
        for one in made.values():
            powers = [np.exp(float(x)) for x in one[video]]
            total = [t + power / sum(powers) for t, power in zip(total, powers, strict=True)]
        ensemble.append(total.index(max(total)))
    [selection] = evaluate(tmp_path / "runs", select="method").selections
    assert names(selection) == ["tcon", "im", "source_only"]
    for m, name in enumerate(("tcon", "im", "source_only")):
        agreeing = [
            list(one[video]).index(max(one[video])) == ensemble[video]
            for (method, _), one in made.items()
            if method == name
            for video in range(15)
        ]
        assert selection.scores["ensv"][m] == pytest.approx(sum(agreeing) / 30)


@pytest.mark.slow
def test_what_the_choice_reaches(files: Files, tmp_path: Path) -> None:
    # Four of six runs get videos 9 to 11 right, two of them video 12: im is too good for ensv.
    write_methods(tmp_path / "runs", files, {"source_only": 9, "im": 13, "tcon": 12})
    write_methods(tmp_path / "runs", files, {"target_only": 15})
    result = evaluate(tmp_path / "runs", select="method")
    [selection], [outcome] = result.selections, result.outcomes
    assert "target_only (oracle)" not in names(selection)
    assert result.left_out[0].startswith("target_only is left out: it trains on target labels")
    assert {p.by: (p.value, p.scores.accuracy.mean()) for p in outcome.picks} == {
        "source_only": ("source_only", pytest.approx(9 / 15)),
        "chosen by ensv": ("tcon", pytest.approx(12 / 15)),
        "recommended": ("tcon", pytest.approx(12 / 15)),
        "oracle's best (not a result)": ("im", pytest.approx(13 / 15)),
    }
    shown = result.to_markdown()
    assert shown.startswith("Take tcon: it agrees most with all methods together (ensv 1.00; ")
    assert "\nclips -> cctv, rgb, K = 4, mean over seeds 0 1 (" in shown
    table = shown[shown.index("| transfer      | input | K | choice ") :].splitlines()
    assert [cell.strip() for cell in table[4].split("|")[4:7]] == [
        "recommended",
        "tcon",
        "80.0 ± 0.0",
    ]
    result.to_csv(tmp_path / "out.csv")
    rows = {row["value"]: row for row in csv.DictReader((tmp_path / "out.csv").open())}
    assert [row["method"] for row in rows.values()] == ["tcon", "im", "source_only"]
    assert "ensv" in rows["tcon"]["chosen_by"].split("|")
    assert evaluate(tmp_path / "runs").recommendations == ()  # labels tell, so none is needed


def test_a_tie_stays_with_source_only(files: Files, tmp_path: Path) -> None:
    write_methods(tmp_path / "runs", files, {"tcon": 12, "source_only": 12, "dann": 12})
    result = evaluate(tmp_path / "runs", select="method")
    assert result.selections[0].best("ensv") == (2, 3)
    said = str(result.recommendations[0])
    assert said.startswith("Stay with source_only: ")
    assert "(ensv 1.00, tied with tcon and dann); its 2 seeds" in said


@pytest.mark.slow
@pytest.mark.parametrize("folders", ["abcdef", "fedcba"])
def test_a_tie_goes_to_the_simplest_method(files: Files, tmp_path: Path, folders: str) -> None:
    """Whatever their order of reading, which is that of the folders and of the arguments."""
    methods = ("source_only", "tcon+", "dann", "tcon", "im", "cdan")
    runs = [tmp_path / folder for folder in folders]
    for folder, method in zip(runs, methods, strict=True):
        count = 9 if method == "source_only" else 12
        write_methods(folder, files, {method: count}, seeds=1)
    for order in (runs, runs[::-1]):
        [one] = evaluate(order, select="method").recommendations
        assert names(one.selection) == ["dann", "cdan", "tcon+", "tcon", "im", "source_only"]
        assert one.taken.value == "im"
        assert "(ensv 1.00, tied with tcon and tcon+ and cdan and dann; source_only 0.80)" in str(
            one
        )


def test_settings_of_one_method_are_candidates_of_their_own(files: Files, tmp_path: Path) -> None:
    write_methods(tmp_path / "a", files, {"source_only": 9, "tcon": 12}, seeds=1)
    write_methods(tmp_path / "b", files, {"tcon": 13}, seeds=1, settings="tcon.tau=0.5")
    [selection] = evaluate(tmp_path, select="method").selections
    assert set(names(selection)) == {"tcon (a)", "tcon (b)", "source_only"}


def test_methods_that_trained_otherwise_do_not_compete(files: Files, tmp_path: Path) -> None:
    write_methods(tmp_path / "runs", files, {"source_only": 9, "tcon": 12}, seeds=1)
    write_methods(tmp_path / "slow", files, {"im": 15}, seeds=1, settings="train.lr=1e-5")
    result = evaluate(tmp_path, select="method")
    assert [names(s) for s in result.selections] == [["tcon", "source_only"]]
    assert result.left_out[0] == (
        "clips -> cctv, rgb, K = 4, im: no method is chosen: no comparable run of source_only: "
        "those named differ in train.lr."
    )


def test_a_method_that_lacks_seeds_is_left_out(files: Files, tmp_path: Path) -> None:
    write_methods(tmp_path / "runs", files, {"source_only": 9, "tcon": 12}, seeds=3)
    write_methods(tmp_path / "runs", files, {"im": 12}, seeds=1)
    result = evaluate(tmp_path / "runs", select="method")
    [selection] = result.selections
    assert names(selection) == ["tcon", "source_only"] and selection.dropped_seeds == ()
    assert {tuple(run.seed for run in c.runs) for c in selection.candidates} == {(0, 1, 2)}
    line = (
        "clips -> cctv, rgb, K = 4: im has 1 of 3 seeds and is left out: finish it with the same "
        "tcon adapt command."
    )
    assert result.left_out[0] == line and line in result.to_markdown()


@pytest.mark.slow
def test_seeds_that_source_only_alone_has(files: Files, tmp_path: Path) -> None:
    write_methods(tmp_path / "runs", files, {"source_only": 9}, seeds=3)
    write_methods(tmp_path / "runs", files, {"im": 12, "tcon": 12}, seeds=2)
    result = evaluate(tmp_path / "runs", select="method")
    [selection] = result.selections
    assert {tuple(run.seed for run in c.runs) for c in selection.candidates} == {(0, 1)}
    assert names(selection) == ["tcon", "im", "source_only"]
    assert "Not every method has the seed 2: it is left out." in result.to_markdown()


@pytest.mark.slow
def test_what_labels_say_afterwards(files: Files, tmp_path: Path) -> None:
    write_methods(tmp_path / "runs", files, {"source_only": 13, "im": 9, "tcon": 9})
    result = evaluate(tmp_path / "runs", select="method")
    [outcome] = result.outcomes
    [against] = [r.comparison for r in result.results if r.name == "im"]
    low, high = (f"{100 * bound:.1f}" for bound in against.interval)
    lines = result.to_markdown().split("\n\n")
    assert lines[0].startswith("Take im: ")
    assert lines[1].replace("\n", " ") == (
        "With the target's labels, which chose nothing: im is 26.7 points below source_only "
        f"(95 % {low} to {high})."
    )
    assert outcome.comparison.difference == pytest.approx(-4 / 15)
    result.to_json(tmp_path / "out.json")
    [written] = json.loads((tmp_path / "out.json").read_text())["outcomes"]
    assert written["comparison"]["difference"] == pytest.approx(-4 / 15)


def test_nothing_is_compared_where_source_only_is_kept(files: Files, tmp_path: Path) -> None:
    write_methods(tmp_path / "runs", files, {"source_only": 12, "tcon": 12})
    result = evaluate(tmp_path / "runs", select="method")
    assert result.outcomes[0].comparison is None
    assert "which chose nothing" not in result.to_markdown()


def test_the_report_of_a_choice(files: Files, tmp_path: Path) -> None:
    write_methods(tmp_path / "runs", files, {"source_only": 9, "im": 13, "tcon": 12}, seeds=1)
    report = tmp_path / "report.html"
    made = ["eval", str(tmp_path / "runs"), "--select", "method", "--report", str(report)]
    done = CliRunner().invoke(main, made)
    assert done.exit_code == 0, done.output
    text = report.read_text()
    assert '<p class="statement">Take tcon: ' in text and "chosen by ensv" in text


def test_messages(files: Files, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    write_methods(runs, files, {"tcon": 12, "im": 12}, seeds=1)
    line = refused(runs)
    assert "no method is chosen: there is no such run of source_only" in line
    assert "tcon adapt --method recommended" in line
    write_run(tmp_path / "other", files, train=[logits(15, 9, 3)], method="source_only", seed=1)
    assert "have no seed in common: repeat tcon adapt with equal --seeds" in refused(tmp_path)
    assert "no comparable run of another method" in refused(tmp_path / "other")
    with pytest.raises(InputError, match="the validator source_accuracy cannot choose: no videos"):
        write_methods(runs, files, {"source_only": 9}, seeds=1)
        evaluate(runs, select="method", validators="source_accuracy")


@pytest.mark.slow
def test_no_target_label_changes_a_choice(files: Files, tmp_path: Path) -> None:
    write_methods(tmp_path / "runs", files, {"source_only": 9, "im": 13, "tcon": 12})
    before = evaluate(tmp_path / "runs", select="method")
    files[1].unlink()
    wrong = [CLASSES[(n + 1) % 3] for n in range(30)]
    write_domain(files[1], videos=30, seed=1, labels=wrong)
    after = evaluate(tmp_path / "runs", select="method")
    assert (after.selections[0].accuracy != before.selections[0].accuracy).all()
    for result, path in ((before, "before.json"), (after, "after.json")):
        result.to_json(tmp_path / path)
    old, new = (json.loads((tmp_path / f"{n}.json").read_text()) for n in ("before", "after"))
    assert old["recommendations"] == new["recommendations"]
    assert old["selections"][0]["chosen"] == new["selections"][0]["chosen"]
