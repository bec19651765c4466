"""``tcon eval``: tables, csv, notes, unlabelled targets and its errors."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from feature_files import CLASSES, write_domain

from tcon.adapt.config import make_runs
from tcon.adapt.grid import prepare, run_all
from tcon.cache import InputError
from tcon.evaluate.report import report

METHODS = ["tcon", "source_only"]
SETTINGS = [
    *("train.epochs=1", "train.min_steps=2", "train.batch_size=4", "train.evaluations=2"),
    *("tcon.disc.hidden=8", "tcon.features=8", "source_only.features=8"),
]


def make(folder: Path, *, seeds: int = 3, **target: object) -> Path:
    """Runs of both methods; their logits are then replaced by ones with a known accuracy."""
    source = write_domain(folder / "clips.h5")
    target_file = write_domain(folder / "cctv.h5", videos=30, seed=1, **target)
    runs = make_runs(METHODS, SETTINGS, segments=4, seeds=seeds)
    run_all(prepare(source, target_file, runs, folder / "runs"))
    return folder / "runs"


def set_accuracy(run: Path, right: int) -> None:
    """Make the last epoch's prediction of exactly ``right`` test videos the true class."""
    with h5py.File(run / "logits.h5", "r+") as h5:
        ids, logits = h5["target_test/id"].asstr()[()], h5["target_test/logits"]
        for n, id_ in enumerate(ids):
            truth = int(id_[1:4]) % 3
            logits[-1, n] = np.eye(3)[truth if n < right else (truth + 1) % 3] * 9
            logits[0, n] = np.eye(3)[truth] * 9  # the first epoch is perfect: it must not count


def test_table_and_csv(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = make(tmp_path)
    for seed, (tcon, source_only) in enumerate([(6, 3), (7, 3), (8, 3)]):
        set_accuracy(runs / f"tcon_rgb_k4_seed{seed}", tcon)
        set_accuracy(runs / f"source_only_rgb_k4_seed{seed}", source_only)
    report([runs], csv_path=tmp_path / "out.csv")
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| clips")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert [row[1] for row in cells] == ["source_only", "tcon"]  # the baseline comes first
    # nine test videos
    assert cells[1][:6] == ["clips -> cctv", "tcon", "rgb", "4", "66.7 77.8 88.9", "77.8 ± 11.1"]
    assert cells[0][5] == "33.3 ± 0.0" and cells[0][8] == ""
    assert cells[1][8] == "+44.4 (+4.0 of 9 clips)"
    low, high = map(float, re.findall(r"[\d.]+", cells[1][6]))
    assert low < 66 and high > 88

    rows = list(csv.DictReader((tmp_path / "out.csv").open()))
    assert [row["seed"] for row in rows] == ["0", "1", "2", "mean"] * 2
    mean = rows[-1]
    assert mean["method"] == "tcon" and float(mean["accuracy"]) == pytest.approx(7 / 9)
    assert float(mean["std"]) == pytest.approx(1 / 9) and mean["protocol"] == "inductive"
    assert float(rows[4]["accuracy"]) == pytest.approx(6 / 9)


def test_seeds_whose_file_held_the_videos_in_another_order(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = make(tmp_path, seeds=2)
    for seed in (0, 1):
        set_accuracy(runs / f"tcon_rgb_k4_seed{seed}", 9)
    with h5py.File(runs / "tcon_rgb_k4_seed1" / "logits.h5", "r+") as h5:
        for group in (h5["target_test"], h5["target_train"]):
            group["id"][...] = group["id"][()][::-1]
            group["logits"][...] = group["logits"][()][:, ::-1]
    report([runs])
    assert "| 100.0 100.0 |" in capsys.readouterr().out


def test_damaged_and_diverged_runs_are_named(tmp_path: Path) -> None:
    runs = make(tmp_path, seeds=1)
    with h5py.File(runs / "tcon_rgb_k4_seed0" / "logits.h5", "r+") as h5:
        h5["target_test/logits"][-1, 0, 0] = np.nan
    with pytest.raises(InputError, match="tcon_rgb_k4_seed0 diverged"):
        report([runs])
    (runs / "tcon_rgb_k4_seed0" / "logits.h5").write_bytes(b"broken")
    with pytest.raises(InputError, match="tcon_rgb_k4_seed0 is damaged"):
        report([runs])


def test_rows_that_differ_in_a_setting_are_told_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make(tmp_path, seeds=1)
    runs = make_runs(["tcon"], [s for s in SETTINGS if "source_only" not in s] + ["tcon.tau=1"])
    files = tmp_path / "clips.h5", tmp_path / "cctv.h5"
    run_all(prepare(*files, [replace(run, segments=4) for run in runs], tmp_path / "warm"))
    report([tmp_path / "runs", tmp_path / "warm"])
    out = capsys.readouterr().out
    assert f"| tcon ({tmp_path / 'runs'}) |" in out and f"| tcon ({tmp_path / 'warm'}) |" in out
    assert "| source_only |" in out


def test_permuting_the_target_labels_changes_what_is_computed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = make(tmp_path, seeds=1)
    set_accuracy(runs / "tcon_rgb_k4_seed0", 9)
    report([runs / "tcon_rgb_k4_seed0"])
    assert "| 100.0 |" in capsys.readouterr().out
    (tmp_path / "cctv.h5").unlink()
    labels = [CLASSES[(n + 1) % 3] for n in range(30)]
    write_domain(tmp_path / "cctv.h5", videos=30, seed=1, labels=labels)
    report([runs / "tcon_rgb_k4_seed0"])
    assert "| 0.0 |" in capsys.readouterr().out


@pytest.mark.parametrize("labels", [None, [""] * 30])
def test_a_reconstruction_is_called_so_wherever_it_is_printed(
    labels: list[str] | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = make(tmp_path, seeds=1, **({"labels": labels, "splits": ("",)} if labels else {}))
    config = runs / "tcon_rgb_k4_seed0" / "config.json"
    original = config.read_text()
    config.write_text(original.replace('"method": "tcon"', '"method": "cmfglr"'))
    report([runs], csv_path=tmp_path / "out.csv")
    out = capsys.readouterr().out
    assert "| cmfglr (reconstruction) |" in out and "| cmfglr |" not in out
    assert "cmfglr (reconstruction): reconstruction: the original's text is not public" in out
    if labels:
        assert "Predictions of cmfglr (reconstruction)" in out
    else:
        rows = list(csv.DictReader((tmp_path / "out.csv").open()))
        assert {row["method"]: row["note"][:14] for row in rows} == {
            "source_only": "",
            "cmfglr": "reconstruction",
        }
    # A method of another version has its name alone.
    config.write_text(original.replace('"method": "tcon"', '"method": "newer"'))
    report([runs])
    assert "| newer |" in capsys.readouterr().out


def test_without_splits_the_table_says_transductive(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report([make(tmp_path, seeds=1, splits=("",))])
    out = capsys.readouterr().out
    assert "clips -> cctv, tcon: transductive" in out
    assert "of 30 clips" in out


def test_unlabelled_target(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = make(tmp_path, seeds=2, labels=[""] * 30, splits=("",))
    report([runs], csv_path=tmp_path / "out.csv")
    out = capsys.readouterr().out
    assert "Predictions of tcon" in out and "v000.mp4" in out and "and 10 more" in out
    assert "mutual information" in out and "there is no accuracy" in out
    rows = list(csv.DictReader((tmp_path / "out.csv").open()))
    assert len(rows) == 2 * 30 and {row["class"] for row in rows} <= set(CLASSES)
    assert all(1 / 3 <= float(row["probability"]) <= 1 for row in rows)


def test_partly_labelled_target_is_scored_on_the_labelled_videos(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = [CLASSES[n % 3] if n % 2 else "" for n in range(30)]
    report([make(tmp_path, seeds=1, labels=labels, splits=("",))])
    assert "of 15 clips" in capsys.readouterr().out


def test_errors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = make(tmp_path, seeds=1)
    with pytest.raises(InputError, match="no such folder"):
        report([tmp_path / "nothing"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no run"):
        report([tmp_path / "empty"])
    with pytest.raises(InputError, match="cannot write"):
        report([runs], csv_path=tmp_path / "no" / "out.csv")
    (runs / "tcon_rgb_k4_seed0" / "logits.h5").unlink()
    report([runs])
    assert "Left out 1 unfinished runs" in capsys.readouterr().out
    with pytest.raises(InputError, match="holds no finished run"):
        report([runs / "tcon_rgb_k4_seed0"])
    write_domain(tmp_path / "other.h5", videos=30, seed=7)
    with pytest.raises(InputError, match="other videos or features"):
        report([runs], features=tmp_path / "other.h5")
    (tmp_path / "cctv.h5").unlink()
    with pytest.raises(InputError, match="is gone: name it with --features"):
        report([runs])
