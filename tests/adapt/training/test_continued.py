"""Runs that start from the weights of finished ones."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from feature_files import write_domain
from prepared_runs import prepare

from tcon.adapt import Runs, adapt
from tcon.adapt.config.runs import make_runs
from tcon.adapt.grid import Prepared
from tcon.adapt.run.folder import RunFolder
from tcon.adapt.run.record import read_record
from tcon.adapt.training.programs.trainee import Trainee
from tcon.cache import InputError
from tcon.evaluate import evaluate

QUICK = {
    **{"train.epochs": 1, "train.min_steps": 4, "train.batch_size": 5, "train.evaluations": 2},
    **{"source_only.features": 8, "ema.features": 8},
}


NAME = "source_only_rgb_k4_seed0"


def run(tmp_path: Path, output: str, methods: str = "source_only", **options: object) -> Runs:
    settings = QUICK | options.pop("settings", {})
    return adapt(
        *(tmp_path / "s.h5", tmp_path / options.pop("target", "t.h5")),
        methods=methods,
        segments=options.pop("segments", 4),
        settings={k: v for k, v in settings.items() if k.split(".")[0] in ("train", methods)},
        output=tmp_path / output,
        device="cpu",
        jobs=1,
        **options,
    )


@pytest.fixture
def before(tmp_path: Path) -> Path:
    """Runs of two seeds; a file with six videos more waits."""
    write_domain(tmp_path / "s.h5")
    write_domain(tmp_path / "t.h5", shift=0.5, seed=1)
    write_domain(tmp_path / "grown.h5", videos=18, shift=0.5, seed=1)
    run(tmp_path, "before", seeds=2)
    return tmp_path / "before"


def continuing(before: Path, tmp_path: Path) -> Prepared:
    """A run of seed 0 on the file that has grown, before its first step."""
    settings = {key: value for key, value in QUICK.items() if not key.startswith("ema")}
    runs = make_runs(["source_only"], settings, segments=4)
    files = tmp_path / "s.h5", tmp_path / "grown.h5"
    return prepare(*files, runs, tmp_path / "on", continue_from=before)


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return torch.load(folder / "checkpoint.pt", weights_only=True)["method"]


def test_they_start_from_the_weights_and_are_fresh_otherwise(before: Path, tmp_path: Path) -> None:
    prepared = continuing(before, tmp_path)
    [(config, folder)] = prepared.runs
    trainee = Trainee(config, prepared.store.feed(config), folder)
    stored = weights(before / folder.path.name)
    assert trainee.step == 0 and not trainee.optimiser.state
    assert all(torch.equal(trainee.method.state_dict()[name], stored[name]) for name in stored)
    fresh = RunFolder(tmp_path / "fresh", read_record(before / folder.path.name))
    begun = Trainee(config, prepared.store.feed(config), fresh).method.state_dict()
    assert not all(torch.equal(begun[name], stored[name]) for name in stored)


def test_seeds_stay_a_group_and_say_where_they_began(before: Path, tmp_path: Path) -> None:
    done = run(tmp_path, "after", target="grown.h5", seeds=2, continue_from=before)
    records = [one.record.continued for one in done]
    assert [Path(r.path).name for r in records] == [one.path.name for one in done]
    assert len({r.weights_sha256 for r in records}) == 2 and len({r.features for r in records}) == 1
    result = evaluate([before, tmp_path / "after"])
    assert [len(g.runs) for g in result.groups] == [2, 2]
    assert sum("began with the weights of " in note for note in result.notes) == 1
    again = run(tmp_path, "after", target="grown.h5", seeds=2, continue_from=before)
    assert len(again.finished) == 2
    began = f"is a finished run, which began with the weights of {records[0].path}, not from"
    with pytest.raises(InputError, match=began):
        run(tmp_path, "after", target="grown.h5", seeds=2)


def test_its_own_folder_is_no_place_to_continue_a_run(before: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        run(tmp_path, "before", target="grown.h5", continue_from=before)
    message = str(refused.value)
    assert message.endswith(
        f"began from scratch, not with the weights of {before / NAME}: choose another -o"
    )
    assert "6 new target videos" in message and "data.continued" not in message


def test_one_run_starts_several(before: Path, tmp_path: Path) -> None:
    one = before / NAME
    done = run(tmp_path, "after", target="grown.h5", seeds="4,5", continue_from=one)
    assert {Path(r.record.continued.path) for r in done} == {one}


def test_what_does_not_fit_is_refused(before: Path, tmp_path: Path) -> None:
    one = before / NAME
    unscaled = {"settings": {"train.normalise": "none"}}
    for methods, base, options, message in (
        ("ema", before, {}, "ema_rgb_k4_seed0 is no finished run, from whose weights"),
        ("ema", one, {}, r"differs in method \(source_only, not ema\)"),
        ("source_only", one, {"segments": 3}, r"differs in segments \(4, not 3\)"),
        ("source_only", one, {"settings": {"source_only.features": 6}}, "do not fit source_only"),
        ("source_only", one, unscaled, r"differs in normalise \(domain, not none\)"),
        ("cmfglr", before, {}, "cmfglr is fitted to its data from scratch"),
        ("source_only", before, {"end_to_end": True}, "--continue-from is for cached features"),
    ):
        with pytest.raises(InputError, match=message):
            run(tmp_path, "after", methods, continue_from=base, **options)
    assert not (tmp_path / "after").exists()


def test_weights_for_other_features_are_refused(before: Path, tmp_path: Path) -> None:
    for name, seed in (("s.h5", 0), ("t.h5", 1)):
        (tmp_path / name).unlink()
        write_domain(tmp_path / name, seed=seed, layer="logits")
    with pytest.raises(InputError, match=r"differs in layer \(pool, not logits\)"):
        run(tmp_path, "after", continue_from=before / NAME)


def test_other_weights_by_now_fail_the_run(before: Path, tmp_path: Path) -> None:
    prepared = continuing(before, tmp_path)
    [(config, folder)] = prepared.runs
    other = before / folder.path.name.replace("seed0", "seed1") / "checkpoint.pt"
    (before / folder.path.name / "checkpoint.pt").write_bytes(other.read_bytes())
    with pytest.raises(InputError, match="have changed since: repeat the command"):
        Trainee(config, prepared.store.feed(config), folder)
