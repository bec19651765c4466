"""Every registered method can be exported, and its file predicts as the run does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from extraction import extract
from prepared_runs import prepare
from tiny_backbones import MACHINE, tiny_backbones
from toy_runs import QUICK

from tcon.adapt.config.runs import make_runs
from tcon.adapt.grid import run_all
from tcon.adapt.inference import Prediction, load_run, predict
from tcon.adapt.inference.features import plan_features
from tcon.adapt.methods import names
from tcon.cache.recipe import Sampling
from tcon.evaluate.export.model import export_model
from tcon.extract.lists.videos import read_videos
from tcon.extract.snippets.reading import Chunk, read_snippets

SEGMENTS = 3  # the fewest from which relations have several scales


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, clips: Path) -> Iterator[dict[str, Path]]:
    """A finished run of each method, on clips adapted to themselves."""
    folder = tmp_path_factory.mktemp("every")
    config = replace(
        MACHINE,
        backbone="tiny",
        weights="random",
        precision="fp32",
        sampling=Sampling("uniform", 9),
    )
    with tiny_backbones():
        assert not extract(read_videos(clips), folder / "clips.h5", config)
        small = [f"{name}.features=8" for name in names()]
        small += [f"{name}.disc.hidden=8" for name in names() if name.startswith("tcon")]
        grid = make_runs(names(), [*QUICK, *small], segments=SEGMENTS)
        features = folder / "clips.h5"
        prepared = prepare(features, features, grid, folder / "runs", oracle=True)
        assert run_all(prepared) == 0
        yield {run.method: run_folder.path for run, run_folder in prepared.runs}


@pytest.mark.slow
@pytest.mark.parametrize("method", names())
def test_the_exported_model_predicts_as_the_run(
    runs: dict[str, Path], clips: Path, tmp_path: Path, method: str
) -> None:
    folder = clips / "run"
    results = predict(runs[method], folder, machine=MACHINE)
    plan = plan_features(load_run(runs[method]), MACHINE)
    snippets, predictions = [], []
    for result in results:
        assert isinstance(result, Prediction)
        if result.video.frames < SEGMENTS * load_run(runs[method]).method.snippets:
            continue  # it repeats snippets, which `read_snippets` does not
        read = read_snippets(result.video.path, result.video.id, plan.reading)
        chunks = [chunk.snippets for chunk in read if isinstance(chunk, Chunk)]
        snippets.append(torch.cat(chunks)[:, 0])  # [K m, 3, S, S]
        predictions.append(result)
    exported = export_model(runs[method], tmp_path / "model.pt2")
    program = torch.export.load(exported.path).module()
    logits, *attention = program(torch.stack(snippets).float())
    # Predictions round features to float16, as feature files do.
    expected = np.stack([prediction.logits for prediction in predictions])  # [B, C]
    np.testing.assert_allclose(logits.detach().numpy(), expected, rtol=5e-3, atol=5e-3)
    weights = [p.weights for p in predictions if p.weights is not None]
    assert len(attention) == bool(weights)
    for found in attention:
        np.testing.assert_allclose(found.detach().numpy(), np.stack(weights), atol=5e-3)
