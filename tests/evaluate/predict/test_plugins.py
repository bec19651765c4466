"""A run of a plug-in's method on a plug-in's backbone is predicted by whoever has the plug-in."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

PLUGIN = '''
from torch import nn

from tcon.adapt.methods import MethodConfig, register
from tcon.adapt.methods.source_only import SourceOnly, SourceOnlyConfig
from tcon.cache.recipe import Preprocessing
from tcon.extract.backbones import register as register_backbone

SMALL = Preprocessing(input_size=32, resize=36)


@register_backbone(name="mine_net", dim=12, layer="pool", preprocessing=SMALL)
def build():
    return nn.Sequential(
        nn.Conv2d(3, 12, 5, stride=3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )


@register("mine", SourceOnlyConfig(features=8))
class Mine(SourceOnly):
    """Source only by another name."""
'''
TRAIN = """
from tcon.adapt import adapt
from tcon.extract import Machine, extract

machine = Machine(device="cpu", workers=0, min_frames=1)
options = dict(backbone="mine_net", weights="random", snippets=4, plugins=["mine.py"])
clips = extract({clips!r}, "clips.h5", machine=machine, **options)
adapt(
    clips, clips, methods=["mine"], segments=2, plugins=["mine.py"], device="cpu", output="runs",
    settings=["train.epochs=1", "train.min_steps=2", "train.evaluations=1"],
)
"""


def _python(folder: Path, code: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *words], cwd=folder, capture_output=True, text=True
    )


def _predict(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    machine = ["--device", "cpu", "--workers", "0", "--min-frames", "1"]
    code = "from tcon.cli import main; main()"
    return _python(folder, code, "predict", "runs", *words, *machine)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, clips: Path) -> Path:
    """A folder with a plug-in and a run of its method; a test may move the plug-in."""
    folder = tmp_path_factory.mktemp("plugins")
    (folder / "mine.py").write_text(PLUGIN)
    done = _python(folder, TRAIN.format(clips=str(clips)))
    assert done.returncode == 0, done.stderr
    return folder


def test_the_plugin_is_named_by_the_user_alone(folder: Path, clips: Path) -> None:
    video = str(clips / "run" / "5.avi")
    done = _predict(folder, video)  # a run folder may come from anybody
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "mine.py is needed: if you trust it" in done.stderr
    (folder / "elsewhere").mkdir()
    (folder / "mine.py").rename(folder / "elsewhere" / "mine.py")
    done = _predict(folder, video)
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "mine.py is needed and is gone" in done.stderr and "--plugin FILE" in done.stderr
    done = _predict(folder, video, "--plugin", "elsewhere/mine.py")
    assert done.returncode == 0, done.stderr
    assert video in done.stdout
