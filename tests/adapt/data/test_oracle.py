"""Target labels: one function hands them out, to one kind of method, under one option."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from feature_files import write_domain
from prepared_runs import prepare

import tcon.adapt
from tcon.adapt.config.runs import make_runs
from tcon.adapt.data import store
from tcon.adapt.grid import run_all
from tcon.adapt.methods import entry, names
from tcon.cache import InputError

QUICK = ["train.epochs=1", "train.min_steps=60", "train.batch_size=8", "train.lr=0.01"]


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    return write_domain(tmp_path / "s.h5"), write_domain(tmp_path / "t.h5", videos=30, seed=1)


def test_refused_without_the_option(files: tuple[Path, Path], tmp_path: Path) -> None:
    runs = make_runs(["source_only", "target_only"], QUICK)
    with pytest.raises(InputError, match="target_only trains on the target's labels.*--oracle"):
        prepare(*files, runs, tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_it_trains_on_the_targets_labelled_training_videos(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    labels = ["jump", "run", "sit", "", "jump", "run"] * 5
    target = write_domain(tmp_path / "some.h5", videos=30, labels=labels, seed=1)
    (run,) = make_runs(["target_only"], QUICK)
    prepared = prepare(files[0], target, [run], tmp_path / "runs", oracle=True)
    (usual,) = make_runs(["source_only"], QUICK)
    before, domains = prepared.store.domains(usual), prepared.store.domains(run)
    index = {name: n for n, name in enumerate(("jump", "run", "sit"))}
    known = [id_ for id_ in before.target_train.ids if labels[int(id_[1:4])]]
    assert list(domains.source_train.ids) == known and domains.source_val is None
    assert domains.source_train.labels.tolist() == [index[labels[int(i[1:4])]] for i in known]
    assert domains.target_train is before.target_train
    assert run_all(prepared) == 0


def test_other_target_labels_are_another_run(files: tuple[Path, Path], tmp_path: Path) -> None:
    runs = make_runs(["target_only"], ["train.epochs=1", "train.min_steps=2"])
    run_all(prepare(*files, runs, tmp_path / "runs", oracle=True))
    files[1].unlink()
    write_domain(files[1], videos=30, seed=1, labels=["sit", "run", "jump"] * 10)
    with pytest.raises(InputError, match="another data.target_labels_sha256"):
        prepare(*files, runs, tmp_path / "runs", oracle=True)


def test_unlabelled_target(files: tuple[Path, Path], tmp_path: Path) -> None:
    target = write_domain(tmp_path / "none.h5", labels=[""] * 12)
    runs = make_runs(["source_only", "target_only"], QUICK)
    with pytest.raises(InputError, match="no target training video has one"):
        prepare(files[0], target, runs, tmp_path / "runs", oracle=True)
    assert not (tmp_path / "runs").exists()


@pytest.mark.slow
def test_no_other_method_reads_them(
    monkeypatch: pytest.MonkeyPatch, files: tuple[Path, Path], tmp_path: Path
) -> None:
    assert [name for name in names() if entry(name).method.reads_target_labels] == ["target_only"]

    def refuse(*args: object) -> None:
        raise AssertionError("target labels were asked for")

    monkeypatch.setattr(store, "train_on_target", refuse)
    quick = ["train.epochs=1", "train.min_steps=2", "train.batch_size=4"]
    runs = make_runs([name for name in ("source_only", "tcon")], quick, segments=2)
    assert run_all(prepare(*files, runs, tmp_path / "runs", oracle=True)) == 0
    oracle = make_runs(["target_only"], quick)
    with pytest.raises(AssertionError, match="asked for"):
        prepare(*files, oracle, tmp_path / "oracle", oracle=True)


_COUNTERS = {"tasks/counts.py", "tasks/compare.py"}  # what `tcon tasks --check` prints


def test_one_function_is_called_at_one_place() -> None:
    """Nothing in the room of adaptation but these reads a video's label."""
    readers, callers = set(), set()
    folder = Path(tcon.adapt.__file__).parent
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Attribute) and node.attr == "label":
                readers.add(str(file.relative_to(folder)))
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "train_on_target":
                callers.add(str(file.relative_to(folder)))
    assert callers == {"data/store.py"}
    # store: for the task's names alone; compare and counts: by label, beside known ones
    assert readers == {"data/splits.py", "data/oracle.py", "data/store.py", *_COUNTERS}
