"""Choices without target labels, on handmade runs: what is chosen, by what, and its messages."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from click.testing import CliRunner, Result
from feature_files import CLASSES, write_domain
from handmade_runs import logits, write_run

from tcon.adapt.run.record import CONFIG, read_record, write_record
from tcon.cache import InputError
from tcon.cli import main
from tcon.evaluate import evaluate
from tcon.evaluate.scores.choices.outcomes import Outcome
from tcon.evaluate.scores.choices.selection import Selection

VIDEOS = 30


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    source = write_domain(tmp_path / "clips.h5", videos=VIDEOS)
    return source, write_domain(tmp_path / "cctv.h5", videos=VIDEOS, seed=1)


def tcon(*arguments: object) -> Result:
    result = CliRunner().invoke(main, ["eval", *map(str, arguments)])
    assert not isinstance(result.exception, Exception), result.exception
    return result


def chosen(selection: Selection) -> dict[str, object]:
    """The value that each validator chooses."""
    return {name: selection.chosen(name).value for name in selection.scores}


def accuracies(outcome: Outcome) -> dict[str, float]:
    """Mean test accuracy by who chose."""
    return {pick.by: pick.scores.accuracy.mean() for pick in outcome.picks}


def by_epochs(folder: Path, files: tuple[Path, Path]) -> Path:
    """Step 10 is right, 20 nearly so and more confident, 30 has collapsed."""
    collapsed = np.tile([9.0, 0, 0], (15, 1))
    train = [logits(15, 15, 3), logits(15, 14, 4), collapsed]
    test = [logits(15, 12, 3), logits(15, 15, 3), logits(15, 3, 3)]
    val = [logits(15, 15, 3), logits(15, 13, 3), logits(15, 12, 3)]
    return write_run(folder, files, train=train, test=test, val=val)


def test_epochs(files: tuple[Path, Path], tmp_path: Path) -> None:
    by_epochs(tmp_path / "runs", files)
    result = evaluate(tmp_path / "runs", select="epoch")
    [selection], [outcome] = result.selections, result.outcomes
    assert selection.key == "step" and [c.value for c in selection.candidates] == [10, 20, 30]
    assert chosen(selection) == {
        # The ensemble follows the confident of two that differ in one video.
        **{"ensv": 20, "mutual_information": 20},
        **{"entropy": 30, "snd": 30},
        "source_accuracy": 10,
    }
    assert selection.accuracy == pytest.approx(np.array([12 / 15, 1, 3 / 15]))
    assert selection.scores["source_accuracy"][1] == pytest.approx(13 / 15)
    assert accuracies(outcome) == pytest.approx(
        {"last epoch": 0.2, "chosen by ensv": 1, "oracle's best (not a result)": 1}
    )
    result.to_csv(tmp_path / "out.csv")
    rows = list(csv.DictReader((tmp_path / "out.csv").open()))
    assert [row["value"] for row in rows] == ["10", "20", "30"]
    by = ["source_accuracy", "ensv|mutual_information", "entropy|snd"]
    assert [row["chosen_by"] for row in rows] == by
    assert [float(row["accuracy"]) for row in rows] == pytest.approx([12 / 15, 1, 3 / 15])

    several = ("source_accuracy", "entropy")
    [outcome] = evaluate(tmp_path / "runs", select="epoch", validators=several).outcomes
    assert list(accuracies(outcome).values()) == pytest.approx([0.2, 0.8, 0.2, 1])


def test_what_is_printed(files: tuple[Path, Path], tmp_path: Path) -> None:
    by_epochs(tmp_path / "runs", files)
    done = tcon(tmp_path / "runs", "--select", "epoch")
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    run = tmp_path / "runs" / "tcon_rgb_k4_seed0"
    assert lines[0] == f"clips -> cctv, tcon, rgb, K = 4, seed 0 ({run})"
    [row] = [line for line in lines if line.startswith("| chosen")]
    assert [cell.strip() for cell in row.split("|")[2:-1]] == ["20", "30", "20", "30", "10"]
    [row] = [line for line in lines if line.startswith("| clips -> cctv")]
    last, by_ensv, oracle = [cell.strip() for cell in row.split("|")[5:-1]]
    assert last.startswith("20.0 (") and by_ensv.startswith("100.0 (")
    assert oracle.startswith("100.0 (") and "it is chosen by target labels" in " ".join(lines)


def test_nothing_of_the_test_set_changes_a_choice(files: tuple[Path, Path], tmp_path: Path) -> None:
    run = by_epochs(tmp_path / "runs", files)
    before = evaluate(run, select="epoch")
    with h5py.File(run / "logits.h5", "r+") as h5:
        h5["target_test/logits"][...] = h5["target_test/logits"][()][::-1]
    other_logits = evaluate(run, select="epoch")
    files[1].unlink()
    labels = [CLASSES[(n + 1) % 3] for n in range(VIDEOS)]
    write_domain(files[1], videos=VIDEOS, seed=1, labels=labels)
    other_labels = evaluate(run, select="epoch")
    results = (before, other_logits, other_labels)
    assert len({tuple(r.selections[0].accuracy) for r in results}) == 3
    for other in results[1:]:
        assert chosen(other.selections[0]) == chosen(before.selections[0])
        for name, scores in before.selections[0].scores.items():
            np.testing.assert_array_equal(other.selections[0].scores[name], scores)


def test_ties_go_to_the_later_epoch(files: tuple[Path, Path], tmp_path: Path) -> None:
    train = [logits(15, 9, 3), logits(15, 12, 3), logits(15, 12, 3)]
    write_run(tmp_path / "runs", files, train=train)
    result = evaluate(tmp_path / "runs", select="epoch")
    [selection] = result.selections
    assert selection.best("ensv") == (2, 2) and selection.best("entropy") == (2, 3)
    shown = result.to_markdown()
    assert "30 (2 tied)" in shown
    assert "2 evaluations that no validator chooses are not shown: --csv has all." in shown


def test_diverged_epochs_are_never_chosen(files: tuple[Path, Path], tmp_path: Path) -> None:
    diverged = np.full((15, 3), np.nan)
    train = [logits(15, 9, 3), logits(15, 9, 3), diverged]
    test = [logits(15, 9, 3)] * 3
    run = write_run(tmp_path / "runs", files, train=train, test=test)
    result = evaluate(run, select="epoch")
    [selection] = result.selections
    assert set(chosen(selection).values()) == {20}
    assert np.isnan([scores[2] for scores in selection.scores.values()]).all()
    assert "| diverged" in result.to_markdown()
    with h5py.File(run / "logits.h5", "r+") as h5:
        h5["target_train/logits"][...] = np.nan
    with pytest.raises(InputError, match="has finite logits of target_train"):
        evaluate(run, select="epoch")


def test_without_source_validation(files: tuple[Path, Path], tmp_path: Path) -> None:
    for seed in (0, 1):
        write_run(tmp_path / "runs", files, train=[logits(15, 9, 3)] * 3, seed=seed)
    result = evaluate(tmp_path / "runs", select="epoch")
    assert all("source_accuracy" not in selection.scores for selection in result.selections)
    reason = f"no videos of {files[0]} were kept for validation"
    assert result.left_out == (f"source_accuracy is left out: {reason}.",)
    refused = tcon(tmp_path / "runs", "--select", "epoch", "--validator", "source_accuracy")
    assert refused.exit_code == 2
    assert refused.output == f"Error: the validator source_accuracy cannot choose: {reason}\n"


def test_source_file_that_moved(files: tuple[Path, Path], tmp_path: Path) -> None:
    run = by_epochs(tmp_path / "runs", files)
    moved = files[0].rename(tmp_path / "moved.h5")
    result = evaluate(run, select="epoch")
    [line] = result.left_out
    assert f"feature file {files[0]} is gone: name it with --source-features FILE." in line
    picks = chosen(result.selections[0])
    assert "source_accuracy" not in picks and "ensv" in picks
    [selection] = evaluate(run, select="epoch", source_features=moved).selections
    assert chosen(selection)["source_accuracy"] == 10
    relabelled = write_domain(tmp_path / "x.h5", videos=VIDEOS, labels=["run"] * VIDEOS)
    [line] = evaluate(run, select="epoch", source_features=relabelled).left_out
    assert "source videos with other features or label (v00" in line


def test_runs_without_the_map_of_source_labels(files: tuple[Path, Path], tmp_path: Path) -> None:
    run = by_epochs(tmp_path / "runs", files)
    record = read_record(run)
    source = replace(record.data.source, labels=None)
    old = replace(record, data=replace(record.data, source=source))
    (run / CONFIG).write_bytes(write_record(old))
    [line] = evaluate(run, select="epoch").left_out
    assert "before runs recorded which class each source label belongs to" in line


def test_unlabelled_target(tmp_path: Path) -> None:
    source = write_domain(tmp_path / "clips.h5", videos=VIDEOS)
    files = source, write_domain(tmp_path / "cctv.h5", videos=VIDEOS, labels=[""] * VIDEOS)
    by_epochs(tmp_path / "runs", files)
    result = evaluate(tmp_path / "runs", select="epoch")
    [selection] = result.selections
    assert chosen(selection)["ensv"] == 20 and selection.accuracy is None
    assert not result.outcomes and "An unlabelled target has scores alone." in result.to_markdown()
    result.to_csv(tmp_path / "out.csv")
    assert {row["accuracy"] for row in csv.DictReader((tmp_path / "out.csv").open())} == {""}


def test_segments_by_the_mean_over_seeds(files: tuple[Path, Path], tmp_path: Path) -> None:
    # Entropy falls with confidence; K = 1 is the most confident at seed 0, K = 8 on average.
    for k, confidences in ((1, (6, 0.1)), (4, (1, 1)), (8, (4, 5))):
        for seed, confidence in enumerate(confidences):
            train = [logits(15, 15, 9), logits(15, 3 * seed + k, confidence)]
            options = {"segments": k, "seed": seed}
            write_run(tmp_path / "runs", files, train=train, **options)
    write_run(tmp_path / "runs", files, train=[logits(15, 15, 9)], segments=8, seed=2)
    result = evaluate(tmp_path / "runs", select="segments", validators=("entropy",))
    [selection], [outcome] = result.selections, result.outcomes
    assert chosen(selection)["entropy"] == 8 and selection.dropped_seeds == (2,)
    assert [run.seed for run in selection.candidates[0].runs] == [0, 1]
    accuracy = np.array([2.5, 5.5, 9.5]) / 15  # at the last epoch
    assert selection.accuracy == pytest.approx(accuracy)
    assert [(pick.value, pick.by) for pick in outcome.picks] == [
        (8, "chosen by entropy"),
        (8, "oracle's best (not a result)"),
    ]
    printed = result.to_markdown()
    assert "Not every value of segments has the seed 2: it is left out." in printed
    assert "mean over seeds 0 1 " in printed and printed.count("8: 63.3 ± 14.1 (") == 2


def test_settings_are_compared_where_all_else_is_equal(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    values = [(tau, k) for tau in ("0.02", "0.1", "1") for k in (4, 6)]
    for n, (tau, k) in enumerate(values):
        settings = (f"tcon.tau={tau}",)
        train = [logits(15, 15, 1 + n)]
        write_run(tmp_path / tau, files, train=train, segments=k, settings=settings)
    write_run(tmp_path / "1", files, train=[logits(15, 9, 9)], method="source_only")
    result = evaluate(tmp_path, select="tcon.tau")
    assert [s.group.segments for s in result.selections] == ["4", "6"]
    for selection in result.selections:
        assert [c.value for c in selection.candidates] == [0.02, 0.1, 1]
        assert chosen(selection)["entropy"] == 1 and selection.group.method == "tcon"
    result.to_csv(tmp_path / "out.csv")
    rows = list(csv.DictReader((tmp_path / "out.csv").open()))
    assert [(row["segments"], row["value"]) for row in rows] == [
        (k, tau) for k in "46" for tau in ("0.02", "0.1", "1.0")
    ]


def test_values_of_several_types(files: tuple[Path, Path], tmp_path: Path) -> None:
    for n, value in enumerate(("0.9", "none", "0.5")):
        settings = (f"tcon.pair.threshold={value}",)
        write_run(tmp_path / str(n), files, train=[logits(15, 15, 3)], settings=settings)
    result = evaluate(tmp_path, select="tcon.pair.threshold")
    [selection] = result.selections
    assert [candidate.value for candidate in selection.candidates] == [None, 0.5, 0.9]
    assert "| none " in result.to_markdown()


def test_methods_that_train_on_target_labels_are_left_out(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    write_run(tmp_path / "runs", files, train=[logits(15, 15, 3)], method="target_only")
    with pytest.raises(InputError, match="target_only is left out: .* No other run is left"):
        evaluate(tmp_path / "runs", select="epoch")
    write_run(tmp_path / "runs", files, train=[logits(15, 15, 3)])
    result = evaluate(tmp_path / "runs", select="epoch")
    assert [selection.group.method for selection in result.selections] == ["tcon"]
    assert result.left_out[0].startswith("target_only is left out: it trains on target labels")


def test_messages(files: tuple[Path, Path], tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    by_epochs(runs, files)
    for arguments, message in (
        (["--select", "epoch", "--validator", "sdn"], "no validator 'sdn': did you mean snd?"),
        (["--select", "tcon.taus"], "no setting 'tcon.taus': did you mean tcon.tau?"),
        (["--select", "seed"], "no setting 'seed'"),
        (["--select", "segments"], "no runs that differ in segments alone: make some"),
        (["--validator", "snd"], "give --select epoch"),
        (["--source-features", files[0]], "give --select epoch"),
    ):
        refused = tcon(runs, *arguments)
        assert refused.exit_code == 2 and message in refused.output
        assert refused.output.startswith("Error: ") and refused.output.count("\n") == 1
    write_run(runs, files, train=[logits(15, 15, 3)], segments=6, seed=1)
    refused = tcon(runs, "--select", "segments")
    assert refused.exit_code == 2 and "no seed in common" in refused.output


def test_real_runs(files: tuple[Path, Path], tmp_path: Path) -> None:
    """What ``tcon adapt`` writes is enough, source accuracy included."""
    quick = ["train.min_steps=6", "train.evaluations=3", "train.batch_size=4"]
    settings = [word for setting in quick for word in ("--set", setting)]
    arguments = ["adapt", "--source", *files[:1], "--target", files[1], "-o", tmp_path / "runs"]
    arguments += ["--method", "source_only", "--epochs", 1, "--segments", 4, *settings]
    made = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert made.exit_code == 0, made.output
    done = tcon(tmp_path / "runs", "--select", "epoch", "--csv", tmp_path / "out.csv")
    assert done.exit_code == 0, done.output
    [folder] = (tmp_path / "runs").iterdir()
    with h5py.File(folder / "logits.h5") as h5:
        truth = [int(id_[1:4]) % 3 for id_ in h5["source_val/id"].asstr()[()]]
        expected = (h5["source_val/logits"][()].argmax(2) == truth).mean(1)
    rows = list(csv.DictReader((tmp_path / "out.csv").open()))
    assert [float(row["source_accuracy"]) for row in rows] == pytest.approx(expected)
