"""A run's folder in which anything stands in place of any file ends every command in a line.

What is damaged is chosen at random: `make fuzz` tries many more.
"""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from fuzz import FEWER, damaged_hdf5, damaged_json, damaged_tensors, damaged_text, ends_well, nested
from hypothesis import given
from hypothesis import strategies as st
from prepared_runs import prepare
from toy_runs import QUICK, SMALL, train

from tcon.adapt.config.runs import make_runs
from tcon.adapt.grid import run_all
from tcon.adapt.inference import load_ensemble, load_run
from tcon.adapt.inference.stream import _InOrder, _Predictor
from tcon.adapt.progress.display import unhealthy
from tcon.adapt.run.folder import RunFolder
from tcon.adapt.run.record import read_record
from tcon.adapt.training.resume import Saver, restore
from tcon.cache import Failure, InputError, Snippets, Video
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


def copy_of(trained: Path, state: str, method: str) -> Path:
    """A copy of a run's folder, to be damaged."""
    sound = trained / state / f"{method}_rgb_k4_seed0"
    shutil.rmtree(trained / "damaged", ignore_errors=True)
    return Path(shutil.copytree(sound, trained / "damaged" / sound.name))


def changed(run: Path, name: str, *path: str, to: object) -> None:
    """Change a value of a file of JSON or torch; None removes it."""
    file = run / name
    tensors = name.endswith(".pt")
    content = torch.load(file, weights_only=True) if tensors else json.loads(file.read_bytes())
    place = content
    for key in path[:-1]:
        place = place[key]
    if to is None:
        del place[path[-1]]
    else:
        place[path[-1]] = to
    torch.save(content, file) if tensors else file.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["tool_version"], None),
        (["data", "task"], "x\ud800"),
        *((["run", "segments", "target"], value) for value in (0, -3, 10**9, "x")),
        *((["run", "seed"], value) for value in (10**30, -1)),
        (["run", "train", "lr"], math.nan),
        (["run", "method"], "x" * 5000),
        (["run", "options"], nested(900)),
        (["data", "classes"], []),
    ],
)
def test_a_record_that_cannot_be_one_is_refused_by_all(
    trained: Path, path: list[str], value: object
) -> None:
    run = copy_of(trained, "runs", "tcon")
    changed(run, "config.json", *path, to=value)
    for command in (evaluate, load_run, lambda run: adapt(trained, run.parent, "tcon")):
        with pytest.raises(InputError, match=r"config\.json is damaged \(.*\): delete the run"):
            command(run)


@pytest.mark.parametrize("key", ["features", "att_hidden"])
def test_networks_larger_than_the_memory_are_not_built(trained: Path, key: str) -> None:
    run = copy_of(trained, "runs", "tcon")
    changed(run, "config.json", "run", "options", key, to=10**7)
    with pytest.raises(InputError, match=r"checkpoint\.pt is damaged \(it does not fit its run"):
        load_run(run)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (["method"], None, "method"),
        (["method"], [], "it does not fit its run"),
        (["method", "bottleneck.0.bias"], torch.full((8,), math.nan), "is not finite"),
        (["normalise", "target", "mean"], torch.zeros(3), "target's mean is no"),
        (["normalise", "target", "deviation"], None, "deviation"),
        (["normalise"], {"target": {}}, "source"),
    ],
)
def test_weights_that_cannot_be_the_runs_are_refused(
    trained: Path, path: list[str], value: object, message: str
) -> None:
    run = copy_of(trained, "runs", "tcon")
    changed(run, "checkpoint.pt", *path, to=value)
    with pytest.raises(InputError, match=rf"checkpoint\.pt is damaged \(.*{message}"):
        load_run(run)


def test_logits_that_are_not_finite_are_a_failure(trained: Path) -> None:
    run = copy_of(trained, "runs", "source_only")
    state = torch.load(run / "checkpoint.pt", weights_only=True)["method"]
    (name,) = [key for key, value in state.items() if value.shape == (3,)]
    changed(run, "checkpoint.pt", "method", name, to=torch.tensor([3e38, -3e38, 0.0]))
    weight = name.replace("bias", "weight")
    changed(run, "checkpoint.pt", "method", weight, to=torch.full_like(state[weight], 3e38))
    loaded, results = load_ensemble(run), []
    sink = _Predictor(loaded, _InOrder(["v"], results.append))
    ones = np.ones((8, loaded.first.recipe.dim), np.float16)
    sink.add(Video("v", "", "", "", 9, 25.0), {"rgb": Snippets(ones, np.arange(8))})
    assert isinstance(results[0], Failure) and "not finite" in results[0].reason


@pytest.mark.parametrize("name", ["checkpoint.pt", "resume.pt"])
def test_nothing_is_said_of_how_to_run_a_files_code(trained: Path, name: str) -> None:
    run = copy_of(trained, "runs" if name == "checkpoint.pt" else "begun", "tcon")
    torch.save({"method": Path("code")}, run / name)
    with pytest.raises(InputError) as caught:
        load_run(run) if name == "checkpoint.pt" else restore(RunFolder(run, read_record(run)))
    assert "it is no file of plain tensors" in str(caught.value)
    assert "weights_only" not in str(caught.value)


@pytest.mark.parametrize("path", [["step"], ["recorder"], ["written"], ["optimiser", "state"]])
@pytest.mark.parametrize("value", [None, "x", [1]])
def test_a_damaged_snapshot_is_a_line(trained: Path, path: list[str], value: object) -> None:
    run = copy_of(trained, "begun", "tcon")
    changed(run, "resume.pt", *path, to=value)
    (why,) = adapt(trained, run.parent, "tcon")
    assert why.startswith(f"{run / 'resume.pt'} is damaged (")
    assert why.endswith("): delete it, and the run starts over")


@FEWER
@given(data=st.data())
def test_damaged_folder(trained: Path, data: st.DataObject) -> None:
    method = data.draw(st.sampled_from(METHODS))
    state = data.draw(st.sampled_from(["runs", "begun"]))
    sound = trained / state / f"{method}_rgb_k4_seed0"
    run = copy_of(trained, state, method)
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
