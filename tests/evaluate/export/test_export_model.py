"""An exported model needs no tcon and says what the run says."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from extraction import Extraction
from tiny_backbones import MACHINE, tiny_backbones, train_on_videos
from torch import Tensor, nn

from tcon.adapt.inference.ensemble import load_ensemble
from tcon.adapt.inference.features import plan_features
from tcon.adapt.inference.loaded_run import load_run
from tcon.adapt.inference.prediction import Prediction
from tcon.adapt.inference.stream import Result, predict_videos
from tcon.adapt.inference.videos import read_items
from tcon.cache import InputError
from tcon.cache.recipe import FlowRecipe, Sampling
from tcon.cli import main
from tcon.evaluate.export import model
from tcon.evaluate.export.description import METADATA, describe
from tcon.evaluate.export.formats import Program
from tcon.evaluate.export.model import export_model
from tcon.extract.backbones import registry, temporary_backbones
from tcon.extract.snippets.reading import Chunk, read_snippets

RGB = replace(
    MACHINE, backbone="tiny", weights="random", precision="fp32", sampling=Sampling("uniform", 8)
)
CLIPS = replace(RGB, backbone="tiny3d")
Outputs = list[np.ndarray]


@pytest.fixture(scope="module", autouse=True)
def _backbones() -> Iterator[None]:
    with tiny_backbones():
        yield


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, clips: Path) -> Path:
    """A run of `tcon`; do not change it."""
    return train_on_videos(clips, tmp_path_factory.mktemp("run"), "tcon", RGB, segments=2)


def _predicted(run: Path, videos: list[Path]) -> tuple[list[Prediction], Tensor]:
    """Predictions, and what an engineer feeds the exported model: [B, K m, ...]."""
    deployed, results, snippets = load_ensemble(run), list[Result](), []
    plan = plan_features(deployed.first, MACHINE)
    predict_videos(deployed, read_items(videos), plan, on_result=results.append)
    for video in videos:
        chunks = [c for c in read_snippets(str(video), "", plan.reading) if isinstance(c, Chunk)]
        snippets.append(torch.cat([chunk.snippets for chunk in chunks])[:, 0])
    return results, torch.stack(snippets).float()


def _program(path: Path, snippets: Tensor) -> tuple[Outputs, dict]:
    extra = {METADATA: ""}
    module = torch.export.load(path, extra_files=extra).module()
    return [output.detach().numpy() for output in module(snippets)], json.loads(extra[METADATA])


def _onnx(path: Path, snippets: Tensor) -> tuple[Outputs, dict]:
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(path)
    metadata = session.get_modelmeta().custom_metadata_map[METADATA]
    return session.run(None, {"snippets": snippets.numpy()}), json.loads(metadata)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "config", "suffix"),
    [
        ("tcon", RGB, "pt2"),
        ("tcon", RGB, "onnx"),
        ("tcon-trn", CLIPS, "onnx"),
        ("source_only", RGB, "pt2"),  # uniform attention
        ("trn", RGB, "onnx"),  # no attention
    ],
)
def test_the_file_predicts_as_the_run(
    tmp_path: Path, clips: Path, method: str, config: Extraction, suffix: str
) -> None:
    read = {"pt2": _program, "onnx": _onnx}[suffix]
    if suffix == "onnx":
        pytest.importorskip("onnxscript")
    run = train_on_videos(clips, tmp_path, method, config, segments=2)
    exported = export_model(run, tmp_path / f"model.{suffix}")
    assert exported.difference < 1e-4 and exported.size == exported.path.stat().st_size
    videos = [clips / "run" / name for name in ("3.avi", "5.avi")]
    results, snippets = _predicted(run, videos)
    outputs, metadata = read(exported.path, snippets)
    assert metadata == json.loads(exported.description.to_json())
    assert metadata["classes"] == ["jump", "run"]
    assert metadata["input"]["shape"] == ["batch", *snippets.shape[1:]]
    assert metadata["outputs"] == [
        {"name": name, "shape": ["batch", *output.shape[1:]]}
        for name, output in zip(("logits", "attention"), outputs, strict=False)
    ]
    assert exported.described.name == f"model.{suffix}.tcon.json"
    assert json.loads(exported.described.read_text()) == metadata
    spec = registry.get_spec(config.backbone)
    assert metadata["resize"]["short_side"] == spec.preprocessing.resize
    assert metadata["snippets"] == {
        "rule": "uniform",
        "value": 8,
        "length": spec.snippet_length,
        "rate": None,
        "segments": 2,
        "per_segment": load_run(run).method.snippets,
    }
    assert metadata["attention"] == results[0].attention_kind
    # `tcon predict` rounds features to float16 as feature files do.
    expected = [np.stack([r.logits for r in results])]
    if results[0].weights is not None:
        expected.append(np.stack([r.weights for r in results]))
    for mine, theirs in zip(outputs, expected, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=5e-3, atol=5e-3)
    for one, both in zip(read(tmp_path / f"model.{suffix}", snippets[:1])[0], outputs, strict=True):
        np.testing.assert_allclose(one[0], both[0], rtol=1e-4, atol=1e-5)  # any number of videos


@pytest.mark.slow
def test_training_parts_are_left_out(run: Path, tmp_path: Path) -> None:
    export_model(run, tmp_path / "model.pt2")
    names = torch.export.load(tmp_path / "model.pt2").state_dict
    assert any(name.startswith("method.attention") for name in names)
    assert not any("discriminators" in name for name in names)


def test_a_wrong_file_is_never_left(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("model.pt2", "model.pt2.tcon.json"):
        (tmp_path / name).write_bytes(b"the one before")
    right = Program.run

    def wrong(self: object, path: Path, snippets: Tensor) -> Outputs:
        return [output + 0.1 for output in right(self, path, snippets)]

    monkeypatch.setattr(Program, "run", wrong)
    with pytest.raises(InputError, match=r"the exported model is wrong: .* up to 0\.1"):
        export_model(run, tmp_path / "model.pt2")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"the one before"] * 2


class _Undecided(nn.Sequential):
    """Goes another way for dark images: nothing that a tracer can follow."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x if x.mean() > 0 else -x)


class _Exotic(nn.Sequential):
    """Ends in a function that ONNX does not have."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.special.bessel_j0(super().forward(x))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "suffix", "message"),
    [
        (_Undecided, "pt2", "tcon on this backbone cannot be exported"),
        (_Exotic, "onnx", "ONNX cannot express it .*bessel_j0.*: write a .pt2"),
    ],
)
def test_what_cannot_be_exported(
    run: Path,
    tmp_path: Path,
    kind: type[nn.Sequential],
    suffix: str,
    message: str,
) -> None:
    if suffix == "onnx":
        pytest.importorskip("onnxscript")
    spec = registry.get_spec("tiny")
    changed = replace(spec, build=lambda: kind(*spec.build()))
    with temporary_backbones(), pytest.raises(InputError, match=message):
        registry.add(changed)
        export_model(run, tmp_path / f"model.{suffix}")
    assert not list(tmp_path.iterdir())


def test_suffix_and_packages(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = CliRunner().invoke(main, ["export", str(run), "-o", str(tmp_path / "model.pt")])
    assert done.exit_code == 2 and "name it FILE.pt2" in done.output
    done = CliRunner().invoke(main, ["export", str(run), "-o", str(tmp_path / "no" / "model.pt2")])
    assert done.exit_code == 2 and "no such folder" in done.output
    monkeypatch.setitem(sys.modules, "onnx", None)
    done = CliRunner().invoke(main, ["export", str(run), "-o", str(tmp_path / "model.onnx")])
    assert done.exit_code == 2 and "pip install 'tcon[export]'" in done.output


def test_the_model_and_its_description_come_together(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A description that cannot be written leaves no model either."""
    monkeypatch.setattr(Program, "encode", lambda *_: b"new")
    monkeypatch.setattr(model, "_trace", lambda *_: None)
    monkeypatch.setattr(model, "_difference", lambda *_: 0.0)
    blocked = tmp_path / "model.pt2.tcon.json"
    blocked.mkdir()
    with pytest.raises(InputError, match=r"cannot write .*model\.pt2"):
        export_model(run, tmp_path / "model.pt2")
    assert list(tmp_path.iterdir()) == [blocked]
    blocked.rmdir()
    exported = export_model(run, tmp_path / "model.pt2")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.pt2", blocked.name]
    assert json.loads(blocked.read_text())["classes"] == list(exported.description.classes)


def test_the_description_of_flow(run: Path) -> None:
    recipe = FlowRecipe(bound=15.0, quantised=False)
    plan = replace(RGB, modalities=("flow",), flow=recipe, positions=4).plan
    loaded = load_run(run)
    record = replace(loaded.record, run=replace(loaded.config, modality="flow"))
    made = plan.recipes()["flow"]
    told = json.loads(describe(replace(loaded, record=record, recipe=made), plan).to_json())
    assert told["input"]["shape"][2] == 10 and told["input"]["channels"] == ["x", "y"]
    assert (told["flow"]["bound"], told["flow"]["quantised"]) == (15.0, False)
    assert told["flow"]["parameters"]["tau"] == 0.25 and told["flow"]["height"] == 256
    assert told["snippets"]["length"] == 5
