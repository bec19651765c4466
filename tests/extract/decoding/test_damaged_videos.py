"""Damaged videos: what still decodes is what ffmpeg itself decodes, and what is broken is told."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from damage import announce, corrupt, empty_chunks, overwrite
from reference_decoder import reference_frames, reference_md5s
from video_files import FRAMES, write_videos

from tcon.extract.decoding import DecodeError, open_video, read_frames

Write = Callable[..., Path]
ReadNumber = Callable[[np.ndarray], int]

ALL = np.arange(10 * FRAMES)


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory, write_video: Write) -> Path:
    return write_videos(tmp_path_factory.mktemp("videos"), write_video)


def _readable(reason: str) -> bool:
    """One line for people: no stack trace, no source file of the decoder, no time."""
    return (
        0 < len(reason) < 200
        and not any(word in reason for word in ("\n", "Stack trace", ".cc:", "Traceback", "] "))
        and reason == reason.strip()
    )


def _refusal(path: Path, decoder: str) -> str:
    with pytest.raises(DecodeError) as caught, open_video(str(path), decoder) as video:
        list(video.frames(ALL))
    assert _readable(str(caught.value)), caught.value
    return str(caught.value)


# --- no video


def _sound(path: Path) -> None:
    import av

    with av.open(str(path), "w") as output:
        stream = output.add_stream("aac", rate=44100)
        silence = np.zeros((1, 1024), np.float32)
        frame = av.AudioFrame.from_ndarray(silence, format="fltp", layout="mono")
        frame.sample_rate = 44100
        output.mux(stream.encode(frame))
        output.mux(stream.encode())


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda path: path.write_text("no video\n" * 100), "not a video"),
        (lambda path: path.write_bytes(bytes(1000)), "not a video"),
        (Path.touch, "an empty file|not a video"),
        (Path.mkdir, "a folder without numbered images"),
        (lambda path: None, "No such file|not a video"),
        (_sound, "no video stream"),
    ],
    ids=["text", "zeros", "empty", "folder", "nothing", "sound"],
)
@pytest.mark.parametrize("decoder", ["pyav", "decord"])
def test_what_is_no_video_gives_a_readable_reason(
    tmp_path: Path, make: Callable[[Path], None], says: str, decoder: str
) -> None:
    make(tmp_path / "x.mp4")
    reason = _refusal(tmp_path / "x.mp4", decoder)
    assert any(words in reason for words in says.split("|")), reason


@pytest.mark.parametrize("decoder", ["pyav", "decord"])
@pytest.mark.parametrize(
    ("name", "codec"), [("xvid.avi", b"FMP4"), ("h264.mp4", b"avc1")], ids=["avi", "mp4"]
)
def test_an_unknown_codec(
    videos: Path, tmp_path: Path, name: str, codec: bytes, decoder: str
) -> None:
    (tmp_path / name).write_bytes((videos / name).read_bytes().replace(codec, b"QQQQ"))
    assert "video" in _refusal(tmp_path / name, decoder)


PLAYLISTS = {
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nh264.ts\n#EXT-X-ENDLIST\n",
    "concat": "ffconcat version 1.0\nfile h264.mp4\n",
}


@pytest.mark.parametrize("decoder", ["pyav", "decord"])
@pytest.mark.parametrize("suffix", [".mp4", ".m3u8"])
@pytest.mark.parametrize("kind", PLAYLISTS)
def test_a_playlist_is_not_followed(videos: Path, kind: str, suffix: str, decoder: str) -> None:
    """It names other files, or other hosts."""
    path = videos / f"{kind}{suffix}"
    path.write_text(PLAYLISTS[kind])
    _refusal(path, decoder)


@pytest.mark.parametrize("empty", [[30], [1, 2, 3, 40], [0, 59]])
def test_empty_chunks_of_an_avi_are_no_damage(
    videos: Path, tmp_path: Path, write_video: Write, empty: list[int]
) -> None:
    """Chunks without a byte say that the picture before stays."""
    whole = write_video(tmp_path / "whole.avi", FRAMES, codec="mpeg4", gop=1)
    (tmp_path / "x.avi").write_bytes(empty_chunks(whole.read_bytes(), empty))
    with open_video(str(tmp_path / "x.avi")) as video:
        assert video.expected == FRAMES - len(empty)
        assert (video.count(), video.damage) == (FRAMES - len(empty), "")
        assert set(np.round(np.array(video.times) * 25)) == set(range(FRAMES)) - set(empty)


def test_no_frame_for_figures(tmp_path: Path, videos: Path) -> None:
    data = (videos / "start.mp4").read_bytes()
    (tmp_path / "x.mp4").write_bytes(data[: data.index(b"mdat") + 50])
    with pytest.raises(DecodeError, match="no frame can be decoded"):
        read_frames(str(tmp_path / "x.mp4"), np.arange)


# --- containers that announce another number of frames


@pytest.mark.parametrize("announced", [0, 1, 30, 59, 90])
def test_what_decodes_is_counted_not_what_is_announced(
    videos: Path, tmp_path: Path, read_number: ReadNumber, announced: int
) -> None:
    path = tmp_path / "x.avi"
    path.write_bytes(announce((videos / "xvid.avi").read_bytes(), announced))
    with open_video(str(path)) as video:
        assert video.expected == (announced or FRAMES)  # it did believe it
        assert [read_number(frame) for frame in video.frames(ALL)] == list(range(FRAMES))
        assert video.total == FRAMES
        assert video.damage == ("60 of 90 announced frames" if announced == 90 else "")


# --- damage


def _start_overwritten(data: bytes) -> bytes:
    """The first key frame and what follows on it."""
    name = b"movi" if b"movi" in data else b"mdat"
    start = data.index(name) + 4
    return overwrite(data, start, start + len(data) // 10)


def _cut_off(data: bytes) -> bytes:
    return data[: len(data) * 4 // 5]


DAMAGE: dict[str, tuple[str, Callable[[bytes], bytes], str]] = {
    "start.mp4": (
        "start.mp4",
        _start_overwritten,
        r"undecodable packets?, \d+ of 60 announced",
    ),
    "start.avi": (
        "xvid.avi",
        _start_overwritten,
        r"damaged frames?, \d+ of 60 announced frames",
    ),
    "keyless.mp4": ("keyless.mp4", lambda data: data, r"^52 of 59 announced frames$"),
    "cut_off.mp4": ("start.mp4", _cut_off, r"undecodable packets?, \d+ of 60 announced"),
    "cut_off.avi": ("xvid.avi", _cut_off, r"damaged frames?, \d+ of 60 announced frames"),
    "cut_off.mkv": ("h264.mkv", _cut_off, r"^the file breaks off$"),
    "cut_off.webm": ("vp9.webm", _cut_off, r"the file breaks off$"),
}


@pytest.fixture
def damaged(request: pytest.FixtureRequest, videos: Path, tmp_path: Path) -> Path:
    source, damage, _ = DAMAGE[request.param]
    path = tmp_path / request.param
    path.write_bytes(damage((videos / source).read_bytes()))
    return path


@pytest.mark.parametrize("damaged", DAMAGE, indirect=True)
def test_what_still_decodes_is_ffmpegs(damaged: Path) -> None:
    expected = reference_frames(damaged)
    assert 0 < len(expected) < FRAMES
    with open_video(str(damaged)) as video:
        found = list(video.frames(ALL))
        assert video.total == len(found) == len(expected)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours.astype(int), theirs.astype(int), atol=3)


@pytest.mark.parametrize("damaged", DAMAGE, indirect=True)
def test_damage_is_told(damaged: Path) -> None:
    with open_video(str(damaged)) as video:
        list(video.frames(np.empty(0, np.int64)))
        assert re.search(DAMAGE[damaged.name][2], video.damage), video.damage
        assert _readable(video.damage)


@pytest.mark.parametrize("damaged", ["keyless.mp4"], indirect=True)
def test_decord_repeats_frames_without_a_word(damaged: Path) -> None:
    """Why it is not the default; if this fails, decord may have been mended."""
    with open_video(str(damaged), "decord") as video:
        found = list(video.frames(ALL))
        assert video.damage == ""
    assert len(found) == 59
    assert len({frame.tobytes() for frame in found}) == len(reference_frames(damaged)) == 52


@pytest.mark.parametrize("damaged", ["start.mp4", "cut_off.mp4"], indirect=True)
def test_decord_refuses_other_damaged_videos(damaged: Path) -> None:
    assert "damaged or cut off" in _refusal(damaged, "decord")


@pytest.mark.parametrize("decoder", ["pyav", "decord"])
@pytest.mark.parametrize("keep", [0.05, 0.3, 0.6, 0.95])
@pytest.mark.parametrize("name", ["h264.mp4", "start.mp4", "xvid.avi", "h264.mkv", "h264.ts"])
def test_a_truncated_video_gives_frames_or_a_readable_reason(
    videos: Path, tmp_path: Path, name: str, keep: float, decoder: str
) -> None:
    data = (videos / name).read_bytes()
    (tmp_path / name).write_bytes(data[: int(len(data) * keep)])
    try:
        with open_video(str(tmp_path / name), decoder) as video:
            found = list(video.frames(ALL))
    except DecodeError as error:
        assert _readable(str(error)), error
    else:
        assert len(found) == video.total <= FRAMES


@pytest.mark.parametrize("seed", range(48))
def test_damage_at_random(videos: Path, tmp_path: Path, seed: int) -> None:
    """The frames are ffmpeg's to the last bit, also where they are wrong.

    No VP8 and no MPEG-2 here: of those two, ffmpeg itself decodes damaged frames otherwise from
    run to run.
    """
    source = videos / ("start.mp4", "xvid.avi", "h264.ts")[seed // 4 % 3]
    path = tmp_path / source.name
    path.write_bytes(corrupt(source.read_bytes(), seed))
    found: list[str] = []
    try:
        with open_video(str(path)) as video:
            for frame in video.frames(ALL):
                found.append(hashlib.md5(np.ascontiguousarray(frame)).hexdigest())
            assert video.total == len(found)
    except DecodeError as error:
        assert _readable(str(error)), error
    assert found == reference_md5s(path)
