"""A run's folder: what is damaged ends in a line, and finished means the same to everyone."""

from __future__ import annotations

import json
import os
import shlex
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
from tcon.evaluate import evaluate
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
    with pytest.raises(
        InputError, match=r"health\.json is damaged .*delete it; the run itself is as it was"
    ):
        read_health(run)


@pytest.mark.usefixtures("temporary_methods")
def test_a_damaged_base_is_a_line(files: tuple[Path, Path], run: Path) -> None:
    toy.add("nearest", toy.Nearest)
    (run / "checkpoint.pt").write_bytes(b"damaged")
    ended = []
    prepared = prepare(*files, make_runs(["nearest"], QUICK, segments=4), run.parent)
    run_all(prepared, on_state=lambda folder, state, why: ended.append((state, why)))
    state, why = ended[-1]
    assert state == "failed" and "checkpoint.pt is damaged (it is no file of plain tensors)" in why


def test_a_run_without_logits_is_unfinished_to_everyone(run: Path) -> None:
    (run / "logits.h5").rename(run / "resume.pt")  # killed while it ended
    with pytest.raises(InputError, match="is not finished: continue it with tcon adapt"):
        load_run(run)
    with pytest.raises(InputError, match="holds no finished run"):
        Runs.open(run)
    with pytest.raises(InputError, match="holds no finished run"):
        find_runs([run])


def test_every_changed_setting_is_named_so_that_it_can_be_pasted(
    files: tuple[Path, Path], run: Path
) -> None:
    others = ["train.lr=0.5", "train.optimiser=sgd", "train.nesterov=true"]
    changed = make_runs(["dann", "source_only"], [*QUICK, *others], segments=4)
    with pytest.raises(InputError, match="a finished run with another train.lr .*now 0.5") as info:
        prepare(*files, changed, run.parent)
    words = shlex.split(str(info.value).partition("as it was: ")[2])
    assert words[::2] == ["--set"] * 3 and "train.nesterov=false" in words
    assert [path.name for path in run.parent.iterdir()] == [run.name]  # none for dann
    again = make_runs(["source_only"], [*QUICK, *others, *words[1::2]], segments=4)
    assert run_all(prepare(*files, again, run.parent)) == 0


def test_other_data_are_no_settings_to_paste(files: tuple[Path, Path], run: Path) -> None:
    other = write_domain(files[1].with_name("other.h5"), shift=0.25, seed=2)
    changed = make_runs(["source_only"], [*QUICK, "train.lr=0.5"], segments=4)
    with pytest.raises(
        InputError, match=r"another train\.lr .*12 target videos with other features"
    ):
        prepare(files[0], other, changed, run.parent)


def test_a_run_of_a_plugin_by_the_name_of_a_method_is_scored_and_not_continued(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    settings = [s for s in QUICK if s.startswith("train.")]
    runs = make_runs(["im"], [*settings, "im.features=8"], segments=4)
    run_all(prepare(*files, runs, tmp_path))
    config = tmp_path / runs[0].name / "config.json"
    content = json.loads(config.read_text())
    content["plugins"] = [{"module": "/gone/mine.py", "sha256": "0" * 64}]
    config.write_text(json.dumps(content))
    assert [result.name for result in evaluate(tmp_path).results] == ["im (mine.py)"]
    for use in (lambda: load_run(tmp_path), lambda: prepare(*files, runs, tmp_path)):
        with pytest.raises(InputError, match="whose method im has the name of one of tcon's own"):
            use()


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
