"""A part of a video has the frames that a pass from the video's start shows in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from reference_decoder import ffmpeg
from video_files import WRITTEN, write_videos

from tcon.extract.decoding import open_video, read_frames_at

Write = Callable[..., Path]
X264 = ("-c:v", "libx264", "-x264-params")
# By what its key frames are like.
ENCODED: dict[str, tuple[str, ...]] = {
    "open.mp4": (*X264, "open-gop=1:keyint=12:bframes=3:scenecut=0"),
    "open.mkv": (*X264, "open-gop=1:keyint=12:bframes=3:scenecut=0"),
    "refreshed.mp4": (*X264, "intra-refresh=1:keyint=12:bframes=0"),
    "refreshed.mkv": (*X264, "intra-refresh=1:keyint=12:bframes=0"),
    "plain.avi": ("-c:v", "mpeg4", "-g", "12"),
    "b_frames.avi": ("-c:v", "mpeg4", "-g", "12", "-bf", "2"),
    "h264.avi": (*X264, "keyint=12:bframes=2"),  # its time stamps go back
    "late.mkv": ("-c:v", "libx264", "-g", "12", "-bf", "2", "-output_ts_offset", "7.5"),
    "uneven.mp4": ("-vf", "setpts=(N*N/8+2*N+3)/25/TB", "-fps_mode", "vfr", "-g", "12"),
    "copied.mp4": ("-ss", "0.6", "-c", "copy"),  # an edit list hides what was cut off
}


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory, write_video: Write) -> Path:
    folder = tmp_path_factory.mktemp("videos")
    write_videos(folder, write_video)
    for name, options in ENCODED.items():
        ffmpeg("-i", folder / "sections.mp4", *options, folder / name)
    return folder


@pytest.mark.parametrize("name", [*WRITTEN, *ENCODED])
def test_a_part_has_the_frames_of_a_forward_pass(
    videos: Path, name: str, decode_forward: Callable[[Path], np.ndarray]
) -> None:
    path = videos / name
    images = decode_forward(path)
    with open_video(str(path)) as whole:  # test_times.py has ffmpeg's own
        whole.count()
    latest = np.maximum.accumulate(np.round(whole.times, 5))
    for start in np.linspace(0, latest[-1], 7).round(2).tolist():
        inside = (latest >= start) & (latest < start + 0.5)
        with open_video(f"{path}#t={start},{start + 0.5:.2f}") as part:
            np.testing.assert_array_equal(list(part.frames(np.arange(100))), images[inside])
            np.testing.assert_allclose(part.times, np.array(whole.times)[inside])
            assert part.damage == ""


@pytest.mark.parametrize(
    ("name", "sought"),
    [
        ("sections.mp4", True),
        ("open.mkv", True),
        ("plain.avi", True),
        ("h264.avi", False),
        ("h264.ts", False),
    ],
)
def test_decoding_begins_at_a_key_frame_that_can_be_trusted(
    videos: Path, name: str, sought: bool
) -> None:
    decoded: list[None] = []
    with open_video(f"{videos / name}#t=2.0,2.2", on_progress=lambda: decoded.append(None)) as part:
        assert part.count() == 5
    assert (len(decoded) < 40) == sought


@pytest.mark.parametrize("name", ["sections.mp4", "h264.ts"])
def test_frames_at_some_places(
    videos: Path, name: str, decode_forward: Callable[[Path], np.ndarray]
) -> None:
    path, images = str(videos / name), decode_forward(videos / name)
    found = read_frames_at(path, np.array([0.0, 0.5, 2.0, 2.39]), "seconds")
    np.testing.assert_array_equal(found, images[[0, 13, 50, 59]])  # the last one from then on
    found = read_frames_at(path, np.array([3.0, 40.0]), "frames")
    np.testing.assert_array_equal(found, images[[3, 40]])
