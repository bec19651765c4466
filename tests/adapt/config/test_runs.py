"""Whole runs on made-up features: the run folder, target labels, settings, resuming."""

from __future__ import annotations

import json
import re
from dataclasses import fields, replace
from functools import reduce
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from feature_files import write_domain
from prepared_runs import prepare

from tcon.adapt.config.runs import default_options, make_runs
from tcon.adapt.config.settings import apply_settings, keys
from tcon.adapt.config.training import TrainConfig
from tcon.adapt.data.cached_store import repeating_videos
from tcon.adapt.grid import run_all
from tcon.adapt.methods import Sizes, build, entry, names
from tcon.adapt.run.record import read_record, write_record
from tcon.cache import InputError

QUICK = [
    *("train.epochs=2", "train.min_steps=12", "train.batch_size=5", "train.evaluations=3"),
    *("tcon.features=16", "tcon.disc.hidden=8", "tcon.dropout=0.5", "source_only.features=16"),
]
METHODS = ["source_only", "tcon"]


def run(source: Path, target: Path, output: Path, settings: list[str] = QUICK) -> list[Path]:
    runs = make_runs(METHODS, settings, segments=4)
    prepared = prepare(source, target, runs, output, device="cpu")
    run_all(prepared)
    return [folder.path for _, folder in prepared.runs]


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    return write_domain(tmp_path / "s.h5"), write_domain(tmp_path / "t.h5", shift=0.5, seed=1)


@pytest.mark.slow
def test_run_folder(files: tuple[Path, Path], tmp_path: Path) -> None:
    for folder in run(*files, tmp_path / "runs"):
        record = read_record(folder)
        assert folder.name == record.run.name == f"{record.run.method}_rgb_k4_seed0"
        assert record.data.classes == ("jump", "run", "sit")
        records = [json.loads(line) for line in (folder / "metrics.jsonl").open()]
        assert [record["step"] for record in records] == [4, 8, 12]
        assert all(np.isfinite(value) for record in records for value in record.values())
        with h5py.File(folder / "logits.h5") as h5:
            assert h5["step"][()].tolist() == [4, 8, 12]
            assert h5["target_train/logits"].shape == (3, 9, 3)
            assert h5["target_test/logits"].shape == (3, 3, 3)
            assert h5["source_val/logits"].shape == (3, 3, 3)
            last = h5["target_test/logits"][-1]
        # The checkpoint holds the weights that gave the last logits.
        method = build(
            record.run.method,
            record.run.options,
            Sizes(in_features=12, source_segments=4, target_segments=4, classes=3),
        )
        checkpoint = torch.load(folder / "checkpoint.pt", weights_only=True)
        method.load_state_dict(checkpoint["method"])
        runs = make_runs(METHODS, QUICK, segments=4)
        test = prepare(*files, runs, tmp_path / "runs").store.domains(runs[0]).target_test
        logits = method.predict(test.segments(torch.arange(3), 4))
        np.testing.assert_allclose(logits.detach(), last, rtol=1e-5, atol=1e-6)


@pytest.mark.slow
def test_permuted_target_labels_change_nothing_in_the_run_folder(tmp_path: Path) -> None:
    source, target = write_domain(tmp_path / "s.h5"), tmp_path / "t.h5"
    contents = []
    for labels in (["jump", "run", "sit"] * 4, ["sit", "sit", "run", "jump"] * 3):
        target.unlink(missing_ok=True)
        write_domain(target, labels=labels, shift=0.5, seed=1)
        folders = run(source, target, tmp_path / f"runs{len(contents)}")
        files = sorted(path for folder in folders for path in folder.iterdir())
        contents.append({f"{p.parent.name}/{p.name}": p.read_bytes() for p in files})
    assert len(contents[0]) == 12
    assert contents[0] == contents[1]


@pytest.mark.slow
def test_same_seed_same_run_and_other_seed_other_run(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    first, again = (run(*files, tmp_path / name)[1] for name in "ab")
    assert (first / "metrics.jsonl").read_text() == (again / "metrics.jsonl").read_text()
    runs = make_runs(METHODS, QUICK, segments=4, seeds=2)
    other = prepare(*files, runs[-1:], tmp_path / "a")
    run_all(other)
    metrics = (other.runs[0][1].path / "metrics.jsonl").read_text()
    assert metrics != (first / "metrics.jsonl").read_text()


def test_finished_runs_are_skipped_and_others_redone(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    source_only, tcon = run(*files, tmp_path / "runs")
    kept = (source_only / "logits.h5").stat().st_mtime_ns
    metrics = (tcon / "metrics.jsonl").read_text()
    (tcon / "logits.h5").unlink()  # as if it had been killed before the end
    run(*files, tmp_path / "runs")
    assert (source_only / "logits.h5").stat().st_mtime_ns == kept
    assert (tcon / "logits.h5").exists()
    assert (tcon / "metrics.jsonl").read_text() == metrics


def test_finished_run_with_other_settings_is_refused(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    run(*files, tmp_path / "runs")
    with pytest.raises(InputError, match=r"another train\.lr \(0.0003, now 0.1\)"):
        run(*files, tmp_path / "runs", [*QUICK, "train.lr=0.1"])


def test_a_run_that_does_not_say_how_features_were_made_is_finished_all_the_same(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    folder, _ = run(*files, tmp_path / "runs")
    record = read_record(folder)
    assert record.data.recipe.backbone == "toy"
    record = replace(record, data=replace(record.data, recipe=None, videos=None))
    (folder / "config.json").write_bytes(write_record(record))
    kept = (folder / "logits.h5").stat().st_mtime_ns
    run(*files, tmp_path / "runs")
    assert (folder / "logits.h5").stat().st_mtime_ns == kept


def test_unwritable_output_is_refused(files: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write "):
        run(*files, tmp_path / "file")


def test_short_videos_repeat_and_are_counted(tmp_path: Path) -> None:
    source = write_domain(tmp_path / "s.h5", snippets=2)
    target = write_domain(tmp_path / "t.h5", snippets=8)
    prepared = prepare(source, target, make_runs(METHODS, QUICK, segments=4), tmp_path / "runs")
    run_all(prepared)
    domains = prepared.store.chosen(prepared.runs[0][0])
    assert repeating_videos(domains, 4, 4) == 12  # all of the source, each once
    assert repeating_videos(domains, 2, 9) == 12  # all of the target
    assert repeating_videos(domains, 2, 4) == 0


@pytest.mark.slow
def test_training_learns(tmp_path: Path) -> None:
    """On an easy shift both methods end well above chance, 1/3."""
    source = write_domain(tmp_path / "s.h5", videos=60)
    target = write_domain(tmp_path / "t.h5", videos=60, shift=0.3, seed=1)
    settings = ["train.epochs=1", "train.min_steps=150", "train.batch_size=16", "train.lr=3e-3"]
    settings += ["tcon.features=32", "tcon.disc.hidden=16", "source_only.features=32"]
    for folder in run(source, target, tmp_path / "runs", settings):
        with h5py.File(folder / "logits.h5") as h5:
            ids = h5["target_test/id"].asstr()[()]
            predicted = h5["target_test/logits"][-1].argmax(1)
        truth = np.array([int(id_[1:4]) % 3 for id_ in ids])
        assert (predicted == truth).mean() > 0.8


def test_steps() -> None:
    assert TrainConfig(epochs=90, batch_size=64).steps(1438) == 90 * 23  # ceil(1438 / 64)
    assert TrainConfig(epochs=90, batch_size=64, min_steps=600).steps(72) == 600
    assert TrainConfig(epochs=1, batch_size=64, min_steps=1).steps(65) == 2
    assert TrainConfig(epochs=180, min_steps=600).steps_decided_by(72) == "train.min_steps"
    assert TrainConfig(epochs=300, min_steps=600).steps_decided_by(72) == "train.epochs"


def test_settings() -> None:
    options = apply_settings(
        ["train.lr=0.1", "tcon.pair.threshold=none", "tcon.pair.rule=all", "tcon.detach_align=true"]
        + ["tcon.pair.threshold=.7"],
        default_options(METHODS),
    )
    train = options["train"]
    assert train.lr == 0.1 and train.epochs == TrainConfig().epochs
    tcon = options["tcon"]
    assert (tcon.pair.threshold, tcon.pair.rule, tcon.detach_align) == (0.7, "all", True)
    assert options["source_only"] == entry("source_only").config


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("train.lr", "write it as key=value"),
        ("tcon.taus=1", "did you mean tcon.tau"),
        ("tcon.pair=1", "no setting 'tcon.pair'"),
        ("train.lr=fast", "must be a number"),
        ("tcon.detach_align=1", "must be true or false"),
        ("train.batch_size=1.5", "must be a whole number"),
        ("train.batch_size=0", "at least 1"),
        ("train.min_steps=-1", "at least 0"),
        ("train.lr=0", "train.lr=0: must be greater than 0"),
        ("train.lr=nan", "finite"),
        ("tcon.dropout=1", "must be less than 1"),
        ("tcon.pair.max_pairs=0", "at least 1"),
        ("tcon.align_norm=softmax", "must be one of joint, raw or zscore"),
        ("tcon.pair.rule=nearest", "must be one of cosine, argmax"),
    ],
)
def test_wrong_settings(setting: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        apply_settings([setting], default_options(["tcon"]))


def test_setting_of_a_method_that_does_not_run() -> None:
    with pytest.raises(InputError, match="tcon is not among those to run"):
        apply_settings(["tcon.tau=1"], default_options(["source_only"]))


def test_unknown_method() -> None:
    with pytest.raises(InputError, match="no method 'tcom': did you mean tcon"):
        make_runs(["tcom"])


def test_every_setting_can_be_set_to_its_own_value() -> None:
    for root, config in {"train": TrainConfig(), "tcon": entry("tcon").config}.items():
        for key in keys(config):
            value = config
            for name in key.split("."):
                value = getattr(value, name)
            options = apply_settings([f"{root}.{key}={value}"], default_options(["tcon"]))
            assert options[root] == config


def test_the_docs_list_every_setting_with_its_default() -> None:
    """A method with the options of an earlier one lists those that are new or differ."""
    text = (Path(__file__).parents[3] / "docs" / "settings.md").read_text()
    listed = dict(re.findall(r"^\| `([\w.+-]+)` \| (\S+) \|", text, re.M))
    configs = default_options(names(), end_to_end=True)
    defaults, needed, seen = {}, {}, []
    for root, config in configs.items():
        earlier = [shared for shared in seen if isinstance(config, type(shared))]
        nearest = max(earlier, key=lambda shared: len(fields(shared)), default=None)
        if type(nearest) is not type(config):
            seen.append(config)
        for key in keys(config):
            value = reduce(getattr, key.split("."), config)
            plain = str(value).lower() if value is None or isinstance(value, bool) else str(value)
            defaults[f"{root}.{key}"] = plain
            inherited = nearest is not None and key in keys(nearest)
            if not inherited or value != reduce(getattr, key.split("."), nearest):
                needed[f"{root}.{key}"] = plain
    assert needed.items() <= listed.items() <= defaults.items()


def test_fast_is_for_the_methods_that_have_it() -> None:
    plain, slim, wide = (
        make_runs(["source_only", "tcon", "tcon+"], settings, fast=fast)
        for fast, settings in ((False, []), (True, []), (True, ["tcon.disc.hidden=512"]))
    )
    assert slim[0] == plain[0]
    widths = [
        [run.options.disc.hidden for run in (tcon, plus)] for _, tcon, plus in (plain, slim, wide)
    ]
    assert widths == [[1024, 1024], [256, 256], [512, 256]]
