"""Run folders of version 0.1.0, whose ``config.json`` was flat: read, evaluated, resumed."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from prepared_runs import prepare

from tcon.adapt.config.runs import make_runs
from tcon.adapt.config.training import Segments
from tcon.adapt.grid import run_all
from tcon.adapt.run.finished import Runs
from tcon.adapt.run.record import read_record
from tcon.cache import FeatureFile, FeatureWriter, InputError, Snippets, Video
from tcon.cache.recipe import FlowRecipe, Sampling
from tcon.evaluate import evaluate
from tcon.extract import Machine

BEFORE = Path(__file__).parents[2] / "data" / "before-records"
FILES = BEFORE / "source.h5", BEFORE / "target.h5"
SETTINGS = [
    *("train.epochs=1", "train.min_steps=12", "train.batch_size=8", "train.evaluations=3"),
    *("train.lr=0.003", "tcon.features=8", "tcon.disc.hidden=8", "tcon.att_hidden=4"),
    # The defaults of that time, when the first could not be set.
    *("tcon.attention_features=same", "tcon.detach_source_att=false", "tcon.detach_ga_input=false"),
]
(RUN,) = make_runs(["tcon"], SETTINGS, segments=4)
IN_FP32 = replace(RUN, train=replace(RUN.train, precision="fp32"))


def test_its_options_are_those_of_the_command() -> None:
    record = read_record(BEFORE / "run_cached")
    assert record.run == IN_FP32 and record.run.options.unpaired == "uniform"
    assert record.data.classes == ("jump", "run", "sit", "wave")
    assert record.data.target.labels == {"jump": 0, "run": 1, "sit": 2, "wave": 3}
    assert record.data.videos.target_test == 8 and record.tool_version == "0.1.0"
    assert record.command == () and record.data.domain("source").path == "/data/source.h5"


def test_end_to_end() -> None:
    record = read_record(BEFORE / "run_end_to_end")
    assert record.run.name == "tcon_rgb_k2_e2e_seed0" and record.run.segments == Segments(2, 2)
    assert record.run.end_to_end.backbone == "resnet18" and record.data.micro_batch == 4
    assert record.data.recipe.sampling == Sampling("uniform", 2)
    assert read_record(BEFORE / "run_end_to_end_flow").data.recipe.flow == FlowRecipe()
    data = replace(record.data, recipe=replace(record.data.recipe, clip_rate=15.0))
    assert record.differences(replace(record, data=data)) == [("data.clip_rate", None, 15.0)]


def test_it_is_evaluated() -> None:
    result = evaluate(BEFORE / "run_cached", features=FILES[1], source_features=FILES[0])
    (group,) = result.results
    assert group.scores.accuracy == [0.75]


def test_it_is_finished_for_the_command_that_made_it(tmp_path: Path) -> None:
    folder = shutil.copytree(BEFORE / "run_cached", tmp_path / RUN.name)
    states = []
    prepared = prepare(*FILES, [RUN], tmp_path)
    run_all(prepared, on_state=lambda run, state, why: states.append(state))
    assert states == ["finished before"]
    (other,) = make_runs(["tcon"], [*SETTINGS, "train.lr=0.1"], segments=4)
    with pytest.raises(InputError, match=r"another train\.lr \(0\.003, now 0\.1\)"):
        prepare(*FILES, [other], tmp_path)
    assert folder.exists()


def test_an_interrupted_run_is_resumed(tmp_path: Path) -> None:
    """The random numbers of a step are others by now, so what follows is another course."""
    folder = shutil.copytree(BEFORE / "run_interrupted", tmp_path / RUN.name)
    assert run_all(prepare(*FILES, [RUN], tmp_path)) == 0
    metrics = "metrics.jsonl"
    lines = (folder / metrics).read_text().splitlines()
    before = (BEFORE / "run_cached" / metrics).read_text().splitlines()
    assert lines[0] == before[0] and [json.loads(line)["step"] for line in lines] == [4, 8, 12]
    assert read_record(folder).run == IN_FP32


def test_it_predicts_as_it_did() -> None:
    (run,) = Runs.open(BEFORE / "run_extracted")
    machine = Machine(device="cpu", workers=0, min_frames=1)
    predictions = run.predict(BEFORE / "videos", machine=machine)
    before = json.loads((BEFORE / "predicted.json").read_text())["videos"]
    assert [p.label for p in predictions] == [row["label"] for row in before]
    for prediction, row in zip(predictions, before, strict=True):
        assert list(prediction.scores) == pytest.approx(list(row["scores"].values()), abs=1e-6)


def test_its_target_may_grow_if_it_used_all_of_it(tmp_path: Path) -> None:
    grown = shutil.copy(FILES[1], tmp_path / "target.h5")
    file = FeatureFile(grown)
    with FeatureWriter(grown, file.recipes) as writer:
        ones = {
            name: Snippets(np.ones((4, recipe.dim), recipe.dtype), np.arange(4))
            for name, recipe in file.recipes.items()
        }
        writer.add(Video("new.mp4", "", "train", "", 9, 25.0), ones)
    result = evaluate(BEFORE / "run_cached", features=grown, source_features=FILES[0])
    assert result.results[0].scores.accuracy == [0.75]
    assert any(note.startswith("1 new target video is not scored") for note in result.notes)
    with pytest.raises(InputError, match="a run from before runs knew their videos: name the file"):
        evaluate(BEFORE / "run_cached", features=FILES[0], source_features=FILES[0])
