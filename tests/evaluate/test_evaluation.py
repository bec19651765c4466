"""What `evaluate` computes of runs: results, notes, predictions, files for machines, errors."""

from __future__ import annotations

import csv
import dataclasses
import json
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from feature_files import CLASSES, write_domain
from handmade_runs import logits, write_run
from prepared_runs import prepare

from tcon.adapt.config.runs import make_runs
from tcon.adapt.config.training import Segments
from tcon.adapt.grid import run_all
from tcon.adapt.methods import entry
from tcon.adapt.run.finished import Runs
from tcon.adapt.run.record import read_record, write_record
from tcon.cache import InputError
from tcon.evaluate import Evaluation, evaluate
from tcon.evaluate.scores.results import Result

METHODS = ["tcon", "source_only"]
SETTINGS = [
    *("train.epochs=1", "train.min_steps=2", "train.batch_size=4", "train.evaluations=2"),
    *("tcon.disc.hidden=8", "tcon.features=8", "source_only.features=8"),
]
SHOWN = [n for n in range(21) if n % 3 != 1]  # none of the class "run"


def make(folder: Path, *, seeds: int = 3, **target: object) -> Path:
    """Runs of both methods; their logits are then replaced by ones with a known accuracy."""
    source = write_domain(folder / "clips.h5")
    target_file = write_domain(folder / "cctv.h5", videos=30, seed=1, **target)
    runs = make_runs(METHODS, SETTINGS, segments=4, seeds=seeds)
    run_all(prepare(source, target_file, runs, folder / "runs"))
    return folder / "runs"


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


def by_name(evaluation: Evaluation) -> dict[str, Result]:
    return {result.name: result for result in evaluation.results}


def test_accuracies_intervals_and_comparison(tmp_path: Path) -> None:
    runs = make(tmp_path)
    for seed, (tcon, source_only) in enumerate([(6, 3), (7, 3), (8, 3)]):
        set_accuracy(runs / f"tcon_rgb_k4_seed{seed}", tcon)
        set_accuracy(runs / f"source_only_rgb_k4_seed{seed}", source_only)
    result = evaluate(runs)
    assert [r.name for r in result.results] == ["source_only", "tcon"]  # the baseline comes first
    source_only, tcon = result.results
    assert source_only.group.transfer == "clips -> cctv" and tcon.scores.videos == 9
    assert tcon.scores.accuracy == pytest.approx(np.array([6, 7, 8]) / 9)
    assert source_only.scores.accuracy == pytest.approx(3 / 9)
    assert tcon.epochs.oracle == pytest.approx(1)  # the first epoch is perfect
    low, high = tcon.scores.interval
    assert low < 0.66 and high > 0.88
    assert source_only.comparison is None
    comparison = tcon.comparison
    assert comparison is not None and comparison.baseline is source_only.group
    assert comparison.difference == pytest.approx(4 / 9) and comparison.clips == pytest.approx(4)
    low, high = comparison.interval
    assert 0 < low < 4 / 9 < high
    # Three of three, four of four, five of five: 2 / 2^n.
    assert [test.p for test in comparison.tests] == [0.25, 0.125, 0.0625]

    result.to_csv(tmp_path / "out.csv")
    rows = list(csv.DictReader((tmp_path / "out.csv").open()))
    assert [row["seed"] for row in rows] == ["0", "1", "2", "mean"] * 2
    mean = rows[-1]
    assert mean["method"] == "tcon" and float(mean["accuracy"]) == pytest.approx(7 / 9)
    assert float(mean["std"]) == pytest.approx(1 / 9) and mean["protocol"] == "inductive"
    assert float(mean["difference_clips"]) == pytest.approx(4) and mean["baseline"] == "source_only"
    assert float(rows[4]["accuracy"]) == pytest.approx(6 / 9)
    assert float(rows[4]["mcnemar_p"]) == 0.25 and rows[4]["difference_clips"] == "3"
    assert float(rows[4]["oracle_best_not_a_result"]) == 1 and rows[0]["difference"] == ""


def test_classes_confusions_and_json(tmp_path: Path) -> None:
    runs = make(tmp_path, seeds=2)
    for seed in (0, 1):
        set_accuracy(runs / f"tcon_rgb_k4_seed{seed}", 8)
        set_accuracy(runs / f"source_only_rgb_k4_seed{seed}", 3 + seed)
    result = evaluate(runs)
    tcon = by_name(result)["tcon"]
    # The last of the nine videos is the one of "sit" that is taken for "jump".
    assert tcon.confusion.tolist() == [[6, 0, 0], [0, 6, 0], [2, 0, 4]]
    assert tcon.class_videos.tolist() == [3, 3, 3]
    assert tcon.class_accuracy == pytest.approx([1, 1, 2 / 3])
    assert tcon.comparison is not None
    assert [(t.gained, t.lost) for t in tcon.comparison.tests] == [(5, 0), (4, 0)]

    result.to_json(tmp_path / "out.json")
    baseline, group = json.loads((tmp_path / "out.json").read_text())["groups"]
    assert baseline["comparison"] is None and baseline["method"] == "source_only"
    assert group["accuracy"]["mean"] == pytest.approx(8 / 9) and group["segments"] == 4
    assert group["comparison"]["difference"] == pytest.approx(4.5 / 9)
    assert group["comparison"]["mcnemar"][1] == {"seed": 1, "won": 4, "lost": 0, "p": 0.125}
    assert group["confusion"]["counts_summed_over_seeds"] == tcon.confusion.tolist()
    assert [row["accuracy"] for row in group["per_class"]] == pytest.approx([1, 1, 2 / 3])
    assert group["epochs"]["oracle_best_not_a_result"]["mean"] == 1


def test_another_baseline(tmp_path: Path) -> None:
    runs = make(tmp_path, seeds=1)
    set_accuracy(runs / "tcon_rgb_k4_seed0", 9)
    set_accuracy(runs / "source_only_rgb_k4_seed0", 7)
    results = by_name(evaluate(runs, baseline="tcon"))
    comparison = results["source_only"].comparison
    assert results["tcon"].comparison is None and comparison is not None
    assert comparison.clips == pytest.approx(-2) and comparison.tests[0].p == 0.5
    with pytest.raises(InputError, match="the baseline dann .* source_only, tcon: .*--baseline"):
        evaluate(runs, baseline="dann")


def test_seeds_that_one_of_both_lacks(tmp_path: Path) -> None:
    runs = make(tmp_path, seeds=2)
    set_accuracy(runs / "tcon_rgb_k4_seed0", 5)
    set_accuracy(runs / "tcon_rgb_k4_seed1", 9)
    set_accuracy(runs / "source_only_rgb_k4_seed1", 8)
    result = evaluate([*runs.glob("tcon*"), runs / "source_only_rgb_k4_seed1"])
    comparison = by_name(result)["tcon"].comparison
    assert comparison is not None and comparison.seeds == (1,)
    assert comparison.clips == pytest.approx(1)
    note = "clips -> cctv, tcon: compared with source_only on the seeds that both have, 1."
    assert note in result.notes
    result = evaluate([runs / "tcon_rgb_k4_seed0", runs / "source_only_rgb_k4_seed1"])
    assert all(r.comparison is None for r in result.results)  # no seed in common


def test_a_class_that_the_target_lacks(tmp_path: Path) -> None:
    files = two_domains(tmp_path)
    one_class = np.tile([9.0, 0, 0], (14, 1))
    run = write_run(tmp_path / "runs", files, train=[one_class], videos=SHOWN)
    result = evaluate(run)
    [scored] = result.results
    assert scored.scores.accuracy == scored.scores.mean_class == [0.5]
    assert scored.scores.interval == pytest.approx((0.268, 0.732), abs=5e-4)
    assert scored.class_videos.tolist() == [7, 0, 7] and np.isnan(scored.class_accuracy[1])
    result.to_json(tmp_path / "out.json")
    [group] = json.loads((tmp_path / "out.json").read_text())["groups"]
    assert [row["accuracy"] for row in group["per_class"]] == [1, None, 0]


def test_test_sets_of_several_targets_stay_apart(tmp_path: Path) -> None:
    files = two_domains(tmp_path)
    other = files[0], write_domain(tmp_path / "drone.h5", videos=30, seed=5)
    write_run(tmp_path / "a", files, train=[logits(15, 9, 3)], method="source_only")
    write_run(tmp_path / "b", other, train=[logits(6, 6, 3)], videos=range(6))
    results = evaluate([tmp_path / "a", tmp_path / "b"]).results
    assert [(r.group.dataset, r.scores.videos) for r in results] == [
        ("clips -> cctv, toy", 15),
        ("clips -> drone, toy", 6),
    ]
    assert all(r.comparison is None for r in results)


def test_an_oracle_is_marked(tmp_path: Path) -> None:
    files = two_domains(tmp_path)
    write_run(tmp_path, files, train=[logits(15, 9, 3)], method="target_only")
    write_run(tmp_path, files, train=[logits(15, 6, 3)], method="source_only")
    for table in (None, "5"):
        result = evaluate(tmp_path, table=table)
        assert set(by_name(result)) == {"source_only", "target_only (oracle)"}
        note = "target_only trains on target labels: an upper bound, not an adaptation."
        assert note in (result.paper[0].notes if table else result.notes)
        result.to_csv(tmp_path / "out.csv")
        rows = csv.DictReader((tmp_path / "out.csv").open())
        marked = {row["trains_on_target_labels"] for row in rows if "target_only" in str(row)}
        assert "True" in marked and marked <= {"True", ""}


def test_seeds_whose_file_held_the_videos_in_another_order(tmp_path: Path) -> None:
    runs = make(tmp_path, seeds=2)
    for seed in (0, 1):
        set_accuracy(runs / f"tcon_rgb_k4_seed{seed}", 9)
    with h5py.File(runs / "tcon_rgb_k4_seed1" / "logits.h5", "r+") as h5:
        for group in (h5["target_test"], h5["target_train"]):
            group["id"][...] = group["id"][()][::-1]
            group["logits"][...] = group["logits"][()][:, ::-1]
    assert by_name(evaluate(runs))["tcon"].scores.accuracy.tolist() == [1, 1]


def test_damaged_and_diverged_runs_are_named(tmp_path: Path) -> None:
    runs = make(tmp_path, seeds=1)
    with h5py.File(runs / "tcon_rgb_k4_seed0" / "logits.h5", "r+") as h5:
        h5["target_test/logits"][-1, 0, 0] = np.nan
    with pytest.raises(InputError, match="tcon_rgb_k4_seed0 diverged"):
        evaluate(runs)
    (runs / "tcon_rgb_k4_seed0" / "logits.h5").write_bytes(b"broken")
    with pytest.raises(InputError, match="tcon_rgb_k4_seed0 is damaged"):
        evaluate(runs)


def test_rows_that_differ_in_a_setting_are_told_apart(tmp_path: Path) -> None:
    make(tmp_path, seeds=1)
    runs = make_runs(["tcon"], [s for s in SETTINGS if "source_only" not in s] + ["tcon.tau=1"])
    files = tmp_path / "clips.h5", tmp_path / "cctv.h5"
    run_all(
        prepare(*files, [replace(run, segments=Segments(4, 4)) for run in runs], tmp_path / "warm")
    )
    result = evaluate([tmp_path / "runs", tmp_path / "warm"])
    assert list(by_name(result)) == ["source_only", "tcon (runs)", "tcon (warm)"]


def test_notes_name_their_rows_where_these_differ(tmp_path: Path) -> None:
    files = two_domains(tmp_path)
    for folder, normalise in (("as_is", "none"), ("standardised", "domain")):
        settings = (f"train.normalise={normalise}",)
        write_run(tmp_path / folder, files, train=[logits(15, 9, 3)], settings=settings)
    notes = evaluate([tmp_path / "as_is", tmp_path / "standardised"]).notes
    assert "tcon (as_is): backbone toy, cached features, features as they are." in notes
    [standardised] = [note for note in notes if note.startswith("tcon (standardised): backbone")]
    assert "each domain's features standardised" in standardised
    notes = evaluate(tmp_path / "as_is").notes
    assert notes[-1] == "Backbone toy, cached features, features as they are."


def test_settings_that_differ_come_first(tmp_path: Path) -> None:
    files = two_domains(tmp_path)
    for method in ("source_only", "tcon"):
        write_run(tmp_path, files, train=[logits(15, 9, 3)], method=method)
    settings = evaluate(tmp_path).settings
    assert settings is not None
    assert settings.names == ("source_only_rgb_k4", "tcon_rgb_k4")
    assert settings.differing["method"] == ("source_only", "tcon")
    assert "train.lr" in settings.equal and "train.lr" not in settings.differing
    assert "tcon.tau" in settings.alone["tcon"] and "seed" not in settings.equal


def test_rows_of_one_folder_say_in_which_settings_they_differ(tmp_path: Path) -> None:
    files, train = two_domains(tmp_path), [logits(15, 9, 3)]
    for seed, settings in enumerate([(), ("train.precision=bf16",), ("train.nesterov=false",)]):
        write_run(tmp_path / "a", files, train=train, seed=seed, settings=settings)
    assert list(by_name(evaluate(tmp_path))) == [
        "tcon (train.precision=fp32)",
        "tcon (train.precision=bf16)",
    ]
    write_run(tmp_path / "b", files, train=train, settings=("train.lr=0.5",))
    assert list(by_name(evaluate(tmp_path))) == [
        "tcon (a, train.precision=fp32)",
        "tcon (a, train.precision=bf16)",
        "tcon (b)",
    ]


def test_fused_rows_of_one_folder_say_in_which_settings_they_differ(tmp_path: Path) -> None:
    both = ("rgb", "flow")
    files = (
        write_domain(tmp_path / "clips.h5", videos=30, modalities=both),
        write_domain(tmp_path / "cctv.h5", videos=30, seed=1, modalities=both),
    )
    for seed, precision in enumerate(["fp32", "bf16"]):
        for modality in both:
            chosen = precision if modality == "flow" else "fp32"
            write_run(
                tmp_path / "runs", files, train=[logits(15, 9, 3)], seed=seed, modality=modality,
                settings=(f"train.precision={chosen}", f"train.lr=0.{seed + 1}",
                          f"train.batch_size={seed + 8}"),
            )  # fmt: skip
    fused = [r.name for r in evaluate(tmp_path, fuse=True).results if "+" in r.group.modality]
    assert fused == [
        "tcon (train.batch_size=8, train.lr=0.1, train.precision=fp32)",
        "tcon (train.batch_size=9, train.lr=0.2, train.precision=fp32+bf16)",
    ]


def test_permuting_the_target_labels_changes_what_is_computed(tmp_path: Path) -> None:
    runs = make(tmp_path, seeds=1)
    set_accuracy(runs / "tcon_rgb_k4_seed0", 9)
    assert evaluate(runs / "tcon_rgb_k4_seed0").results[0].scores.accuracy == [1]
    (tmp_path / "cctv.h5").unlink()
    labels = [CLASSES[(n + 1) % 3] for n in range(30)]
    write_domain(tmp_path / "cctv.h5", videos=30, seed=1, labels=labels)
    assert evaluate(runs / "tcon_rgb_k4_seed0").results[0].scores.accuracy == [0]


def test_a_reconstruction_is_called_so_and_a_method_of_another_version_by_its_name(
    tmp_path: Path,
) -> None:
    runs = make(tmp_path, seeds=1)
    config = runs / "tcon_rgb_k4_seed0" / "config.json"
    original = config.read_text()
    record = read_record(config.parent)
    run = replace(record.run, method="cmfglr", options=entry("cmfglr").config)
    config.write_bytes(write_record(replace(record, run=run)))
    result = evaluate(runs)
    assert list(by_name(result)) == ["source_only", "cmfglr (reconstruction)"]
    assert any(note.startswith("cmfglr (reconstruction): reconstructed") for note in result.notes)
    result.to_csv(tmp_path / "out.csv")
    rows = list(csv.DictReader((tmp_path / "out.csv").open()))
    assert {row["method"]: row["note"][:13] for row in rows} == {
        "source_only": "",
        "cmfglr": "reconstructed",
    }
    config.write_text(original.replace('"method": "tcon"', '"method": "newer"'))
    assert list(by_name(evaluate(runs))) == ["source_only", "newer"]


def test_without_splits_a_note_says_transductive(tmp_path: Path) -> None:
    result = evaluate(make(tmp_path, seeds=1, splits=("",)))
    assert result.results[0].scores.videos == 30
    note = "transductive, adapted to the test videos (without their labels)."
    said = [text for text in result.notes if "transductive" in text]
    assert said == [f"clips -> cctv, tcon: {note}"]


def test_unlabelled_target(tmp_path: Path) -> None:
    result = evaluate(make(tmp_path, seeds=2, labels=[""] * 30, splits=("",)))
    assert not result.results and [u.name for u in result.unlabelled] == ["source_only", "tcon"]
    for unlabelled in result.unlabelled:
        assert len(unlabelled.labels) == 30
        assert 0 <= unlabelled.mutual_information <= unlabelled.entropy + 1
    assert "--csv FILE gets" in result.to_markdown()
    given = result.to_markdown(csv=Path("a.csv"))
    assert "a.csv holds" in given and "--csv FILE" not in given
    result.to_csv(tmp_path / "out.csv")
    rows = list(csv.DictReader((tmp_path / "out.csv").open()))
    assert len(rows) == 2 * 30 and {row["class"] for row in rows} <= set(CLASSES)
    assert all(1 / 3 <= float(row["score"]) <= 1 for row in rows)
    assert {row["seeds_agree"] for row in rows} <= {"0.5", "1.0"}
    assert all(0 <= float(row["source_distance"]) <= 1 for row in rows)
    result.to_json(tmp_path / "out.json")
    document = json.loads((tmp_path / "out.json").read_text())
    assert document["groups"] == [] and document["unlabelled_notes"] == [*result.unlabelled_notes]
    for saved, unlabelled in zip(document["unlabelled"], result.unlabelled, strict=True):
        assert saved["entropy"] == unlabelled.entropy and saved["seeds"] == [0, 1]
        first = unlabelled.labels[0]
        assert saved["predictions"][0] == {
            "video": first.video,
            "class": first.label,
            **{name: getattr(first, name) for name in ("score", "seeds_agree", "methods_agree")},
            "methods_class": first.methods_label,
            **{name: getattr(first, name) for name in ("methods_score", "source_distance", "look")},
        }


def test_json_holds_all_that_was_computed(tmp_path: Path) -> None:
    files = two_domains(tmp_path)
    train = [logits(15, 9, 3), logits(15, 12, 3)]
    run = write_run(tmp_path / "runs", files, train=train, val=train)
    finding = {"kind": "x", "text": "It looks wrong.", "remedy": "Mend it."}
    (run / "health.json").write_text(json.dumps([finding]))
    result = evaluate(tmp_path / "runs", select="epoch", distances=True)
    result.to_json(tmp_path / "out.json")
    document = json.loads((tmp_path / "out.json").read_text())
    [selection], [outcome] = document["selections"], document["outcomes"]
    assert [c["value"] for c in selection["candidates"]] == [20, 30]
    assert [c["accuracy"] for c in selection["candidates"]] == [9 / 15, 12 / 15]
    assert selection["chosen"]["ensv"] == result.selections[0].chosen("ensv").value
    assert selection["candidates"][1]["scores"]["source_accuracy"] == 12 / 15
    assert [pick["by"] for pick in outcome["picks"]] == [p.by for p in result.outcomes[0].picks]
    assert outcome["picks"][0]["accuracy"]["per_seed"] == [12 / 15]
    assert document["health"]["warnings"][0]["remedy"] == "Mend it."
    assert document["distances"][0]["problem"] == result.distances[0].problem != ""
    assert document["notes"] == [*result.notes] and document["notes"]
    assert document["settings"]["names"] == ["tcon_rgb_k4"]
    assert document["provenance"]["files"][0]["path"] == str(files[0])

    fields = {field.name for field in dataclasses.fields(result)}
    elsewhere = {"groups", "fused", "results", "files"}  # within "groups"
    renamed = {"remarks": "fusion_remarks", "paper": "paper_in_percent"}
    assert {renamed.get(name, name) for name in fields - elsewhere} <= document.keys()


def test_a_papers_table_in_json(tmp_path: Path) -> None:
    files = two_domains(tmp_path)
    write_run(tmp_path, files, train=[logits(15, 9, 3)])
    evaluate(tmp_path, table="5").to_json(tmp_path / "out.json")
    cells = json.loads((tmp_path / "out.json").read_text())["paper_in_percent"]
    [ours] = [cell for cell in cells if cell.get("mean") is not None]
    assert ours["ours_method"] == "tcon" and ours["mean"] == pytest.approx(60)


def test_nothing_to_evaluate() -> None:
    for nothing in ([], Runs(())):
        with pytest.raises(InputError, match="no finished runs"):
            evaluate(nothing)


def test_partly_labelled_target_is_scored_on_the_labelled_videos(tmp_path: Path) -> None:
    labels = [CLASSES[n % 3] if n % 2 else "" for n in range(30)]
    result = evaluate(make(tmp_path, seeds=1, labels=labels, splits=("",)))
    assert result.results[0].scores.videos == 15


def test_how_it_prints(tmp_path: Path) -> None:
    files = two_domains(tmp_path)
    write_run(tmp_path, files, train=[logits(15, 9, 3)], method="source_only")
    result = evaluate(tmp_path)
    assert repr(result) == "<Evaluation of 1 group: source_only rgb 60.0>"
    assert repr(result.groups) == "(<Group source_only, rgb, K = 4, seeds 0>,)"
    assert "array" not in repr(result.results) and "array" not in repr(result.groups[0].runs)
    assert "| source_only |" in result._repr_markdown_()
    assert "<td>source_only</td>" in result._repr_html_()


@pytest.mark.slow
def test_errors(tmp_path: Path) -> None:
    runs = make(tmp_path, seeds=1)
    with pytest.raises(InputError, match="no such folder"):
        evaluate(tmp_path / "nothing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no run"):
        evaluate(tmp_path / "empty")
    with pytest.raises(InputError, match="cannot write"):
        evaluate(runs).to_csv(tmp_path / "no" / "out.csv")
    with pytest.raises(InputError, match="no paper's table here .*--table 1 to 5"):
        evaluate(runs).to_latex(tmp_path / "out.tex")
    (runs / "tcon_rgb_k4_seed0" / "logits.h5").unlink()
    assert evaluate(runs).unfinished == (runs / "tcon_rgb_k4_seed0",)
    with pytest.raises(InputError, match="holds no finished run"):
        evaluate(runs / "tcon_rgb_k4_seed0")
    write_domain(tmp_path / "other.h5", videos=30, seed=7)
    with pytest.raises(InputError, match="target videos with other features"):
        evaluate(runs, features=tmp_path / "other.h5")
    (tmp_path / "cctv.h5").unlink()
    with pytest.raises(InputError, match="is gone: name it with --features"):
        evaluate(runs)


def test_arguments_may_be_numbers_names_and_truths(tmp_path: Path) -> None:
    runs = make(tmp_path, seeds=1)
    assert evaluate(runs, table=5).to_markdown() == evaluate(runs, table="5").to_markdown()
    for table in (0, 9, "six"):
        with pytest.raises(InputError, match=f"there is no table {table} of the paper: give 1, 2"):
            evaluate(runs, table=table)
    by_name = evaluate(runs, select="epoch", validators="snd")
    listed = evaluate(runs, select="epoch", validators=["snd"])
    assert by_name.to_markdown() == listed.to_markdown()
    with pytest.raises(InputError, match="flow"):
        evaluate(runs, fuse=True)  # there is none of flow
