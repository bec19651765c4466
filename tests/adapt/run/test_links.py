"""What a run writes stays in its folder, whatever stands there."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from feature_files import write_domain
from prepared_runs import invented_record, prepare

from tcon.adapt.config.runs import make_runs
from tcon.adapt.grid import run_all
from tcon.adapt.run.folder import RunFolder
from tcon.adapt.training.resume import Saver
from tcon.adapt.training.tensorboard import TensorBoard
from tcon.cache import InputError

QUICK = [
    *("train.epochs=1", "train.min_steps=4", "train.batch_size=5", "train.evaluations=2"),
    "source_only.features=8",
]
WRITTEN = [
    "config.json",
    "videos.json",
    "metrics.jsonl",
    "health.json",
    "checkpoint.pt",
    "logits.h5",
    "resume.pt",
]


def train(tmp_path: Path, stand: object) -> tuple[Path, dict[str, bytes]]:
    """A run whose folder held something in place of every file; what else there was."""
    files = write_domain(tmp_path / "s.h5"), write_domain(tmp_path / "t.h5", shift=0.5, seed=1)
    runs = make_runs(["source_only"], QUICK, segments=4)
    folder = tmp_path / "runs" / runs[0].name
    folder.mkdir(parents=True)
    precious = {}
    names = WRITTEN[:-2]  # with the last two it would be a run that has begun
    for name in [*names, *(f"{name}.tmp" for name in WRITTEN)]:
        stand(tmp_path / f"precious {name}", folder / name)
        precious[f"precious {name}"] = b"precious"
    ended = []
    prepared = prepare(*files, runs, tmp_path / "runs")
    run_all(prepared, on_state=lambda _, state, why: ended.append((state, why)), save_seconds=0)
    assert ended[-1] == ("finished", "")
    return folder, precious


def symlink(target: Path, link: Path) -> None:
    target.write_bytes(b"precious")
    link.symlink_to(target)


def hard_link(target: Path, link: Path) -> None:
    target.write_bytes(b"precious")
    os.link(target, link)


@pytest.mark.parametrize("stand", [symlink, hard_link])
def test_a_run_is_not_written_through_links(tmp_path: Path, stand: object) -> None:
    folder, precious = train(tmp_path, stand)
    assert {name: (tmp_path / name).read_bytes() for name in precious} == precious
    assert not any(path.is_symlink() for path in folder.iterdir())
    assert sorted(path.name for path in folder.iterdir()) == sorted(WRITTEN[:-1])


def test_dangling_links_are_replaced(tmp_path: Path) -> None:
    folder, precious = train(tmp_path, lambda target, link: link.symlink_to(target))
    assert not any((tmp_path / name).exists() for name in precious)
    assert not any(path.is_symlink() for path in folder.iterdir())


@pytest.mark.parametrize("name", ["resume.pt", "resume.pt.tmp", "metrics.jsonl"])
def test_a_snapshot_is_not_written_through_a_link(tmp_path: Path, name: str) -> None:
    precious = tmp_path / "precious"
    precious.write_bytes(b"precious")
    run = make_runs(["source_only"], QUICK)[0]
    folder = RunFolder(tmp_path / run.name, invented_record(run))
    folder.begin()
    folder.log({"step": 1})
    (folder.path / name).unlink(missing_ok=True)
    (folder.path / name).symlink_to(precious)
    folder.begin(written=4)  # as of an interrupted run
    folder.log({"step": 1})
    Saver(0).save(folder, {"step": 1})
    assert precious.read_bytes() == b"precious"
    assert torch.load(folder.resume, weights_only=True)["step"] == 1


def test_a_locked_link_is_refused(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_bytes(b"precious")
    run = make_runs(["source_only"], QUICK)[0]
    folder = RunFolder(tmp_path / run.name, invented_record(run))
    folder.make()
    (folder.path / ".lock").symlink_to(precious)
    with pytest.raises(InputError, match="cannot write "), folder.lock():
        pass
    assert precious.read_bytes() == b"precious"


def test_tensorboard_does_not_write_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = SimpleNamespace(SummaryWriter=None)
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", installed)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "tensorboard").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="tensorboard is a link"):
        TensorBoard().write(tmp_path, 1, {"step": 1, "loss": 2.0})


@pytest.mark.parametrize("name", WRITTEN[:-2])
def test_a_folder_in_place_of_a_file_is_a_line(tmp_path: Path, name: str) -> None:
    files = write_domain(tmp_path / "s.h5"), write_domain(tmp_path / "t.h5", shift=0.5, seed=1)
    runs = make_runs(["source_only"], QUICK, segments=4)
    (tmp_path / "runs" / runs[0].name / name).mkdir(parents=True)
    ended = []
    prepared = prepare(*files, runs, tmp_path / "runs")
    run_all(prepared, on_state=lambda _, state, why: ended.append((state, why)))
    state, why = ended[-1]
    assert state == "failed" and f"cannot write {tmp_path / 'runs' / runs[0].name / name}" in why
