"""The rate of clips from the option to the feature file, and back from there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tiny_backbones import tiny_backbones

from tcon.cache import FeatureFile, InputError
from tcon.extract import Machine, extract
from tcon.extract.backbones import get_spec, registry
from tcon.extract.features.like import options_like
from tcon.extract.features.options import make_options
from tcon.extract.features.sink import Progress

CPU = Machine(device="cpu", workers=0, min_frames=1)
TINY: dict[str, Any] = {
    "backbone": "tiny3d",
    "weights": "random",
    "precision": "fp32",
    "snippets": 2,
    "machine": CPU,
}


@pytest.fixture(autouse=True, scope="module")
def _backbones() -> Iterator[None]:
    with tiny_backbones():
        registry.add(replace(get_spec("tiny3d"), clip_rate=12.5, plugin=None))
        yield


def _centres(file: FeatureFile) -> list[int]:
    return file.frames("rgb").tolist()


def test_clips_are_at_the_trained_rate_unless_another_is_asked_for(
    write_video: Callable[..., Path], tmp_path: Path
) -> None:
    video = write_video(tmp_path / "x.mp4", 60)  # at 25 fps
    trained = extract(video, tmp_path / "trained.h5", **TINY)
    half = extract(video, tmp_path / "half.h5", clip_rate=6.25, **TINY)
    rows = extract(video, tmp_path / "rows.h5", clip_rate="consecutive", **TINY)
    rates = [file.recipes["rgb"].clip_rate for file in (trained, half, rows)]
    assert rates == [12.5, 6.25, None]
    for file, step in ((trained, 2), (half, 4), (rows, 1)):
        places = 60 // step - 4 + 1
        assert _centres(file) == [step * ((2 * j + 1) * places // 4 + 2) for j in (0, 1)]
        again = extract(video, tmp_path / "again.h5", like=file, weights="random", machine=CPU)
        np.testing.assert_array_equal(again.packed().features, file.packed().features)
        assert options_like(file, weights="random").clip_rate == (
            25 / step if step > 1 else "consecutive"
        )
        (tmp_path / "again.h5").unlink()
    with pytest.raises(InputError, match=r"clip_rate: 12\.5 in place of none"):
        extract(video, tmp_path / "trained.h5", clip_rate="consecutive", **TINY)


def test_videos_without_time_stamps_are_counted(clips: Path, tmp_path: Path) -> None:
    folder = tmp_path / "still"
    folder.mkdir()
    for number in range(8):
        Image.new("RGB", (64, 48)).save(folder / f"{number}.png")
    seen: list[Progress] = []
    videos = [folder, clips / "run" / "5.avi"]
    file = extract(videos, tmp_path / "x.h5", unlabelled=True, on_event=seen.append, **TINY)
    assert seen[-1].untimed == 1
    assert [3, 5] in (_centres(file)[:2], _centres(file)[-2:])  # of frames 1 to 4 and 3 to 6
    rows = {**TINY, "clip_rate": "consecutive"}
    extract(videos, tmp_path / "y.h5", unlabelled=True, on_event=seen.append, **rows)
    assert seen[-1].untimed == 0


def test_rates_that_make_no_sense(clips: Path, tmp_path: Path) -> None:
    for rate in ("0", "-1", "nan", "1e9", "fast", ""):
        with pytest.raises(InputError, match="write frames per second as 15, trained or conse"):
            make_options(clip_rate=rate)
    assert make_options(clip_rate="7.5").clip_rate == 7.5
    assert make_options().clip_rate == make_options(clip_rate="trained").clip_rate == "trained"
    with pytest.raises(InputError, match="--clip-rate 15: tiny takes single frames: leave it out"):
        extract(clips, tmp_path / "x.h5", clip_rate=15, **{**TINY, "backbone": "tiny"})
