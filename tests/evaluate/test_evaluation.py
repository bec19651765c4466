"""``tcon eval``: tables, csv, notes, unlabelled targets and its errors."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from feature_files import CLASSES, write_domain
from handmade_runs import logits, write_run

from tcon.adapt.config.runs import make_runs
from tcon.adapt.grid import prepare, run_all
from tcon.cache import InputError
from tcon.evaluate.report.report import report

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


SHOWN = [n for n in range(21) if n % 3 != 1]  # none of the class "run"


def two_domains(folder: Path) -> tuple[Path, Path]:
    """Feature files for runs that `write_run` makes."""
    source = write_domain(folder / "clips.h5", videos=30)
    return source, write_domain(folder / "cctv.h5", videos=30, seed=1)


def set_accuracy(run: Path, right: int) -> None:
    """Make the last epoch's prediction of exactly ``right`` test videos the true class."""
    with h5py.File(run / "logits.h5", "r+") as h5:
        ids, logits = h5["target_test/id"].asstr()[()], h5["target_test/logits"]
        for n, id_ in enumerate(ids):
            truth = int(id_[1:4]) % 3
            logits[-1, n] = np.eye(3)[truth if n < right else (truth + 1) % 3] * 9
            logits[0, n] = np.eye(3)[truth] * 9  # the first epoch is perfect: it must not count


def rows_of(out: str, head: str) -> list[list[str]]:
    """The rows of the first table whose head names a column ``head``."""
    lines = out.splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("|") and head in line)
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def test_tables_and_csv(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = make(tmp_path)
    for seed, (tcon, source_only) in enumerate([(6, 3), (7, 3), (8, 3)]):
        set_accuracy(runs / f"tcon_rgb_k4_seed{seed}", tcon)
        set_accuracy(runs / f"source_only_rgb_k4_seed{seed}", source_only)
    report([runs], csv_path=tmp_path / "out.csv")
    out = capsys.readouterr().out
    assert "clips -> cctv: 9 test videos" in out and max(map(len, out.splitlines())) < 140
    assert all(len(line) <= 120 for line in out.splitlines() if line.startswith("|"))
    source_only, tcon = rows_of(out, "last epoch")  # the baseline comes first
    # nine test videos
    assert tcon[:5] == ["tcon", "rgb", "4", "3", "77.8 ± 11.1"]
    assert source_only[4] == "33.3 ± 0.0"
    assert tcon[8] == "(100.0 ± 0.0)" and "not a result" in out  # the first epoch is perfect
    low, high = map(float, re.findall(r"[\d.]+", tcon[5]))
    assert low < 66 and high > 88
    [[name, *_, difference, interval, p]] = rows_of(out, "vs source_only")
    assert name == "tcon" and difference == "+44.4 = +4 of 9 clips"
    low, high = map(float, re.findall(r"[+-][\d.]+", interval))
    assert 0 < low < 44 < high
    assert p == "0.062 to 0.25"  # five of five and three of three: 2 / 2^5 and 2 / 2^3

    rows = list(csv.DictReader((tmp_path / "out.csv").open()))
    assert [row["seed"] for row in rows] == ["0", "1", "2", "mean"] * 2
    mean = rows[-1]
    assert mean["method"] == "tcon" and float(mean["accuracy"]) == pytest.approx(7 / 9)
    assert float(mean["std"]) == pytest.approx(1 / 9) and mean["protocol"] == "inductive"
    assert float(mean["difference_clips"]) == pytest.approx(4) and mean["baseline"] == "source_only"
    assert float(rows[4]["accuracy"]) == pytest.approx(6 / 9)
    assert float(rows[4]["mcnemar_p"]) == 0.25 and rows[4]["difference_clips"] == "3"
    assert float(rows[4]["oracle_best_not_a_result"]) == 1 and rows[0]["difference"] == ""


def test_details_and_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = make(tmp_path, seeds=2)
    for seed in (0, 1):
        set_accuracy(runs / f"tcon_rgb_k4_seed{seed}", 8)
        set_accuracy(runs / f"source_only_rgb_k4_seed{seed}", 3 + seed)
    report([runs], details=True, json_path=tmp_path / "out.json")
    out = capsys.readouterr().out
    tcon = out[out.index("clips -> cctv: tcon, rgb, K = 4") :]
    assert [row[-4:] for row in rows_of(tcon, "won")] == [
        ["+55.6", "5", "0", "0.062"],
        ["+44.4", "4", "0", "0.12"],
    ]
    # The last of the nine videos is the one of "sit" that is taken for "jump".
    assert rows_of(tcon, "true \\ predicted")[2] == ["2 sit", "2", "0", "4"]
    assert [row[:3] for row in rows_of(tcon, "in clips")] == [
        ["jump", "3", "100.0"],
        ["run", "3", "100.0"],
        ["sit", "3", "66.7"],
    ]
    baseline, group = json.loads((tmp_path / "out.json").read_text())["groups"]
    assert baseline["comparison"] is None and baseline["method"] == "source_only"
    assert group["accuracy"]["mean"] == pytest.approx(8 / 9)
    assert group["comparison"]["difference"] == pytest.approx(4.5 / 9)
    assert group["comparison"]["mcnemar"][1] == {"seed": 1, "won": 4, "lost": 0, "p": 0.125}
    assert group["confusion"]["counts_summed_over_seeds"] == [[6, 0, 0], [0, 6, 0], [2, 0, 4]]
    assert [row["accuracy"] for row in group["per_class"]] == pytest.approx([1, 1, 2 / 3])
    assert group["epochs"]["oracle_best_not_a_result"]["mean"] == 1


def test_another_baseline(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = make(tmp_path, seeds=1)
    set_accuracy(runs / "tcon_rgb_k4_seed0", 9)
    set_accuracy(runs / "source_only_rgb_k4_seed0", 7)
    report([runs], baseline="tcon")
    [row] = rows_of(capsys.readouterr().out, "vs tcon")
    assert row[0] == "source_only" and row[3] == "-22.2 = -2 of 9 clips" and row[5] == "0.5"
    with pytest.raises(InputError, match="--baseline dann: no run of it .* source_only, tcon"):
        report([runs], baseline="dann")


def test_seeds_that_one_of_both_lacks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = make(tmp_path, seeds=2)
    set_accuracy(runs / "tcon_rgb_k4_seed0", 5)
    set_accuracy(runs / "tcon_rgb_k4_seed1", 9)
    set_accuracy(runs / "source_only_rgb_k4_seed1", 8)
    report([*runs.glob("tcon*"), runs / "source_only_rgb_k4_seed1"])
    out = capsys.readouterr().out
    assert rows_of(out, "vs source_only")[0][3] == "+11.1 = +1 of 9 clips"
    assert "compared with source_only on the seeds that both have, 1." in out
    report([runs / "tcon_rgb_k4_seed0", runs / "source_only_rgb_k4_seed1"])
    assert "vs source_only" not in capsys.readouterr().out  # no seed in common


def test_a_class_that_the_target_lacks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = two_domains(tmp_path)
    one_class = np.tile([9.0, 0, 0], (14, 1))
    run = write_run(tmp_path / "runs", files, train=[one_class], videos=SHOWN)
    report([run], details=True, json_path=tmp_path / "out.json")
    out = capsys.readouterr().out
    assert rows_of(out, "last epoch")[0][4:7] == ["50.0", "26.8 - 73.2", "50.0"]
    assert rows_of(out, "videos")[1] == ["run", "0", ""]
    [group] = json.loads((tmp_path / "out.json").read_text())["groups"]
    assert [row["accuracy"] for row in group["per_class"]] == [1, None, 0]


def test_test_sets_of_several_targets_stay_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = two_domains(tmp_path)
    other = files[0], write_domain(tmp_path / "drone.h5", videos=30, seed=5)
    write_run(tmp_path / "a", files, train=[logits(15, 9, 3)], method="source_only")
    write_run(tmp_path / "b", other, train=[logits(6, 6, 3)], videos=range(6))
    report([tmp_path / "a", tmp_path / "b"])
    out = capsys.readouterr().out
    assert "clips -> cctv, toy: 15 test videos" in out and "clips -> drone, toy: 6 test" in out
    assert "vs source_only" not in out


def test_an_oracle_is_marked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = two_domains(tmp_path)
    write_run(tmp_path, files, train=[logits(15, 9, 3)], method="target_only")
    write_run(tmp_path, files, train=[logits(15, 6, 3)], method="source_only")
    for table in (None, "5"):
        report([tmp_path], table=table, csv_path=tmp_path / "out.csv")
        out = capsys.readouterr().out
        assert "| target_only (oracle) |" in out and "target_only trains on target labels" in out
        rows = csv.DictReader((tmp_path / "out.csv").open())
        marked = {row["trains_on_target_labels"] for row in rows if "target_only" in str(row)}
        assert "True" in marked and marked <= {"True", ""}


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
    assert rows_of(capsys.readouterr().out, "last epoch")[-1][4] == "100.0 ± 0.0"


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
    names = [row[0] for row in rows_of(out, "last epoch")]
    assert names == ["source_only", "tcon (runs)", "tcon (warm)"]


def test_notes_name_their_rows_where_these_differ(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = two_domains(tmp_path)
    for folder, normalise in (("as_is", "none"), ("standardised", "domain")):
        settings = (f"train.normalise={normalise}",)
        write_run(tmp_path / folder, files, train=[logits(15, 9, 3)], settings=settings)
    report([tmp_path / "as_is", tmp_path / "standardised"])
    out = capsys.readouterr().out
    assert "- tcon (as_is): backbone toy, cached features, features as they are." in out
    assert "- tcon (standardised): backbone toy, cached features, each domain's" in out
    report([tmp_path / "as_is"])
    assert "- Backbone toy, cached features, features as they are." in capsys.readouterr().out


def test_permuting_the_target_labels_changes_what_is_computed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = make(tmp_path, seeds=1)
    set_accuracy(runs / "tcon_rgb_k4_seed0", 9)
    report([runs / "tcon_rgb_k4_seed0"])
    assert rows_of(capsys.readouterr().out, "last epoch")[0][4] == "100.0"
    (tmp_path / "cctv.h5").unlink()
    labels = [CLASSES[(n + 1) % 3] for n in range(30)]
    write_domain(tmp_path / "cctv.h5", videos=30, seed=1, labels=labels)
    report([runs / "tcon_rgb_k4_seed0"])
    assert rows_of(capsys.readouterr().out, "last epoch")[0][4] == "0.0"


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
    assert "cmfglr (reconstruction): reconstructed, for the original's text is not public" in out
    if labels:
        assert "Predictions of cmfglr (reconstruction)" in out
    else:
        rows = list(csv.DictReader((tmp_path / "out.csv").open()))
        assert {row["method"]: row["note"][:13] for row in rows} == {
            "source_only": "",
            "cmfglr": "reconstructed",
        }
    # A method of another version has its name alone.
    config.write_text(original.replace('"method": "tcon"', '"method": "newer"'))
    report([runs])
    assert "| newer " in capsys.readouterr().out


def test_without_splits_the_table_says_transductive(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report([make(tmp_path, seeds=1, splits=("",))])
    out = capsys.readouterr().out
    assert "clips -> cctv, tcon: transductive" in out
    assert ": 30 test videos" in out


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
    assert ": 15 test videos" in capsys.readouterr().out


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
