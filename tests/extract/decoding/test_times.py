"""When frames are shown: by their time stamps, which ffmpeg's own program counts alike."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from reference_decoder import ffmpeg, reference_times
from video_files import FRAMES, SOUND, write_videos

from tcon.extract.decoding import open_video

Write = Callable[..., Path]


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory, write_video: Write) -> Path:
    return write_videos(tmp_path_factory.mktemp("videos"), write_video)


def _times(path: Path, decoder: str = "pyav") -> np.ndarray:
    with open_video(str(path), decoder) as video:
        assert video.count() == len(video.times)
        assert video.duration > video.times[-1]
        return np.array(video.times)


@pytest.mark.parametrize("name", SOUND)
def test_frames_are_shown_when_ffmpeg_shows_them(videos: Path, name: str) -> None:
    np.testing.assert_allclose(_times(videos / name), reference_times(videos / name), atol=2e-3)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("ntsc.mp4", ("-vf", "setpts=N*1001/30000/TB", "-r", "30000/1001")),
        ("theora.ogv", ("-c:v", "libtheora")),
        ("late.mkv", ("-c", "copy", "-output_ts_offset", "7.5")),
        ("late.ts", ("-c", "copy", "-output_ts_offset", "3600")),
        ("moving.gif", ()),
        ("wmv.asf", ("-c:v", "wmv2")),
    ],
)
def test_other_rates_starts_and_containers(
    videos: Path, tmp_path: Path, name: str, options: tuple[str, ...]
) -> None:
    ffmpeg("-i", videos / "h264.mp4", *options, tmp_path / name)
    found = _times(tmp_path / name)
    assert found[0] == pytest.approx(0, abs=1e-6)
    np.testing.assert_allclose(found, reference_times(tmp_path / name), atol=2e-3)
    with open_video(str(tmp_path / name)) as video:
        assert video.fps == pytest.approx(30000 / 1001 if name == "ntsc.mp4" else 25)


def test_frames_before_the_first_that_decodes_have_passed(videos: Path) -> None:
    assert _times(videos / "keyless.mp4")[0] > 0.2


def test_frames_without_time_stamps_follow_at_the_rate(videos: Path, tmp_path: Path) -> None:
    ffmpeg("-i", videos / "h264.mp4", "-c", "copy", tmp_path / "raw.h264")
    np.testing.assert_allclose(_times(tmp_path / "raw.h264"), np.arange(FRAMES) / 25)


@pytest.mark.parametrize("name", ["uneven.mp4", "vp8.webm", "mpeg2.mpg"])
def test_decord_tells_the_same_times(videos: Path, name: str) -> None:
    """Where it lacks some, as of MPEG-PS with B-frames, it follows the rate."""
    np.testing.assert_allclose(
        _times(videos / name, "decord"), reference_times(videos / name), atol=2e-3
    )
