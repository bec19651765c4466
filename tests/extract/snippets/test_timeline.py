"""Clips at a rate show the same moments of a scene, whatever the rate of its video."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.datasets.video_utils import VideoClips

from tcon.adapt.end_to_end.clips.cutting import training_plan
from tcon.adapt.end_to_end.clips.reader import ClipReader, ClipRequest
from tcon.cache import Video
from tcon.cache.recipe import FlowRecipe, Preprocessing, Sampling, Windows
from tcon.extract.decoding import open_video
from tcon.extract.flow import FlowParameters
from tcon.extract.flow.cutting import FlowCut
from tcon.extract.snippets import reading as reading_module
from tcon.extract.snippets.cutting import Cut, FrameCut
from tcon.extract.snippets.passing import Chunk
from tcon.extract.snippets.reading import Decoded, Reading, read_snippets
from tcon.extract.snippets.timeline import Timeline, untimed_note

MS = Fraction(1, 1000)
SMALL = Preprocessing(resize=(16, 16), input_size=16)
CUT = FrameCut(Sampling("uniform", 4), SMALL, clip=True, length=8, rate=15.0)


def _write(path: Path, stamps: Sequence[int], *, rate: int) -> Path:
    """Frame i is grey of level i, shown from ``stamps[i]`` on, in milliseconds; without loss."""
    with av.open(str(path), "w") as output:
        stream: Any = output.add_stream("ffv1", rate=rate)
        stream.width = stream.height = 16
        stream.pix_fmt = "bgr0"
        stream.codec_context.time_base = stream.time_base = Fraction(1, 1000)
        for number, stamp in enumerate(stamps):
            frame = av.VideoFrame.from_ndarray(np.full((16, 16, 3), number, np.uint8), "rgb24")
            frame.pts, frame.time_base = stamp, Fraction(1, 1000)
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
    return path


def _steady(path: Path, fps: int, *, seconds: int = 3) -> Path:
    """Time stamps to the millisecond, as Matroska has them."""
    return _write(path, [round(1000 * i / fps) for i in range(fps * seconds)], rate=fps)


def _numbers(clips: torch.Tensor) -> list[list[int]]:
    """The frame numbers of clips [n, 3, L, S, S]."""
    return [[int(level) for level in row] for row in clips[:, 0, :, 0, 0]]


def _read(path: Path | str, cut: Cut = CUT, windows: Windows | None = None) -> dict[str, Any]:
    """By window the frame numbers of its snippets, and what it is."""
    found: dict[str, Any] = {}
    chunks: dict[str, list[torch.Tensor]] = {}
    for answer in read_snippets(str(path), "v", Reading({"rgb": cut}, "auto", 1, windows)):
        name = str(answer.part or "")
        if isinstance(answer, Chunk):
            chunks.setdefault(name, []).append(answer.snippets[:, 0])
        else:
            found[name] = _numbers(torch.cat(chunks.pop(name))), answer
    return found


def _golden(
    times: Sequence[Fraction], end: Fraction, rate: int, *, snippets: int, length: int
) -> list[list[int]]:
    """Clips of the frames shown at every moment, in plain loops; containers round by up to 1 ms."""
    line = []
    moment = times[0]
    while moment < end - MS:
        line.append(max(i for i, time in enumerate(times) if time <= moment + MS))
        moment += Fraction(1, rate)
    places = max(len(line) - length + 1, 1)
    n = min(snippets, places)
    starts = [math.floor((j + Fraction(1, 2)) * places / n) for j in range(n)]
    return [[line[min(s + i, len(line) - 1)] for i in range(length)] for s in starts]


@pytest.mark.parametrize("fps", [10, 25, 60])
def test_a_scene_at_any_rate_gives_the_same_moments(tmp_path: Path, fps: int) -> None:
    found, decoded = _read(_steady(tmp_path / "x.mkv", fps))[""]
    times = [Fraction(i, fps) for i in range(3 * fps)]
    assert found == _golden(times, Fraction(3), 15, snippets=4, length=8)
    # 3 s at 15 fps are 45 moments; these are the moments for every rate of the video.
    moments = np.array([4, 14, 23, 33])[:, None] + np.arange(8)  # [4, 8]
    late = moments / 15 - np.array(found) / fps
    assert (late > -1e-9).all() and (late < 1 / fps).all()
    np.testing.assert_allclose(decoded.times["rgb"], np.array(found)[:, 4] / fps, atol=1e-3)


def test_a_video_of_varying_rate_is_cut_by_its_time_stamps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []
    monkeypatch.setattr(
        reading_module,
        "open_video",
        lambda *a, **o: opened.append(a) or open_video(*a, **o),
    )
    stamps = np.cumsum(np.random.default_rng(0).integers(5, 120, 70)).tolist()
    found, decoded = _read(_write(tmp_path / "x.mkv", stamps, rate=25))[""]
    times = [(stamp - stamps[0]) * MS for stamp in stamps]
    end = Fraction(decoded.duration).limit_denominator(1000)
    assert found == _golden(times, end, 15, snippets=4, length=8)
    assert len(opened) == 1, "decoded once"


@pytest.mark.parametrize("fps", [10, 15, 24, 25, 60])
def test_frames_are_those_of_torchvisions_video_clips(fps: int) -> None:
    timeline = Timeline(2 * fps, np.arange(2 * fps) / fps, 2.0)
    indices = VideoClips._resample_video_idx(30, fps, 15)
    expected = np.arange(2 * fps)[indices] if isinstance(indices, slice) else indices.numpy()
    assert timeline.moments(15) == 30
    np.testing.assert_array_equal(timeline.frames_at(np.arange(30), 15), expected)


def test_time_stamps_that_fall_behind_or_leap() -> None:
    timeline = Timeline(5, np.array([0.0, 0.5, 0.4, 0.6, 3.0]), 3.2)
    assert timeline.moments(5) == 16
    frames = timeline.frames_at(np.arange(16), 5)
    assert frames.tolist() == [0, 0, 0, *[3] * 12, 4]
    assert Timeline(3, np.array([1.0, 1.1, 1.2])).moments(10) == 2, "the end is not known"


def test_windows_have_the_clips_of_the_parts_that_they_are(tmp_path: Path) -> None:
    path = _steady(tmp_path / "x.mkv", 25)
    for windows in (Windows(1.2, 0.6, "seconds"), Windows(30, 15, "frames")):
        found = _read(path, windows=windows)
        assert len(found) > 3
        for part, (numbers, _) in found.items():
            assert numbers == _read(f"{path}{part}")[""][0]


def test_a_folder_of_frames_has_consecutive_ones(tmp_path: Path) -> None:
    for number in range(20):
        Image.new("RGB", (16, 16), (number,) * 3).save(tmp_path / f"{number:05}.png")
    found, decoded = _read(tmp_path)[""]
    assert found == [list(range(s, s + 8)) for s in (1, 4, 8, 11)]
    assert not decoded.is_timed
    assert untimed_note(1, 7.5) == (
        "1 video without time stamps, as folders of frames are: their clips are of consecutive "
        "frames, as if these came at 7.5 per second."
    )


@pytest.mark.parametrize("part", ["", "#t=0.5,2.5", "#frames=10-60"])
def test_training_clips_are_those_of_extraction(tmp_path: Path, part: str) -> None:
    path = f"{_steady(tmp_path / 'x.mkv', 25)}{part}"
    [(numbers, decoded)] = _read(path).values()
    video = Video("v", "", "", path, decoded.frames, decoded.fps)
    [clips] = ClipReader((video,), CUT).read(ClipRequest(0, (0.5,) * 4), on_progress=lambda: None)
    assert isinstance(clips, torch.Tensor) and _numbers(clips) == numbers


def test_training_snippets_lie_inside_of_the_video() -> None:
    timeline = Timeline(10, np.arange(10) / 10, 1.0)  # 15 moments, 8 places
    first, last = (training_plan(CUT, timeline, np.full(2, p)) for p in (0, np.nextafter(1, 0)))
    assert first[0].tolist() == [0, 0, 1, 2, 2, 3, 4, 4]
    assert last[-1].tolist() == [4, 5, 6, 6, 7, 8, 8, 9]


def test_flow_clips_take_fields_of_neighbouring_frames() -> None:
    cut = FlowCut(
        Sampling("uniform", 1),
        SMALL,
        clip=True,
        length=8,
        rate=15.0,
        flow=FlowRecipe(parameters=FlowParameters(scales=1, warps=1, outer=1)),
    )
    plan = cut.plan(Timeline(30, np.arange(30) / 30, 1.0))
    assert plan.tolist() == [[8, 10, 12, 14, 16, 18, 20, 22]]
    assert cut.cutter(plan, "v", "v").frames.tolist() == list(range(8, 24))
    short = cut.plan(Timeline(5, np.arange(5) / 15, 1 / 3))
    assert short.tolist() == [[0, 1, 2, 3, 3, 3, 3, 3]], "no field starts at the last frame"


def test_records_of_frames_print_in_a_line() -> None:
    shown = repr(Decoded(3, 25.0, {}, {}, 0.1, "pyav", "")) + repr(Timeline(3, np.arange(3.0), 3.0))
    assert "\n" not in shown and "times=[3] float64" in shown
