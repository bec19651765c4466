"""From a video to snippets, against frames decoded by ffmpeg and cut by Pillow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from damage import announce
from PIL import Image
from reference_decoder import reference_frames
from torch import Tensor

from tcon.cache.recipe import Preprocessing, Sampling, Views
from tcon.extract.decoding import DecodeError, open_video
from tcon.extract.snippets import cutting
from tcon.extract.snippets import reading as snippets
from tcon.extract.snippets.cutting import FrameCut
from tcon.extract.snippets.reading import Decoded, Reading, read_snippets
from tcon.extract.snippets.timeline import Timeline
from tcon.extract.snippets.views import crop_boxes

Write = Callable[..., Path]

FRAMES = 60
SIZE = 32
CUT = FrameCut(Sampling("uniform", 8), Preprocessing(resize=40, input_size=SIZE))
READING = Reading({"rgb": CUT})
LENGTH = 16


def _changed(cut: FrameCut = CUT, **changes: Any) -> Reading:
    return Reading({"rgb": replace(cut, **changes)})


CLIPS = _changed(sampling=Sampling("uniform", 5), length=LENGTH, clip=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, write_video: Write) -> Path:
    """One video, and containers that announce more or fewer frames than it has."""
    folder = tmp_path_factory.mktemp("videos")
    avi = write_video(folder / "true.avi", FRAMES, codec="mpeg4", b_frames=2, gop=1000).read_bytes()
    (folder / "more.avi").write_bytes(announce(avi, 90))
    (folder / "fewer.avi").write_bytes(announce(avi, 30))
    (folder / "absurd.avi").write_bytes(announce(avi, 2**31 - 1))
    (folder / "cut_off.avi").write_bytes(avi[: len(avi) * 4 // 5])
    write_video(folder / "turning.mp4", FRAMES, b_frames=2, tint=(1, 0.2, 0.6))
    return folder


@pytest.fixture(params=["kept back", "counted first"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways to get at the number of frames."""
    if request.param == "counted first":
        monkeypatch.setattr(snippets, "_KEEP_BACK", 0)


def _read(path: Path, reading: Reading, video: str = "v") -> tuple[Tensor, Decoded]:
    """All snippets of a video at once."""
    *chunks, decoded = read_snippets(str(path), video, reading)
    assert isinstance(decoded, Decoded)
    assert all(chunk.modality == "rgb" and chunk.snippets.dtype == torch.uint8 for chunk in chunks)
    return torch.cat([chunk.snippets for chunk in chunks]), decoded


def _pillow(frame: np.ndarray, box: tuple[int, int, int, int] = (14, 4, 46, 36)) -> np.ndarray:
    """The centre crop, or a box (left, top, right, bottom) of 60x40 pixels, in size 32x32."""
    picture = Image.fromarray(frame).resize((60, 40), Image.Resampling.BILINEAR).crop(box)
    picture = picture.resize((SIZE, SIZE), Image.Resampling.BILINEAR)
    return np.asarray(picture).transpose(2, 0, 1).astype(int)


# --- what is in a snippet


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("decoder", ["pyav", "decord"])
def test_snippets_of_one_frame(folder: Path, decoder: str) -> None:
    found, decoded = _read(folder / "turning.mp4", replace(READING, decoder=decoder))
    assert decoded.centres["rgb"].tolist() == [3, 11, 18, 26, 33, 41, 48, 56]
    assert (decoded.frames, decoded.decoder, decoded.damage) == (FRAMES, decoder, "")
    assert decoded.fps == pytest.approx(25)
    frames = reference_frames(folder / "turning.mp4")
    expected = np.stack([_pillow(frames[n]) for n in decoded.centres["rgb"]])[:, None]
    assert found.shape == (8, 1, 3, SIZE, SIZE)
    np.testing.assert_allclose(found.int(), expected, atol=3)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize(
    ("sampling", "starts"),
    [
        (Sampling("uniform", 5), [4, 13, 22, 31, 40]),  # of 45 places
        (Sampling("stride", 10), [4, 14, 24, 34, 44]),
        (Sampling("stride", 4), list(range(1, 45, 4))),
    ],
    ids=str,
)
def test_longer_snippets(folder: Path, sampling: Sampling, starts: list[int]) -> None:
    found, decoded = _read(
        folder / "turning.mp4", _changed(sampling=sampling, clip=True, length=LENGTH)
    )
    frames = [_pillow(frame) for frame in reference_frames(folder / "turning.mp4")]
    expected = []
    for start in starts:
        expected.append([np.stack([frames[start + n] for n in range(LENGTH)], 1)])
    assert found.shape == (len(starts), 1, 3, LENGTH, SIZE, SIZE)
    np.testing.assert_allclose(found.int(), np.stack(expected), atol=3)
    assert decoded.centres["rgb"].tolist() == [start + 8 for start in starts]


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("frames", [1, 5, 15])
def test_a_video_shorter_than_a_snippet_repeats_its_last_frame(
    tmp_path: Path, write_video: Write, frames: int
) -> None:
    path = write_video(tmp_path / "x.mp4", frames, b_frames=2)
    found, decoded = _read(path, replace(CLIPS, min_frames=1))
    images = [_pillow(frame) for frame in reference_frames(path)]
    images += [images[-1]] * (LENGTH - frames)
    np.testing.assert_allclose(found.int(), np.stack(images, 1)[None, None], atol=3)
    assert decoded.centres["rgb"].tolist() == [min(8, frames - 1)]


def test_every_frame_gets_the_views_of_its_video(folder: Path) -> None:
    reading = _changed(CLIPS.cuts["rgb"], views=Views("multiscale", 3))
    found, _ = _read(folder / "turning.mp4", reading, video="turning")
    assert found.shape == (5, 4, 3, LENGTH, SIZE, SIZE)
    frames = reference_frames(folder / "turning.mp4")
    for view, box in enumerate(
        crop_boxes(reading.cuts["rgb"].views, 40, 60, SIZE, video="turning")
    ):
        corners = (box.left, box.top, box.left + box.width, box.top + box.height)
        expected = np.stack([_pillow(frame, corners) for frame in frames[40:56]], 1)
        expected = expected[..., ::-1] if box.flip else expected
        np.testing.assert_allclose(found[-1, view].int(), expected, atol=4)


# --- how many frames there are


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("reading", [READING, CLIPS], ids=["frames", "clips"])
@pytest.mark.parametrize("name", ["more.avi", "fewer.avi", "absurd.avi"])
def test_sampling_follows_what_decodes(folder: Path, name: str, reading: Reading) -> None:
    found, decoded = _read(folder / name, reading)
    expected, truth = _read(folder / "true.avi", reading)
    assert decoded.frames == truth.frames == FRAMES
    assert decoded.centres["rgb"].tolist() == truth.centres["rgb"].tolist()
    assert torch.equal(found, expected)


@pytest.mark.usefixtures("way")
def test_a_video_that_is_cut_off(folder: Path) -> None:
    frames = reference_frames(folder / "cut_off.avi")
    assert 16 < len(frames) < FRAMES
    found, decoded = _read(folder / "cut_off.avi", READING)
    assert decoded.frames == len(frames)
    assert decoded.centres["rgb"].tolist() == CUT.plan(Timeline(len(frames)))[:, 0].tolist()
    assert f"{len(frames)} of {FRAMES} announced frames" in decoded.damage
    expected = np.stack([_pillow(frames[n]) for n in decoded.centres["rgb"]])[:, None]
    np.testing.assert_allclose(found.int(), expected, atol=3)


def test_a_false_announcement_does_not_fill_the_memory(folder: Path) -> None:
    """Two thousand million frames of eight bytes would."""
    reading = _changed(sampling=Sampling("stride", 1))
    found, decoded = _read(folder / "absurd.avi", reading)
    assert len(found) == decoded.frames == FRAMES


@pytest.mark.parametrize(("name", "passes"), [("true.avi", 1), ("more.avi", 2)])
def test_only_a_wrong_announcement_costs_a_second_pass(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, passes: int
) -> None:
    opened: list[str] = []

    def count(path: str, *arguments: object, **options: object) -> object:
        opened.append(path)
        return open_video(path, *arguments, **options)

    monkeypatch.setattr(snippets, "open_video", count)
    _read(folder / name, READING)
    assert len(opened) == passes


@pytest.mark.parametrize("reading", [READING, CLIPS], ids=["frames", "clips"])
def test_a_video_that_decodes_otherwise_a_second_time_is_an_error(
    folder: Path, monkeypatch: pytest.MonkeyPatch, reading: Reading
) -> None:
    paths = iter([folder / "true.avi", folder / "cut_off.avi"])
    monkeypatch.setattr(snippets, "_KEEP_BACK", 0)
    monkeypatch.setattr(
        snippets, "open_video", lambda _, *a, **o: open_video(str(next(paths)), *a, **o)
    )
    with pytest.raises(DecodeError, match=r"decodes to 60 frames, then to \d+"):
        _read(folder / "true.avi", reading)


@pytest.mark.usefixtures("way")
def test_the_least_number_of_frames(tmp_path: Path, write_video: Write) -> None:
    path = write_video(tmp_path / "x.mp4", 16)
    assert _read(path, READING)[1].frames == 16
    with pytest.raises(
        DecodeError, match=r"^16 frames can be decoded, fewer than --min-frames 17$"
    ):
        _read(path, replace(READING, min_frames=17))
    path = write_video(tmp_path / "y.mp4", 1)
    with pytest.raises(DecodeError, match=r"^1 frame can be decoded, fewer than --min-frames 16$"):
        _read(path, READING)


@pytest.mark.usefixtures("way")
def test_too_few_frames_of_a_damaged_video(folder: Path) -> None:
    decoded = len(reference_frames(folder / "cut_off.avi"))
    with pytest.raises(DecodeError) as caught:
        _read(folder / "cut_off.avi", replace(READING, min_frames=FRAMES))
    assert str(caught.value).startswith(f"{decoded} frames can be decoded (")
    assert str(caught.value).endswith(
        f"{decoded} of 60 announced frames), fewer than --min-frames 60"
    )


@pytest.mark.usefixtures("way")
def test_no_frame_at_all(tmp_path: Path, write_video: Write) -> None:
    path = write_video(tmp_path / "x.mp4", 30, container={"movflags": "faststart"})
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"mdat") + 50])
    with pytest.raises(DecodeError, match=r"^no frames can be decoded \(.*0 of 30 announced"):
        _read(path, replace(READING, min_frames=1))


# --- a few at a time


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("reading", [READING, CLIPS], ids=["frames", "clips"])
@pytest.mark.parametrize("per_chunk", [1, 3, 1000])
def test_chunks_hold_the_same_snippets(
    folder: Path, monkeypatch: pytest.MonkeyPatch, reading: Reading, per_chunk: int
) -> None:
    expected, _ = _read(folder / "true.avi", reading)
    monkeypatch.setattr(cutting, "_CHUNK", per_chunk * reading.cuts["rgb"].bytes_per_snippet)
    *chunks, _ = read_snippets(str(folder / "true.avi"), "v", reading)
    n = len(expected)
    sizes = [per_chunk] * (n // per_chunk) + [n % per_chunk] * (n % per_chunk > 0)
    assert [len(chunk.snippets) for chunk in chunks] == sizes
    assert torch.equal(torch.cat([chunk.snippets for chunk in chunks]), expected)


def test_a_long_video_is_given_on_while_it_is_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else its snippets would fill the memory."""
    made: list[int] = []

    def crop(*arguments: object, **options: object) -> Tensor:
        made.append(1)
        return original(*arguments, **options)

    original = cutting.crop
    monkeypatch.setattr(cutting, "crop", crop)
    monkeypatch.setattr(snippets, "_KEEP_BACK", 0)
    monkeypatch.setattr(cutting, "_CHUNK", 4 * CUT.bytes_per_snippet)
    reading = _changed(sampling=Sampling("stride", 1))
    *crops_by_chunk, _ = (len(made) for _ in read_snippets(str(folder / "true.avi"), "v", reading))
    assert crops_by_chunk == list(range(4, FRAMES + 1, 4))


@pytest.mark.usefixtures("way")
def test_progress_is_told_frame_by_frame(folder: Path) -> None:
    calls: list[int] = []
    path = str(folder / "true.avi")
    for _ in read_snippets(path, "v", READING, on_progress=lambda: calls.append(1)):
        pass
    assert len(calls) >= FRAMES
