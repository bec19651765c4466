"""Windows hold the frames whose time stamps lie in them, and cost one pass of the decoder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from reference_decoder import reference_times
from video_files import FRAMES, SOUND, write_videos

from tcon.cache import InputError
from tcon.cache.parts import Part, completes, recording_of, split_part
from tcon.cache.recipe import Preprocessing, Sampling, Windows
from tcon.extract.decoding import open_video
from tcon.extract.flow.cutting import FlowCut
from tcon.extract.snippets import reading as reading_module
from tcon.extract.snippets.cutting import Cut, FrameCut
from tcon.extract.snippets.passing import Chunk
from tcon.extract.snippets.reading import Decoded, Reading, read_snippets
from tcon.extract.snippets.timeline import Timeline
from tcon.extract.snippets.windows import cut_windows, parse_windows

Write = Callable[..., Path]
CUT = FrameCut(Sampling("uniform", 3), Preprocessing(resize=40, input_size=32))
EVERY = FrameCut(Sampling("stride", 1), Preprocessing(resize=40, input_size=32))


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory, write_video: Write) -> Path:
    return write_videos(tmp_path_factory.mktemp("videos"), write_video)


def _read(path: Path, windows: Windows, cut: Cut) -> dict[str, tuple[torch.Tensor, Decoded]]:
    """By window its snippets, and what it is."""
    reading = Reading({"rgb": cut}, "auto", 1, windows)
    found: dict[str, tuple[torch.Tensor, Decoded]] = {}
    chunks: dict[Part | None, list[torch.Tensor]] = {}
    for answer in read_snippets(str(path), "v", reading):
        if isinstance(answer, Chunk):
            chunks.setdefault(answer.part, []).append(answer.snippets)
        else:
            found[str(answer.part or "")] = torch.cat(chunks.pop(answer.part)), answer
    return found


def _expected(times: np.ndarray, end: float, length: float, hop: float) -> list[tuple[int, int]]:
    """First and last frame of each window, in plain loops."""
    windows = []
    k = 0
    while k == 0 or end - k * hop >= length / 2:
        inside = [i for i, t in enumerate(times) if k * hop - 1e-5 <= t < k * hop + length - 1e-5]
        if inside:
            windows.append((inside[0], inside[-1]))
        k += 1
    return [*windows[:-1], (windows[-1][0], len(times) - 1)]


@pytest.mark.parametrize("name", [name for name in SOUND if "odd" not in name])
def test_a_window_holds_the_frames_shown_in_it(
    videos: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []
    monkeypatch.setattr(
        reading_module, "open_video", lambda *a, **o: opened.append(a) or open_video(*a, **o)
    )
    found = _read(videos / name, Windows(0.9, 0.3, "seconds"), EVERY)
    times = reference_times(videos / name)
    last = list(found.values())[-1][1]
    frames = _expected(times, last.duration, 0.9, 0.3)
    assert [decoded.frames for _, decoded in found.values()] == [b - a + 1 for a, b in frames]
    for (_, decoded), (a, b) in zip(found.values(), frames, strict=True):
        np.testing.assert_allclose(decoded.times["rgb"], times[a : b + 1], atol=2e-3)
    assert sum(decoded.is_last for _, decoded in found.values()) == 1
    assert len(opened) == 1, "decoded once"


def test_windows_have_the_snippets_of_a_file_that_was_cut_there(videos: Path) -> None:
    found = _read(videos / "h264.mp4", Windows(1.0, 0.6, "seconds"), CUT)
    assert list(found) == ["#t=0.0,1.0", "#t=0.6,1.6", "#t=1.2,2.2", "#t=1.8"]
    with open_video(str(videos / "h264.mp4")) as video:
        images = list(video.frames(np.arange(FRAMES)))
    snippets, decoded = found["#t=0.6,1.6"]  # the frames 15 to 39, of which three are cut
    assert decoded.frames == 25
    assert decoded.centres["rgb"].tolist() == [4, 12, 20]
    assert decoded.times["rgb"] == pytest.approx((15 + np.array([4, 12, 20])) / 25)
    assert decoded.duration == pytest.approx(1.6)
    with open_video(f"{videos / 'h264.mp4'}#t=0.6,1.6") as part:  # as figures read it again
        again = list(part.frames(np.arange(FRAMES)))
    assert len(again) == part.total == 25
    np.testing.assert_array_equal(again, images[15:40])
    assert part.times[0] == pytest.approx(0.6)
    [(alone, _)] = _read(
        Path(f"{videos / 'h264.mp4'}#t=0.6,1.6"), Windows(1, 1, "frames"), CUT
    ).values()
    assert torch.equal(alone, snippets)


@pytest.mark.parametrize("length", [1.0, 2.4, 3.0])
def test_a_short_tail_is_joined_and_a_short_video_is_whole(videos: Path, length: float) -> None:
    found = _read(videos / "h264.mp4", Windows(length, length, "seconds"), CUT)  # of 2.4 s
    assert list(found) == (["#t=0.0,1.0", "#t=1.0"] if length == 1 else [""])
    assert sum(decoded.frames for _, decoded in found.values()) == FRAMES


@pytest.mark.slow
def test_windows_of_frames_and_of_flow(videos: Path) -> None:
    flow = FlowCut(Sampling("uniform", 1), CUT.preprocessing, length=2, engine="opencv")
    reading = Reading({"rgb": CUT, "flow": flow}, "auto", 1, Windows(25, 25, "frames"))
    path = str(videos / "h264.mp4")
    found = list(read_snippets(path, "v", reading))
    first, last = (one for one in found if isinstance(one, Decoded))
    assert (str(first.part), first.frames) == ("#frames=0-24", 25)
    assert (str(last.part), last.frames) == ("#frames=25-", 35)
    assert last.centres["flow"].tolist() == [17]
    of_flow = [one for one in found if isinstance(one, Chunk) and one.modality == "flow"]
    alone = list(read_snippets(f"{path}#frames=25-", "v", Reading({"flow": flow})))
    assert torch.equal(of_flow[1].snippets, alone[0].snippets)


def test_what_was_announced_wrongly_is_read_again(
    videos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    windows = Windows(0.6, 0.3, "seconds")
    right = _read(videos / "uneven.mp4", windows, CUT)
    video = type(open_video(str(videos / "uneven.mp4")))
    times = reference_times(videos / "uneven.mp4")
    for wrong in ((np.arange(90) / 25, 3.6), (np.empty(0), 0.0), (times[:30], times[30])):
        with monkeypatch.context() as patch:
            patch.setattr(video, "announced_times", lambda self, wrong=wrong: wrong)
            again = _read(videos / "uneven.mp4", windows, CUT)
        assert list(again) == list(right)
        assert all(torch.equal(again[part][0], right[part][0]) for part in right)
    monkeypatch.setattr(reading_module, "_KEEP_BACK", 0)
    again = _read(videos / "uneven.mp4", windows, CUT)
    assert all(torch.equal(again[part][0], right[part][0]) for part in right)


def test_the_end_is_rounded_as_time_stamps_are(videos: Path) -> None:
    with open_video(str(videos / "h264.mp4")) as video:
        frames = Timeline(100, np.arange(100) / 10, 10 - 9e-15)
        late = cut_windows(Windows(2, 1, "seconds"), frames, video)
    assert str(late[-1].part) == "#t=9.0"


def test_many_windows_end_between_two_frames_that_are_wanted(videos: Path) -> None:
    few, path = replace(CUT, sampling=Sampling("uniform", 2)), videos / "h264.mp4"
    found = _read(path, Windows(40, 1, "frames"), few)
    assert [decoded.frames for _, decoded in found.values()] == [*[40] * 21, *range(39, 19, -1)]
    assert all(len(snippets) == 2 for snippets, _ in found.values())


def test_what_windows_are_called() -> None:
    assert parse_windows("4s", "2s") == Windows(4, 2, "seconds")
    assert parse_windows(100) == Windows(100, 100, "frames")
    assert parse_windows(None) is None
    for window, hop in (("4", "2s"), ("2s", "4s"), ("x", None), ("0s", None), (None, "2s")):
        with pytest.raises(InputError, match="--(window|hop)"):
            parse_windows(window, hop)
    for name, part in (
        ("a#b/rec.mp4#t=12.0,16.25", Part("seconds", 12, 16.25)),
        ("rec.mp4#t=596.0", Part("seconds", 596)),
        ("rec#frames=100-199", Part("frames", 100, 199)),
        ("rec#frames=900-", Part("frames", 900)),
    ):
        place, found = split_part(name)
        assert found == part and f"{place}{part}" == name
        assert recording_of(name) == place
        assert completes(name) == (place if part.end is None else name)
    assert split_part("rec.mp4#t=") == ("rec.mp4#t=", None)
