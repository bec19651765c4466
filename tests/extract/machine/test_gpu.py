"""Extraction on GPUs gives the features of the CPU; needs one, some tests two."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from extraction import Extraction, extract

from tcon.cache import FeatureFile
from tcon.cache.recipe import Sampling
from tcon.extract.lists.videos import read_videos

GPUS = torch.cuda.device_count()
pytestmark = pytest.mark.skipif(GPUS == 0, reason="needs a CUDA GPU")
CPU = Extraction(sampling=Sampling("uniform", 4), device="cpu", precision="fp32", min_frames=1)


def _features(path: Path) -> np.ndarray:
    packed = FeatureFile(path).packed()
    return packed.features.astype(np.float64)


@pytest.mark.parametrize(
    ("backbone", "weights"), [("efficientnet_lite0", None), ("r3d_18", "random")]
)
@pytest.mark.parametrize(
    ("device", "precision", "tolerance"),
    [
        ("cuda", "fp32", 0.01),
        ("cuda", "auto", 0.1),
        pytest.param(
            *("cuda:0,cuda:1", "fp32", 0.01),
            marks=pytest.mark.skipif(GPUS < 2, reason="needs two GPUs"),
        ),
    ],
)
def test_gpu_equals_cpu(
    tmp_path: Path,
    clips: Path,
    backbone: str,
    weights: str | None,
    device: str,
    precision: str,
    tolerance: float,
) -> None:
    config = replace(CPU, backbone=backbone, weights=weights)
    items = read_videos(clips)
    extract(items, tmp_path / "cpu.h5", config)
    extract(items, tmp_path / "gpu.h5", replace(config, device=device, precision=precision))
    expected, found = _features(tmp_path / "cpu.h5"), _features(tmp_path / "gpu.h5")
    distance = np.linalg.norm(found - expected, axis=1) / np.linalg.norm(expected, axis=1)
    assert distance.max() < tolerance
