"""Both decoders on sound videos of every kind: frame i is the i-th that ffmpeg itself decodes."""

from __future__ import annotations

import functools
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import av
import decord
import numpy as np
import pytest
from reference_decoder import reference_frames
from video_files import FRAMES, SOUND, write_videos

from tcon.cache.recipe import Sampling
from tcon.extract.decoding import DecodeError, open_video, read_frames
from tcon.extract.snippets.sampling import snippet_frames

Write = Callable[..., Path]
ReadNumber = Callable[[np.ndarray], int]

REFUSED_BY_DECORD = ("h264.ts", "h264.m2ts")
# It leaves what an edit list hides, and knows no mirrors, nor Matroska's rotations.
WRONG_BY_DECORD = (
    *("cut.mp4", "window.mp4", "mirrored.mp4", "upside_down.mp4", "turned_mirrored.mp4"),
    *("turned90.mkv",),
)
RIGHT = [
    *(("pyav", name) for name in SOUND),
    *(("decord", name) for name in SOUND if name not in REFUSED_BY_DECORD + WRONG_BY_DECORD),
]
NUMBERS = {"cut.mp4": range(25, FRAMES), "window.mp4": range(25, 40)}

_reference = functools.cache(reference_frames)


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory, write_video: Write) -> Path:
    return write_videos(tmp_path_factory.mktemp("videos"), write_video)


def _decode(path: Path, decoder: str, wanted: np.ndarray | None = None) -> list[np.ndarray]:
    with open_video(str(path), decoder) as video:
        return list(video.frames(np.arange(10 * FRAMES) if wanted is None else wanted))


def _assert_alike(found: list[np.ndarray], expected: list[np.ndarray]) -> None:
    assert len(found) == len(expected)
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.dtype == np.uint8
        assert ours.shape == theirs.shape
        # Two builds of ffmpeg may round the conversion to RGB differently.
        np.testing.assert_allclose(ours.astype(int), theirs.astype(int), atol=3)


# --- every frame


@pytest.mark.parametrize("name", ["h264.mp4", "xvid.avi"])
def test_the_videos_are_what_the_tests_need(videos: Path, name: str) -> None:
    with av.open(str(videos / name)) as container:
        types = "".join("?IPB"[int(f.pict_type)] for f in container.decode(video=0))
    assert types.count("I") == 1
    assert types.count("B") >= FRAMES // 4


@pytest.mark.parametrize("name", SOUND)
def test_the_reference_shows_the_frames_that_were_written(
    videos: Path, name: str, read_number: ReadNumber
) -> None:
    frames = _reference(videos / name)
    if name.startswith(("turned", "mirrored", "upside")):
        assert len({frame.tobytes() for frame in frames}) == FRAMES
    else:
        assert [read_number(f) for f in frames] == list(NUMBERS.get(name, range(FRAMES)))


@pytest.mark.parametrize(("decoder", "name"), RIGHT)
def test_every_frame_is_ffmpegs(videos: Path, decoder: str, name: str) -> None:
    expected = _reference(videos / name)
    with open_video(str(videos / name), decoder) as video:
        assert video.decoder == decoder
        assert video.expected == len(expected)  # so one pass is enough
        _assert_alike(list(video.frames(np.arange(10 * FRAMES))), expected)
        assert video.total == len(expected)
        assert video.damage == ""
        if not name.startswith("uneven"):
            assert video.fps == pytest.approx(25)


@pytest.mark.parametrize("name", REFUSED_BY_DECORD)
def test_decord_is_not_given_transport_streams(videos: Path, name: str) -> None:
    with pytest.raises(DecodeError, match="transport streams wrongly: use --decoder pyav"):
        open_video(str(videos / name), "decord")


@pytest.mark.parametrize("name", REFUSED_BY_DECORD + WRONG_BY_DECORD)
def test_decord_is_wrong_on_some_videos(
    videos: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Why it is not the default; where this fails, decord may have been mended."""
    monkeypatch.setattr("tcon.extract.decoding.decord._is_transport_stream", lambda head: False)
    expected = _reference(videos / name)
    found = _decode(videos / name, "decord")
    assert len(found) != len(expected) or any(
        a.shape != b.shape or np.abs(a.astype(int) - b).max() > 100
        for a, b in zip(found, expected, strict=True)
    )


def test_the_default_is_pyav(videos: Path) -> None:
    with open_video(str(videos / "h264.mp4")) as video:
        assert video.decoder == "pyav"


@pytest.mark.parametrize("decoder", ["pyav", "decord"])
@pytest.mark.parametrize("name", ["12:30.mp4", "data:x.mp4", "50%d [1].mp4", "übung.mp4"])
def test_strange_names(
    videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, decoder: str
) -> None:
    shutil.copy(videos / "h264.mp4", tmp_path / name)
    monkeypatch.chdir(tmp_path)
    assert len(_decode(Path(name), decoder)) == FRAMES


@pytest.mark.parametrize("decoder", ["pyav", "decord"])
@pytest.mark.parametrize("frames", [1, 2, 31, 32, 33, 64])
def test_short_videos(
    tmp_path: Path, write_video: Write, read_number: ReadNumber, frames: int, decoder: str
) -> None:
    path = write_video(tmp_path / "x.mp4", frames, b_frames=2)
    assert [read_number(image) for image in _decode(path, decoder)] == list(range(frames))


@pytest.mark.parametrize("decoder", ["pyav", "decord"])
def test_colours_are_rgb(tmp_path: Path, write_video: Write, decoder: str) -> None:
    path = write_video(tmp_path / "x.mp4", 1, first=255, tint=(1, 0.1, 0.1))
    red, green, blue = _decode(path, decoder)[0][8:-8, 8:-8].mean((0, 1))
    assert red > 180
    assert max(green, blue) < 80


# --- some frames


@pytest.mark.parametrize("decoder", ["pyav", "decord"])
@pytest.mark.parametrize("name", ["h264.mp4", "xvid.avi", "cut.mp4", "turned90.mp4"])
@pytest.mark.parametrize(
    "wanted",
    [
        [],
        [0],
        [34],
        [31, 32],  # either side of a border between blocks
        [2, 3],  # the second block has none
        [5, 40, 41, 100],  # one is not there
        snippet_frames(Sampling("uniform", 8), 35)[:, 0],
        snippet_frames(Sampling("stride", 9), 35)[:, 0],
    ],
    ids=["none", "first", "last", "border", "gap", "beyond", "uniform8", "stride9"],
)
def test_some_frames_are_those_of_a_full_decode(
    videos: Path, name: str, wanted: list[int] | np.ndarray, decoder: str
) -> None:
    everything = _decode(videos / name, decoder)
    with open_video(str(videos / name), decoder) as video:
        found = list(video.frames(np.array(wanted, np.int64)))
        assert video.total == len(everything)  # it reads on to the end
    expected = [everything[n] for n in wanted if n < len(everything)]
    assert len(found) == len(expected)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_decord_is_wrong_when_asked_for_some_frames(
    tmp_path: Path, write_video: Write, read_number: ReadNumber
) -> None:
    """Why every frame is decoded in order; if this fails, sparse reading may have been mended."""
    path = write_video(tmp_path / "x.avi", 100, codec="mpeg4", b_frames=2, gop=1000)
    reader = decord.VideoReader(str(path), num_threads=1)
    assert [read_number(image) for image in reader.get_batch([70, 99]).asnumpy()] != [70, 99]
    ours = _decode(path, "decord", np.array([70, 99]))
    assert [read_number(image) for image in ours] == [70, 99]


@pytest.mark.parametrize("decoder", ["pyav", "decord"])
def test_progress_is_told_where_no_frame_is_wanted(videos: Path, decoder: str) -> None:
    """Else a long stretch without a wanted frame would look like a hang."""
    totals: list[int] = []
    with open_video(
        str(videos / "h264.mp4"), decoder, on_progress=lambda: totals.append(video.total)
    ) as video:
        assert list(video.frames(np.empty(0, np.int64))) == []
    assert totals[-1] == FRAMES
    assert len(totals) >= 2
    assert totals == sorted(set(totals))


def test_frames_for_figures(videos: Path, read_number: ReadNumber) -> None:
    images = read_frames(str(videos / "h264.mp4"), lambda total: np.array([1, total - 1]))
    assert [read_number(image) for image in images] == [1, FRAMES - 1]


@pytest.mark.parametrize("decoder", ["pyav", "decord"])
@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="counts open files in /proc")
def test_files_are_closed(videos: Path, tmp_path: Path, decoder: str) -> None:
    (tmp_path / "bad.mp4").write_bytes(b"no video\0" * 100)
    _decode(videos / "h264.mkv", decoder)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        _decode(videos / "h264.mkv", decoder)
        with pytest.raises(DecodeError):
            open_video(str(tmp_path / "bad.mp4"), decoder)
        with open_video(str(videos / "h264.mp4"), decoder) as video:
            next(video.frames(np.arange(2)))  # not to the end
    assert len(os.listdir("/proc/self/fd")) <= before
