"""``tcon eval --select`` on handmade runs: what is chosen, by what, and its messages."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from click.testing import CliRunner, Result
from feature_files import CLASSES, write_domain
from handmade_runs import logits, write_run

from tcon.adapt.methods import entry
from tcon.adapt.record import read_record, write_record
from tcon.cli import main

VIDEOS = 30


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    source = write_domain(tmp_path / "clips.h5", videos=VIDEOS)
    return source, write_domain(tmp_path / "cctv.h5", videos=VIDEOS, seed=1)


def tcon(*arguments: object) -> Result:
    result = CliRunner().invoke(main, ["eval", *map(str, arguments)])
    assert not isinstance(result.exception, Exception), result.exception
    return result


def chosen(output: str) -> dict[str, str]:
    """By validator, the value in the row "chosen" of the only table of scores."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in output.splitlines()]
    [last] = [row for row in rows if row[0] == "chosen"]
    head = next(row for row in rows if row[0] in ("step", "segments") or "." in row[0])
    return dict(zip([cell.split()[0] for cell in head], last, strict=True))


def outcome(output: str) -> list[str]:
    """The last row of the table of accuracies."""
    line = [line for line in output.splitlines() if line.startswith("| clips -> cctv |")][-1]
    return [cell.strip() for cell in line.strip("|").split("|")]


def by_epochs(folder: Path, files: tuple[Path, Path]) -> Path:
    """Step 10 is right, 20 nearly so and more confident, 30 has collapsed."""
    collapsed = np.tile([9.0, 0, 0], (15, 1))
    train = [logits(15, 15, 3), logits(15, 14, 4), collapsed]
    test = [logits(15, 12, 3), logits(15, 15, 3), logits(15, 3, 3)]
    val = [logits(15, 15, 3), logits(15, 13, 3), logits(15, 12, 3)]
    return write_run(folder, files, train=train, test=test, val=val)


def test_epochs(files: tuple[Path, Path], tmp_path: Path) -> None:
    by_epochs(tmp_path / "runs", files)
    done = tcon(tmp_path / "runs", "--select", "epoch", "--csv", tmp_path / "out.csv")
    assert done.exit_code == 0, done.output
    picks = chosen(done.output)
    # The ensemble follows the confident of two that differ in one video.
    assert picks["ensv"] == picks["mutual_information"] == "20"
    assert picks["entropy"] == picks["snd"] == "30"
    assert picks["source_accuracy"] == "10"
    last, by_ensv, oracle = outcome(done.output)[4:]
    assert last.startswith("20.0 (") and by_ensv.startswith("100.0 (")
    assert oracle.startswith("100.0 (") and "chosen by target labels" in done.output

    rows = list(csv.DictReader((tmp_path / "out.csv").open()))
    assert [row["value"] for row in rows] == ["10", "20", "30"]
    by = ["source_accuracy", "ensv|mutual_information", "entropy|snd"]
    assert [row["chosen_by"] for row in rows] == by
    assert [float(row["accuracy"]) for row in rows] == pytest.approx([12 / 15, 1, 3 / 15])
    assert float(rows[1]["source_accuracy"]) == pytest.approx(13 / 15)

    several = ["--validator", "source_accuracy", "--validator", "entropy"]
    done = tcon(tmp_path / "runs", "--select", "epoch", *several)
    assert [cell.split()[0] for cell in outcome(done.output)[4:]] == [
        "20.0",
        "80.0",
        "20.0",
        "100.0",
    ]


def test_nothing_of_the_test_set_changes_a_choice(files: tuple[Path, Path], tmp_path: Path) -> None:
    run = by_epochs(tmp_path / "runs", files)
    before = tcon(run, "--select", "epoch").output
    with h5py.File(run / "logits.h5", "r+") as h5:
        h5["target_test/logits"][...] = h5["target_test/logits"][()][::-1]
    other_logits = tcon(run, "--select", "epoch").output
    files[1].unlink()
    labels = [CLASSES[(n + 1) % 3] for n in range(VIDEOS)]
    write_domain(files[1], videos=VIDEOS, seed=1, labels=labels)
    other_labels = tcon(run, "--select", "epoch").output
    assert len({tuple(outcome(text)) for text in (before, other_logits, other_labels)}) == 3
    tables = {text[: text.index("| transfer")] for text in (before, other_logits, other_labels)}
    assert len(tables) == 1 and "chosen" in tables.pop()


def test_ties_go_to_the_later_epoch(files: tuple[Path, Path], tmp_path: Path) -> None:
    train = [logits(15, 9, 3), logits(15, 12, 3), logits(15, 12, 3)]
    write_run(tmp_path / "runs", files, train=train)
    picks = chosen(tcon(tmp_path / "runs", "--select", "epoch").output)
    assert picks["ensv"] == "30 (2 tied)" and picks["entropy"] == "30 (3 tied)"


def test_diverged_epochs_are_never_chosen(files: tuple[Path, Path], tmp_path: Path) -> None:
    diverged = np.full((15, 3), np.nan)
    train = [logits(15, 9, 3), logits(15, 9, 3), diverged]
    test = [logits(15, 9, 3)] * 3
    run = write_run(tmp_path / "runs", files, train=train, test=test)
    done = tcon(run, "--select", "epoch")
    assert set(chosen(done.output).values()) == {"chosen", "20 (2 tied)"}
    assert re.search(r"^\| 30 +\| diverged +\|", done.output, re.M)
    with h5py.File(run / "logits.h5", "r+") as h5:
        h5["target_train/logits"][...] = np.nan
    refused = tcon(run, "--select", "epoch")
    assert refused.exit_code == 2 and "has finite logits of target_train" in refused.output


def test_without_source_validation(files: tuple[Path, Path], tmp_path: Path) -> None:
    for seed in (0, 1):
        write_run(tmp_path / "runs", files, train=[logits(15, 9, 3)] * 3, seed=seed)
    done = tcon(tmp_path / "runs", "--select", "epoch")
    assert "| source_accuracy" not in done.output
    reason = f"no videos of {files[0]} were kept for validation"
    assert done.output.count(f"source_accuracy is left out: {reason}.\n") == 1
    refused = tcon(tmp_path / "runs", "--select", "epoch", "--validator", "source_accuracy")
    assert refused.exit_code == 2
    assert refused.output == f"Error: --validator source_accuracy: {reason}\n"


def test_source_file_that_moved(files: tuple[Path, Path], tmp_path: Path) -> None:
    run = by_epochs(tmp_path / "runs", files)
    moved = files[0].rename(tmp_path / "moved.h5")
    done = tcon(run, "--select", "epoch")
    assert f"feature file {files[0]} is gone: name it with --source-features FILE." in done.output
    assert "source_accuracy" not in chosen(done.output) and "ensv" in chosen(done.output)
    done = tcon(run, "--select", "epoch", "--source-features", moved)
    assert chosen(done.output)["source_accuracy"] == "10"
    relabelled = write_domain(tmp_path / "x.h5", videos=VIDEOS, labels=["run"] * VIDEOS)
    done = tcon(run, "--select", "epoch", "--source-features", relabelled)
    assert "x.h5 holds other videos, labels or features" in done.output


def test_runs_without_the_map_of_source_labels(files: tuple[Path, Path], tmp_path: Path) -> None:
    run = by_epochs(tmp_path / "runs", files)
    record = read_record(run)
    source = replace(record.data.source, labels=None)
    record = replace(record, data=replace(record.data, source=source))
    (run / "config.json").write_bytes(write_record(record))
    done = tcon(run, "--select", "epoch")
    assert done.exit_code == 0 and "before they recorded the classes of source" in done.output


def test_unlabelled_target(tmp_path: Path) -> None:
    source = write_domain(tmp_path / "clips.h5", videos=VIDEOS)
    files = source, write_domain(tmp_path / "cctv.h5", videos=VIDEOS, labels=[""] * VIDEOS)
    by_epochs(tmp_path / "runs", files)
    done = tcon(tmp_path / "runs", "--select", "epoch", "--csv", tmp_path / "out.csv")
    assert done.exit_code == 0 and chosen(done.output)["ensv"] == "20"
    assert "An unlabelled target has scores alone." in done.output
    assert "oracle" not in done.output
    assert {row["accuracy"] for row in csv.DictReader((tmp_path / "out.csv").open())} == {""}


def test_segments_by_the_mean_over_seeds(files: tuple[Path, Path], tmp_path: Path) -> None:
    # Entropy falls with confidence; K = 1 is the most confident at seed 0, K = 8 on average.
    for k, confidences in ((1, (6, 0.1)), (4, (1, 1)), (8, (4, 5))):
        for seed, confidence in enumerate(confidences):
            train = [logits(15, 15, 9), logits(15, 3 * seed + k, confidence)]
            options = {"segments": k, "seed": seed}
            write_run(tmp_path / "runs", files, train=train, **options)
    write_run(tmp_path / "runs", files, train=[logits(15, 15, 9)], segments=8, seed=2)
    done = tcon(tmp_path / "runs", "--select", "segments", "--validator", "entropy")
    assert chosen(done.output)["entropy"] == "8"
    assert "Not every value of segments has the seed 2: it is left out." in done.output
    assert "mean over seeds 0 1 " in done.output
    scores = re.findall(r"^\| (\d) +\|.*\| ([\d.]+) +\|$", done.output, re.M)  # at the last epoch
    assert scores == [("1", "16.7"), ("4", "36.7"), ("8", "63.3")]
    by_entropy, oracle = outcome(done.output)[3:]
    assert by_entropy.startswith("8: 63.3 ± 14.1 (") and oracle.startswith("8: 63.3 ± 14.1 (")


def test_settings_are_compared_where_all_else_is_equal(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    values = [(tau, k) for tau in ("0.02", "0.1", "1") for k in (4, 6)]
    for n, (tau, k) in enumerate(values):
        settings = (f"tcon.tau={tau}",)
        train = [logits(15, 15, 1 + n)]
        write_run(tmp_path / tau, files, train=train, segments=k, settings=settings)
    write_run(tmp_path / "1", files, train=[logits(15, 9, 9)], method="source_only")
    done = tcon(tmp_path, "--select", "tcon.tau", "--csv", tmp_path / "out.csv")
    assert done.exit_code == 0, done.output
    rows = list(csv.DictReader((tmp_path / "out.csv").open()))
    assert [(row["segments"], row["value"]) for row in rows] == [
        (k, tau) for k in "46" for tau in ("0.02", "0.1", "1.0")
    ]
    assert all("entropy" in row["chosen_by"] for row in rows[2::3])
    assert "K = 4, mean over seeds 0" in done.output and "source_only" not in done.output


def test_values_of_several_types(files: tuple[Path, Path], tmp_path: Path) -> None:
    for n, value in enumerate(("0.9", "none", "0.5")):
        settings = (f"tcon.pair.threshold={value}",)
        write_run(tmp_path / str(n), files, train=[logits(15, 15, 3)], settings=settings)
    output = tcon(tmp_path, "--select", "tcon.pair.threshold").output
    assert re.findall(r"^\| (none|0\.\d) +\|", output, re.M) == ["none", "0.5", "0.9"]


def test_methods_that_train_on_target_labels_are_left_out(
    files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_run(tmp_path / "runs", files, train=[logits(15, 15, 3)], method="source_only")
    monkeypatch.setattr(entry("source_only").method, "reads_target_labels", True)
    refused = tcon(tmp_path / "runs", "--select", "epoch")
    assert refused.exit_code == 2 and "source_only is left out" in refused.output
    write_run(tmp_path / "runs", files, train=[logits(15, 15, 3)])
    done = tcon(tmp_path / "runs", "--select", "epoch")
    assert done.exit_code == 0 and done.output.count("seed 0 (") == 1


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
