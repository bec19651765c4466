"""Frames asked for by index are those frames, whatever the file; else a readable error."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from tcon.extract.decode import DecodeError, read_clip
from tcon.extract.sampling import Sampling

TOTAL = 100  # three blocks of 32 frames, and some

Choose = Callable[[int], np.ndarray]
Write = Callable[..., Path]
Decode = Callable[[Path], np.ndarray]
ReadNumber = Callable[[np.ndarray], int]


@pytest.fixture(scope="module")
def h264(tmp_path_factory: pytest.TempPathFactory, write_video: Write) -> Path:
    return write_video(tmp_path_factory.mktemp("h264") / "x.mp4", TOTAL, b_frames=2)


@pytest.fixture(scope="module")
def xvid(tmp_path_factory: pytest.TempPathFactory, write_video: Write) -> Path:
    """MPEG-4 in AVI with B-frames and hardly a key frame, as most clips of UCF101 are."""
    return write_video(
        tmp_path_factory.mktemp("xvid") / "x.avi", TOTAL, codec="mpeg4", b_frames=2, gop=1000
    )


@pytest.fixture(params=["h264", "xvid"])
def path(request: pytest.FixtureRequest) -> Path:
    return request.getfixturevalue(request.param)


def _frame_types(path: Path) -> str:
    import av

    with av.open(str(path)) as container:
        return "".join("?IPB"[int(f.pict_type)] for f in container.decode(video=0))


def test_the_videos_are_what_the_tests_need(
    path: Path, decode_forward: Decode, read_number: ReadNumber
) -> None:
    types = _frame_types(path)
    assert types.count("I") <= 2
    assert types.count("B") > 20
    assert [read_number(f) for f in decode_forward(path)] == list(range(TOTAL))


@pytest.mark.parametrize(
    "choose",
    [
        np.arange,
        lambda total: np.array([0]),
        lambda total: np.array([total - 1]),
        lambda total: np.array([31, 32, 63, 64]),  # either side of the blocks' borders
        lambda total: np.array([2, 3, 70, 99]),  # one block has none
        lambda total: np.arange(1, total, 7),
        Sampling("uniform", 8).frames,
        Sampling("uniform", 32).frames,
        Sampling("stride", 9).frames,
    ],
    ids=["all", "first", "last", "borders", "gap", "every7", "uniform8", "uniform32", "stride9"],
)
def test_frames_equal_a_forward_decode(
    path: Path, choose: Choose, decode_forward: Decode, read_number: ReadNumber
) -> None:
    clip = read_clip(path, choose)
    expected = decode_forward(path)[choose(TOTAL)]
    assert clip.total == TOTAL
    assert clip.fps == pytest.approx(25)
    assert clip.indices.tolist() == choose(TOTAL).tolist()
    assert clip.images.dtype == torch.uint8
    assert [read_number(image) for image in clip.images.numpy()] == choose(TOTAL).tolist()
    # Two builds of ffmpeg may round the conversion to RGB differently.
    np.testing.assert_allclose(clip.images.numpy().astype(int), expected.astype(int), atol=3)


def test_the_decoder_is_wrong_where_we_are_right(xvid: Path, read_number: ReadNumber) -> None:
    """Why every frame is decoded in order; if this fails, sparse reading may have been mended."""
    import decord

    sparse = decord.VideoReader(str(xvid), num_threads=1).get_batch([70, 99]).asnumpy()
    assert [read_number(image) for image in sparse] != [70, 99]
    ours = read_clip(xvid, lambda total: np.array([70, 99]))
    assert [read_number(image) for image in ours.images.numpy()] == [70, 99]


@pytest.mark.parametrize("frames", [1, 2, 31, 32, 33, 64])
def test_short_videos(
    tmp_path: Path, write_video: Write, read_number: ReadNumber, frames: int
) -> None:
    clip = read_clip(write_video(tmp_path / "x.mp4", frames, b_frames=2), np.arange)
    assert clip.total == frames
    assert [read_number(image) for image in clip.images.numpy()] == list(range(frames))


def test_a_transport_stream_is_read_rightly_or_refused(
    tmp_path: Path, write_video: Write, read_number: ReadNumber
) -> None:
    """Its frames start before the first key frame that the decoder finds by seeking."""
    path = write_video(tmp_path / "x.ts", 60, b_frames=2, gop=12)
    try:
        clip = read_clip(path, np.arange)
    except DecodeError:
        return
    assert [read_number(image) for image in clip.images.numpy()] == list(range(60))


def test_colours_are_rgb(tmp_path: Path, write_video: Write) -> None:
    path = write_video(tmp_path / "x.mp4", 256, tint=(1, 0.1, 0.1))
    image = read_clip(path, lambda total: np.array([255])).images[0].float()
    red, green, blue = image[8:-8, 8:-8].mean((0, 1))
    assert red > 180
    assert max(green, blue) < 80


def test_the_transform_sees_each_wanted_frame_once(h264: Path, read_number: ReadNumber) -> None:
    seen: list[int] = []

    def transform(images: np.ndarray) -> torch.Tensor:
        assert len(images) <= 32
        seen.extend(read_number(image) for image in images)
        return torch.tensor([[read_number(image)] for image in images])

    clip = read_clip(h264, Sampling("uniform", 40).frames, transform)
    assert seen == clip.indices.tolist()
    assert clip.images[:, 0].tolist() == seen


def _text(path: Path) -> None:
    path.write_text("no video\n" * 100)


def _empty(path: Path) -> None:
    path.touch()


def _sound(path: Path) -> None:
    import av

    with av.open(str(path), "w") as output:
        stream = output.add_stream("aac", rate=44100)
        silence = np.zeros((1, 1024), np.float32)
        frame = av.AudioFrame.from_ndarray(silence, format="fltp", layout="mono")
        frame.sample_rate = 44100
        output.mux(stream.encode(frame))
        output.mux(stream.encode())


def _nothing(path: Path) -> None:
    pass


def _readable(reason: str) -> bool:
    """One line for people: no stack trace, no source file of the decoder, no time."""
    return (
        0 < len(reason) < 200
        and not any(word in reason for word in ("\n", "Stack trace", ".cc:", "Traceback", "] "))
        and reason == reason.strip()
    )


@pytest.mark.parametrize("make", [_text, _empty, Path.mkdir, _nothing, _sound])
def test_what_is_no_video_gives_a_readable_reason(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    make(tmp_path / "x.mp4")
    with pytest.raises(DecodeError) as caught:
        read_clip(tmp_path / "x.mp4", np.arange)
    assert _readable(str(caught.value)), caught.value


@pytest.mark.parametrize("keep", [0.3, 0.6])
@pytest.mark.parametrize("container", [{}, {"movflags": "faststart"}], ids=["plain", "faststart"])
def test_a_truncated_video_gives_frames_or_a_readable_reason(
    tmp_path: Path, write_video: Write, keep: float, container: dict[str, str]
) -> None:
    path = write_video(tmp_path / "x.mp4", TOTAL, b_frames=2, container=container)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * keep)])
    try:
        clip = read_clip(path, np.arange)
    except DecodeError as error:
        assert _readable(str(error)), error
    else:
        assert len(clip.images) == len(clip.indices) == clip.total > 0


def test_no_frame_wanted_is_an_error(h264: Path) -> None:
    with pytest.raises(DecodeError, match="no frame"):
        read_clip(h264, lambda total: np.empty(0, np.int64))
