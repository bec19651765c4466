"""A run's folder in which anything stands in place of any file ends every command in a line.

What is damaged is chosen at random: `make fuzz` tries many more.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from fuzz import damaged_hdf5, damaged_json, damaged_tensors, damaged_text, ends_well
from hypothesis import given
from hypothesis import strategies as st
from prepared_runs import prepare
from toy_runs import QUICK, SMALL, train

from tcon.adapt.config.runs import make_runs
from tcon.adapt.grid import run_all
from tcon.adapt.inference import load_run
from tcon.adapt.progress.display import unhealthy
from tcon.adapt.training.resume import Saver
from tcon.cache import InputError
from tcon.evaluate import evaluate

DAMAGE = {
    "config.json": damaged_json,
    "metrics.jsonl": damaged_text,
    "health.json": damaged_json,
    "checkpoint.pt": damaged_tensors,
    "logits.h5": damaged_hdf5,
    "resume.pt": damaged_tensors,
}
METHODS = ["source_only", "tcon"]
OTHERS: dict[str, Callable[[Path], object]] = {
    "pipe": os.mkfifo,
    "folder": Path.mkdir,
    "nothing": lambda path: None,
    "empty": Path.touch,
    "device": lambda path: path.symlink_to("/dev/zero"),
    "itself": lambda path: path.symlink_to(path.name),
    "nowhere": lambda path: path.symlink_to("nowhere"),
    "other": lambda path: path.symlink_to("config.json"),
}


class Stop(BaseException):
    """As if the process had been killed here."""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with finished runs in ``runs``, and what they left when killed in ``begun``."""
    folder = tmp_path_factory.mktemp("trained")
    train(folder, methods=METHODS)
    save = Saver.save

    def stop(*args: object) -> None:
        save(*args)
        raise Stop

    for method in METHODS:
        with pytest.MonkeyPatch.context() as patch, pytest.raises(Stop):
            patch.setattr(Saver, "save", stop)
            adapt(folder, folder / "begun", method)
    return folder


def adapt(folder: Path, output: Path, method: str) -> list[str]:
    """Why runs failed."""
    runs = make_runs([method], [*QUICK, *SMALL[method]], segments=4)
    files = folder / "clips.h5", folder / "cctv.h5"
    whys: list[str] = []
    run_all(
        prepare(*files, runs, output),
        on_state=lambda _, state, why: whys.append(why) if state == "failed" else None,
        save_seconds=0,
    )
    return whys


def use(folder: Path, run: Path, method: str) -> None:
    """What the commands do with a run's folder, each of which may refuse it."""
    with ends_well(memory=None):
        evaluate(run).to_html(run.parent / "report.html", pictures=())
    with ends_well(memory=None):
        evaluate(run).to_markdown(details=True)
        for text in unhealthy({run: "run"}):
            assert text.isprintable()
    with ends_well(memory=None):
        loaded = load_run(run)
        k = loaded.positions()
        assert loaded.method.predict(torch.zeros(2, k, loaded.recipe.dim)).isfinite().all()
    with ends_well(memory=None):
        for why in adapt(folder, run.parent, method):
            raise InputError(why)


@given(data=st.data())
def test_damaged_folder(trained: Path, data: st.DataObject) -> None:
    method = data.draw(st.sampled_from(METHODS))
    state = data.draw(st.sampled_from(["runs", "begun"]))
    sound = trained / state / f"{method}_rgb_k4_seed0"
    shutil.rmtree(trained / "damaged", ignore_errors=True)
    run = trained / "damaged" / sound.name
    shutil.copytree(sound, run)
    for _ in range(data.draw(st.integers(1, 2))):
        name = data.draw(st.sampled_from([name for name in DAMAGE if (sound / name).is_file()]))
        content = (sound / name).read_bytes()
        if (run / name).is_dir() and not (run / name).is_symlink():
            continue
        (run / name).unlink(missing_ok=True)
        if other := data.draw(st.sampled_from([None, None, *OTHERS])):
            OTHERS[other](run / name)
        else:
            (run / name).write_bytes(data.draw(DAMAGE[name](content)))
    use(trained, run, method)
