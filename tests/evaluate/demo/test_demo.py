"""The demo end to end on few clips and few steps, and its pictures."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tcon.cache import InputError
from tcon.cli import main
from tcon.evaluate.demo.pictures import accuracy_picture
from tcon.evaluate.demo.show import run_demo
from tcon.evaluate.demo.steps import MethodAccuracy, TaskAccuracies, make_clips
from tcon.extract.synthetic import World

pytestmark = pytest.mark.slow


def test_demo(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    few = {"task": 3, "control": 3}
    world = World(clips=40, bias=0.5)
    run_demo(tmp_path / "demo", world=world, seeds=2, device="cpu", steps=few)
    out = capsys.readouterr().out
    assert "Clips of another world than the default: bias = 0.5, clips = 40." in out
    rows = re.findall(r"^\| ([\w+]+)(?: \((\w+)\))? +\| rgb +\| 4 \| 2 ", out, re.M)
    both = [("source_only", "as_extracted"), ("source_only", "standardised")]
    both += [("tcon+", ""), ("tcon", "")]
    assert rows == both * 2
    same = "backbone efficientnet_lite0, cached features, each domain's features"
    assert f"- source_only (standardised); tcon+; tcon: {same}" in out
    for name, classes in (("task", 8), ("control", 2)):
        rows = list(csv.DictReader((tmp_path / "demo" / f"{name}.csv").open()))
        assert [(row["method"], row["seed"]) for row in rows] == [
            (method, seed) for method, _ in both for seed in ("0", "1", "mean")
        ]
        assert int(rows[0]["test_videos"]) % classes == 0
    for name in ("frames.png", "accuracy.png"):
        picture = np.asarray(Image.open(tmp_path / "demo" / name).convert("RGB"))
        assert min(picture.shape[:2]) > 300 and picture.std() > 20


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--misalign", "1.5"], "Error: --misalign must be at most 1, not 1.5"),
        (["--key-share", "1"], "Error: --key-share must be less than 1, not 1.0"),
        (["--bias", "nan"], "Error: --bias must be at most 1, not nan"),
        (["--classes", "9"], "Error: --classes must be at most 8, not 9"),
        (["--clips", "39"], "Error: --clips must be at least 40, not 39: 10 classes"),
        (["--clips", "9" * 20], "Error: --clips must be at most 100000, not 9999"),
        (["--clips-seed", "-1"], "Error: --clips-seed must be at least 0, not -1"),
    ],
)
def test_what_is_no_world_is_refused_in_one_line(
    options: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["demo", "-o", str(tmp_path / "demo"), *options])
    assert stopped.value.code == 2
    assert said in capsys.readouterr().err
    assert not any(tmp_path.iterdir())


def test_options_are_the_knobs_of_the_world(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[World] = []
    monkeypatch.setattr(
        "tcon.evaluate.demo.show.run_demo", lambda *_, world, **__: given.append(world)
    )
    text = "--misalign .1 --appearance .2 --key-share .3 --bias .4 --classes 5 --clips 60"
    for options in (text.split(), ["--clips-seed", "7"]):
        with pytest.raises(SystemExit):
            main(["demo", *options])
    turned = World(misalign=0.1, appearance=0.2, key_share=0.3, bias=0.4, classes=5, clips=60)
    assert given == [turned, World(seed=7)]


def test_clips_of_another_world_are_not_mixed_with_kept_features(tmp_path: Path) -> None:
    ticks: list[tuple[int, int]] = []
    few = {"classes": 2, "clips": 16}

    def make(**knobs: float) -> None:
        world = World(**{**few, **knobs})
        make_clips(tmp_path, world=world, on_progress=lambda *tick: ticks.append(tick))

    make()
    make()  # the same again
    assert len(ticks) == 2 * 16
    with pytest.raises(
        InputError, match=r"other clips \(misalign was 1.0, not 0.5, seed was 0, not 2\)"
    ):
        make(misalign=0.5, seed=2)
    (tmp_path / "source.h5").touch()
    make()
    recorded = tmp_path / "clips" / "world.json"
    known = json.loads(recorded.read_text())
    recorded.write_text(json.dumps(known | {"wind": 1.0}))
    with pytest.raises(InputError, match=r"world.json is damaged or of another version: wind: "):
        make()
    recorded.unlink()
    with pytest.raises(InputError, match="not recorded"):
        make()
    assert len(ticks) == 3 * 16


def test_a_demo_that_was_stopped_before_its_first_clip_blocks_no_other(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    few = World(classes=2, clips=16)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("tcon.evaluate.demo.steps.write_pair", stop)
        make_clips(tmp_path, world=World(), on_progress=lambda *_: None)
    assert make_clips(tmp_path, world=few, on_progress=lambda *_: None).count == 16


def test_the_picture_of_the_accuracies_says_which_knobs_were_turned() -> None:
    method = MethodAccuracy("tcon", np.array([0.5]), (0.4, 0.6))
    panels = {"actions": TaskAccuracies([method], 0.125)}
    for world in ("misalign = 0", ""):
        assert accuracy_picture(panels, world=world).figure.get_suptitle() == world


def test_unwritable_output(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write"):
        run_demo(tmp_path / "file")
