"""A run's folder: what is damaged ends in a line, and finished means the same to everyone."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
import toy_methods as toy
from click.testing import CliRunner
from feature_files import write_domain
from prepared_runs import prepare

from tcon.adapt import Runs
from tcon.adapt.config.runs import make_runs
from tcon.adapt.grid import run_all
from tcon.adapt.inference import load_run
from tcon.adapt.run.read import read_health
from tcon.cache import InputError
from tcon.cli import main
from tcon.evaluate.runs.read import find_runs

QUICK = [
    *("train.epochs=1", "train.min_steps=4", "train.batch_size=5", "train.evaluations=2"),
    "source_only.features=8",
]


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    return write_domain(tmp_path / "s.h5"), write_domain(tmp_path / "t.h5", shift=0.5, seed=1)


@pytest.fixture
def run(files: tuple[Path, Path], tmp_path: Path) -> Path:
    runs = make_runs(["source_only"], QUICK, segments=4)
    run_all(prepare(*files, runs, tmp_path / "runs"))
    return tmp_path / "runs" / runs[0].name


def test_a_damaged_health_file_is_a_line_of_the_summary(
    files: tuple[Path, Path], run: Path
) -> None:
    (run / "health.json").write_text('[{"kind": "odd"')
    words = ["adapt", "--source", files[0], "--target", files[1], "--method", "source_only"]
    words += ["--segments", 4, "-o", run.parent, "--device", "cpu"]
    result = CliRunner().invoke(main, [*map(str, words), *(f"--set={s}" for s in QUICK)])
    assert result.exit_code == 0, result.output
    assert "health.json is damaged" in " ".join(result.output.split())
    with pytest.raises(InputError, match=r"health\.json is damaged .*delete the run and repeat it"):
        read_health(run)


@pytest.mark.usefixtures("temporary_methods")
def test_a_damaged_base_is_a_line(files: tuple[Path, Path], run: Path) -> None:
    toy.add("nearest", toy.Nearest)
    (run / "checkpoint.pt").write_bytes(b"damaged")
    ended = []
    prepared = prepare(*files, make_runs(["nearest"], QUICK, segments=4), run.parent)
    run_all(prepared, on_state=lambda folder, state, why: ended.append((state, why)))
    state, why = ended[-1]
    assert state == "failed" and "checkpoint.pt does not fit its run" in why


def test_a_run_without_logits_is_unfinished_to_everyone(run: Path) -> None:
    (run / "logits.h5").rename(run / "resume.pt")  # killed while it ended
    with pytest.raises(InputError, match="is not finished: continue it with tcon adapt"):
        load_run(run)
    with pytest.raises(InputError, match="holds no finished run"):
        Runs.open(run)
    with pytest.raises(InputError, match="holds no finished run"):
        find_runs([run])


def test_record_and_weights_are_enough_to_predict(run: Path, tmp_path: Path) -> None:
    (tmp_path / "deployed").mkdir()
    for name in ("config.json", "checkpoint.pt"):
        shutil.copy(run / name, tmp_path / "deployed")
    assert load_run(tmp_path / "deployed").classes == load_run(run).classes


def test_weights_are_renamed_into_place(
    monkeypatch: pytest.MonkeyPatch, files: tuple[Path, Path], tmp_path: Path
) -> None:
    renamed, original = [], os.replace
    monkeypatch.setattr(
        os, "replace", lambda old, new: (renamed.append(Path(new).name), original(old, new))
    )
    run_all(prepare(*files, make_runs(["source_only"], QUICK, segments=4), tmp_path / "runs"))
    assert renamed[-3:] == ["checkpoint.pt", "health.json", "logits.h5"]
