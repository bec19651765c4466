"""Windows within shots, on clips that are joined at known frames."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from tcon.cache import InputError
from tcon.cache.recipe import Preprocessing, Sampling, Windows
from tcon.extract.decoding import open_video
from tcon.extract.snippets.cutting import FrameCut
from tcon.extract.snippets.passing import Chunk
from tcon.extract.snippets.reading import Decoded, Reading, read_snippets
from tcon.extract.snippets.shots import find_cuts
from tcon.extract.snippets.windows import parse_windows

SHOTS = (40, 31, 20, 59)  # frames
CUTS = [40, 71, 91]
CUT = FrameCut(Sampling("stride", 1), Preprocessing(resize=40, input_size=32))


def _pan(shot: int, frames: int) -> list[np.ndarray]:
    """A camera that moves fast over a scene."""
    coarse = np.random.default_rng(shot).integers(0, 256, (12, 40, 3), np.uint8)
    scene = np.asarray(Image.fromarray(coarse).resize((480, 96), Image.Resampling.BICUBIC))
    return [scene[:, 3 * n : 3 * n + 128] for n in range(frames)]


@pytest.fixture(scope="module")
def images() -> list[np.ndarray]:
    images = [image for shot, frames in enumerate(SHOTS) for image in _pan(shot, frames)]
    images[120] = np.full_like(images[120], 255)  # a flash
    return images


@pytest.fixture(scope="module")
def joined(tmp_path_factory: pytest.TempPathFactory, images: list[np.ndarray]) -> Path:
    path = tmp_path_factory.mktemp("joined") / "joined.mp4"
    with av.open(str(path), "w") as file:
        stream: Any = file.add_stream("libx264", rate=30, options={"bf": "2", "g": "25"})
        stream.height, stream.width, stream.pix_fmt = 96, 128, "yuv420p"
        for image in images:
            file.mux(stream.encode(av.VideoFrame.from_ndarray(image, "rgb24")))
        file.mux(stream.encode())
    return path


def _windows(path: Path, windows: Windows) -> list[Decoded]:
    answers = read_snippets(str(path), "v", Reading({"rgb": CUT}, "auto", 1, windows))
    return [one for one in answers if isinstance(one, Decoded)]


@pytest.mark.parametrize("decoder", ["pyav", "decord"])
def test_joins_are_found_and_motion_is_none(joined: Path, decoder: str) -> None:
    with open_video(str(joined), decoder) as video:
        cuts = find_cuts(video).tolist()
    assert cuts[:3] == CUTS
    assert len(cuts) == 4 and cuts[3] in (120, 121), "the flash is one cut"


@pytest.mark.parametrize("frames", [1, 2, 30])
def test_what_is_too_short_has_no_cut(tmp_path: Path, frames: int) -> None:
    for n, image in enumerate([*_pan(0, frames - 1), *_pan(1, 1)]):
        Image.fromarray(image).save(tmp_path / f"{n:05}.png")
    with open_video(str(tmp_path)) as video:
        assert (len(find_cuts(video)), video.total) == (0, frames)


def test_windows_of_seconds_end_at_cuts(joined: Path) -> None:
    found = _windows(joined, Windows(0.5, 0.5, "seconds", within_shots=True))
    names = [str(one.part) for one in found]
    assert names[:6] == [
        *("#t=0.0,0.5", "#t=0.5,1.0", "#t=1.0,1.333"),
        *("#t=1.333,1.833", "#t=1.833,2.366"),
        "#t=2.366,3.033",
    ]
    assert found[-1].is_last
    assert sum(one.frames for one in found) == sum(SHOTS)
    firsts = np.cumsum([0, *(one.frames for one in found)])
    assert set(CUTS) <= set(firsts.tolist())
    for one, (first, stop) in zip(found, pairwise(firsts.tolist()), strict=True):
        np.testing.assert_allclose(one.times["rgb"], np.arange(first, stop) / 30, atol=1e-4)
        with open_video(f"{joined}{one.part}") as again:  # as figures read it
            assert again.count() == one.frames
            assert again.times[0] == pytest.approx(one.times["rgb"][0])


def test_overlapping_windows_are_called_by_what_they_hold(joined: Path) -> None:
    found = _windows(joined, Windows(0.5, 0.2, "seconds", within_shots=True))
    assert [str(one.part) for one in found][4:7] == ["#t=0.8,1.3", "#t=1.0,1.333", "#t=1.333,1.833"]
    for one in found:
        with open_video(f"{joined}{one.part}") as again:  # as figures read it
            assert again.count() == one.frames


def test_windows_of_frames_end_at_cuts(tmp_path: Path, images: list[np.ndarray]) -> None:
    for n, image in enumerate(images):
        Image.fromarray(image).save(tmp_path / f"{n:05}.png")
    found = _windows(tmp_path, Windows(20, 10, "frames", within_shots=True))
    assert [str(one.part) for one in found][:6] == [
        *("#frames=0-19", "#frames=10-29", "#frames=20-39", "#frames=30-39"),
        *("#frames=40-59", "#frames=50-69"),
    ]
    across = _windows(tmp_path, Windows(20, 10, "frames"))
    assert "#frames=30-49" in [str(one.part) for one in across]


def test_the_snippets_are_those_of_the_window_alone(joined: Path) -> None:
    windows = Windows(0.5, 0.5, "seconds", within_shots=True)
    reading = Reading({"rgb": CUT}, "auto", 1, windows)
    chunks = [one for one in read_snippets(str(joined), "v", reading) if isinstance(one, Chunk)]
    part = "#t=1.833,2.366"
    mine = np.concatenate([one.snippets for one in chunks if str(one.part) == part])
    alone = read_snippets(f"{joined}{part}", "v", reading)
    theirs = np.concatenate([one.snippets for one in alone if isinstance(one, Chunk)])
    np.testing.assert_array_equal(mine, theirs)


def test_what_is_said_of_it() -> None:
    assert str(parse_windows("4s", "2s", within_shots=True)) == "4s every 2s, within shots"
    assert parse_windows("4s") == Windows(4, 4, "seconds", within_shots=False)
    with pytest.raises(InputError, match="--within-shots says how windows are cut"):
        parse_windows(None, within_shots=True)
