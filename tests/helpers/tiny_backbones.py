"""Backbones that cost nothing, and runs on features that they made of real videos."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from extraction import Extraction, extract
from prepared_runs import prepare
from torch import nn
from toy_runs import QUICK

from tcon.adapt.config.runs import make_runs
from tcon.adapt.grid import run_all
from tcon.extract.backbones import BackboneSpec, Preprocessing, Weights, temporary_backbones
from tcon.extract.backbones.registry import add
from tcon.extract.lists.videos import read_videos

MACHINE = Extraction(device="cpu", workers=0, min_frames=1)
_SMALL = Preprocessing(input_size=32, resize=36)


def _images() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 16, 5, stride=3), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten()
    )


def _clips() -> nn.Module:
    return nn.Sequential(
        nn.Conv3d(3, 64, 3, stride=3), nn.ReLU(), nn.AdaptiveAvgPool3d(1), nn.Flatten()
    )


def _nowhere() -> Path:
    raise OSError("a test's weights are nowhere")


def _normed() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 8, 5, stride=3),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Conv2d(8, 16, 3),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
    )


@contextmanager
def tiny_backbones() -> Iterator[None]:
    """``tiny`` takes images, or flow, ``tiny3d`` clips of 4 frames; ``tiny_bn`` has batch norm."""
    published = Weights("none", "nowhere", "", "none", _nowhere)
    with temporary_backbones():
        tiny = (("tiny", _images, 1), ("tiny3d", _clips, 4), ("tiny_bn", _normed, 1))
        for name, build, length in tiny:
            spec = BackboneSpec(
                name=name,
                build=build,
                heads=("fc.",),
                layer="pool",
                dim=64,
                weights=published,
                preprocessing=_SMALL,
                snippet_length=length,
                first_conv="0",
            )
            add(spec)
        yield


def table_of(folder: Path) -> Path:
    """The feature file of a folder's videos, beside it, without features."""
    file = folder.with_suffix(".h5")
    assert not extract(read_videos(folder), file, replace(MACHINE, modalities=()))
    return file


def train_on_videos(
    videos: Path,
    output: Path,
    method: str,
    config: Extraction,
    *settings: str,
    segments: int = 4,
) -> Path:
    """Extract the features of a folder, adapt it to itself and give the run's folder."""
    features = output / "clips.h5"
    assert not extract(read_videos(videos), features, config)
    small = [f"{method}.features=8", *settings]
    small += [f"{method}.disc.hidden=8"] if method.startswith("tcon") else []
    [modality] = config.modalities
    runs = make_runs([method], [*QUICK, *small], modality=modality, segments=segments)
    prepared = prepare(features, features, runs, output / "runs")
    assert run_all(prepared) == 0
    return prepared.runs[-1][1].path
