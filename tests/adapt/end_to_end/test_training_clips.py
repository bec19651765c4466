"""Clips for training: which frames they hold, how far is decoded, and what a crop does to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from tcon.adapt.end_to_end.clips import cutting as training_clips
from tcon.adapt.end_to_end.clips.cutting import GreyClips, compute_flow, read_clips, training_plan
from tcon.cache.recipe import FlowRecipe, Preprocessing, Sampling
from tcon.extract.decoding import DecodeError
from tcon.extract.flow import FlowParameters, fields
from tcon.extract.flow.cutting import FlowCut
from tcon.extract.flow.fields import GreyFrames
from tcon.extract.snippets.cutting import Cut, FrameCut
from tcon.extract.snippets.reading import Decoded, Reading, read_snippets
from tcon.extract.snippets.timeline import Timeline
from tcon.extract.snippets.views import FLOW_SCALES, TrainingCrop, crop_boxes

CPU = torch.device("cpu")
SIZE = 64
WHOLE = Preprocessing(resize=(SIZE, SIZE), input_size=SIZE)  # nothing is cropped away
RGB = FrameCut(Sampling("uniform", 6), WHOLE)
C3D = FrameCut(Sampling("uniform", 3), WHOLE, clip=True, length=16)
FLOW = FlowCut(
    Sampling("uniform", 3),
    WHOLE,
    length=5,
    flow=FlowRecipe(parameters=FlowParameters(scales=1, warps=1, outer=1)),  # quick
)
Number = Callable[[np.ndarray], int]


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory, write_video: Callable[..., Path]) -> str:
    """60 frames that show their numbers; with B-frames."""
    return str(write_video(tmp_path_factory.mktemp("x") / "x.mp4", 60, b_frames=2))


def _numbers(clips: Tensor, read_number: Number) -> list[int]:
    """Of images [n, 3, S, S]."""
    return [read_number(image.permute(1, 2, 0).numpy()) for image in clips]


# --- plans


def test_central_positions_are_those_of_extraction() -> None:
    for cut, total in ((RGB, 6), (RGB, 61), (C3D, 18), (C3D, 200), (FLOW, 8), (FLOW, 90)):
        n = cut.sampling.value
        found = training_plan(cut, Timeline(total), np.full(n, 0.5))
        np.testing.assert_array_equal(found, cut.plan(Timeline(total)))


def test_each_snippet_starts_in_its_segment() -> None:
    """61 frames are 60 fields and 56 places; TSN's segments of 18 2/3 places."""
    positions = np.array([0, 0.999999, 0.25])
    found = training_plan(FLOW, Timeline(61), positions)
    assert found.tolist() == [[s + i for i in range(5)] for s in (0, 37, 42)]
    last = training_plan(FLOW, Timeline(61), np.full(3, np.nextafter(1, 0)))[-1]
    assert last.tolist() == [55, 56, 57, 58, 59]
    every = {training_plan(RGB, Timeline(61), np.full(6, p))[2, 0] for p in np.arange(0, 1, 0.01)}
    assert every == set(range(20, 31))  # floor((2 + p) 61 / 6): from 20.33 to 30.5


def test_short_videos_repeat() -> None:
    assert training_plan(RGB, Timeline(2), np.full(6, 0.5))[:, 0].tolist() == [0, 0, 0, 1, 1, 1]
    found = training_plan(FLOW, Timeline(4), np.array([0, 0.5, 0.9]))  # 3 fields
    assert found.tolist() == [[0, 1, 2, 2, 2]] * 3


# --- frames


def test_frames_are_those_planned(video: str, read_number: Number) -> None:
    plan = np.array([[3], [3], [4], [17], [59]])
    found = read_clips(video, RGB, plan, "v")
    assert (found.shape, found.dtype) == ((5, 3, SIZE, SIZE), torch.uint8)
    assert _numbers(found, read_number) == [3, 3, 4, 17, 59]


def test_clips_may_overlap(video: str, read_number: Number) -> None:
    plan = np.array([2, 2, 9])[:, None] + np.arange(16)
    found = read_clips(video, C3D, plan, "v")
    assert found.shape == (3, 3, 16, SIZE, SIZE)
    frames = found.permute(0, 2, 1, 3, 4).flatten(0, 1)
    assert _numbers(frames, read_number) == plan.flatten().tolist()


@pytest.mark.slow
@pytest.mark.parametrize("cut", [RGB, C3D, FLOW])
def test_clips_are_the_snippets_of_extraction(video: str, cut: Cut) -> None:
    *chunks, decoded = read_snippets(video, "v", Reading({"x": cut}))
    assert isinstance(decoded, Decoded)
    expected = torch.cat([chunk.snippets for chunk in chunks])[:, 0]
    found = read_clips(video, cut, cut.plan(Timeline(decoded.frames)), "v")
    assert found.shape[1:] == cut.shape
    assert torch.equal(found, expected)


def test_nothing_is_decoded_after_the_last_frame_needed(video: str) -> None:
    steps: list[None] = []
    read_clips(video, RGB, np.array([[2], [10]]), "v", on_progress=lambda: steps.append(None))
    assert len(steps) == 10  # those before it


def test_what_the_video_does_not_reach_is_its_last_frame(video: str, read_number: Number) -> None:
    plan = np.array([[5], [58], [70], [90]])  # 59, the last, is not planned
    assert _numbers(read_clips(video, RGB, plan, "v"), read_number) == [5, 58, 59, 59]
    beyond = np.array([[56, 57, 58, 59, 60], [70, 71, 72, 73, 74]])
    within = np.array([[56, 57, 58, 58, 58], [58] * 5])
    assert torch.equal(read_clips(video, FLOW, beyond, "v"), read_clips(video, FLOW, within, "v"))


def test_what_does_not_decode(tmp_path: Path, write_video: Callable[..., Path]) -> None:
    (tmp_path / "text.mp4").write_text("no video")
    single = write_video(tmp_path / "single.mp4", 1)
    with pytest.raises(DecodeError, match="not a video"):
        read_clips(str(tmp_path / "text.mp4"), RGB, np.array([[0]]), "v")
    with pytest.raises(DecodeError, match="fewer than the 2 that flow needs"):
        read_clips(str(single), FLOW, np.array([[0, 0, 0, 0, 0]]), "v")


@pytest.mark.slow
@pytest.mark.parametrize("clip", [False, True])
def test_flow_of_a_device_is_that_of_the_workers(video: str, clip: bool) -> None:
    """The engine torch against the compiled one, with crops and flips; the engines round apart."""
    cut = replace(FLOW, clip=clip, views=_flipped())
    plan = training_plan(cut, Timeline(60), np.array([0.1, 0.9, 0.5]))
    there = read_clips(video, replace(cut, engine="torch"), plan, "v")
    assert isinstance(there, GreyClips) and len(there) == 3
    found, expected = next(compute_flow([there], CPU)), read_clips(video, cut, plan, "v")
    assert found.shape == expected.shape and found.dtype == torch.uint8
    assert expected.float().std() > 1
    assert (found.float() - expected.float()).abs().mean() < 0.5


@pytest.mark.slow
def test_flow_of_a_device_repeats_what_a_short_video_lacks(video: str) -> None:
    cut = replace(FLOW, engine="torch")
    beyond, within = np.arange(56, 66).reshape(2, 5), np.minimum(np.arange(56, 66), 58)
    found, expected = (
        next(compute_flow([read_clips(video, cut, plan.reshape(2, 5), "v")], CPU))
        for plan in (beyond, within)
    )
    assert torch.equal(found, expected)


@pytest.mark.parametrize(("most", "times"), [(128, 1), (8, 2), (1, 4)])
def test_flow_of_several_videos_is_computed_together(
    monkeypatch: pytest.MonkeyPatch, most: int, times: int
) -> None:
    """Of three videos with crops of their own: 2, 6 and 3 pairs; to the bit as one by one."""
    random = np.random.default_rng(0)
    views = TrainingCrop(0, FLOW_SCALES)
    cut = replace(FLOW, sampling=Sampling("uniform", 1), length=2, engine="torch", views=views)
    # The second has two parts; the stacks of the third overlap.
    stacks = ([[[0, 1]]], [[[0, 1], [2, 3]], [[0, 1]]], [[[0, 1], [1, 2]]])
    videos = []
    for seed, of_video in enumerate(stacks):
        parts = []
        for stack in map(np.array, of_video):
            pairs = stack.max() + 1
            frames = random.integers(256, size=(pairs + 1, 32, 40), dtype=np.uint8)
            parts.append(GreyFrames(frames, np.arange(pairs), stack, 0, "v"))
        crop = TrainingCrop(seed, FLOW_SCALES)
        videos.append(GreyClips(replace(cut, views=crop), tuple(parts)))
    expected = [next(compute_flow([clips], CPU)) for clips in videos]
    calls, compute = [], fields.tvl1_flows

    def counted(first: Tensor, *rest: object, **options: object) -> object:
        calls.append(len(first))
        return compute(first, *rest, **options)

    monkeypatch.setattr(fields, "tvl1_flows", counted)
    monkeypatch.setattr(training_clips, "_PAIRS", most)
    found = list(compute_flow(videos, CPU))
    assert [clips.shape for clips in found] == [(1, 4, 64, 64), (3, 4, 64, 64), (2, 4, 64, 64)]
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))
    assert (sum(calls), len(calls)) == (11, times)  # a part is not divided


# --- crops


def _flipped() -> TrainingCrop:
    """A crop that mirrors."""
    crops = (TrainingCrop(seed, FLOW_SCALES) for seed in range(100))
    return next(c for c in crops if crop_boxes(c, SIZE, SIZE, SIZE, video="v")[0].flip)


def _mirrored(cut: Cut, video: str) -> tuple[Tensor, Tensor]:
    """The same crop of a video without and with a flip."""
    flipped, plan = _flipped(), cut.plan(Timeline(60))
    plain = read_clips(video, replace(cut, views=replace(flipped, flip=False)), plan, "v")
    return plain, read_clips(video, replace(cut, views=flipped), plan, "v")


def test_a_flip_mirrors_frames(video: str) -> None:
    plain, mirrored = _mirrored(RGB, video)
    assert plain.float().std() > 10
    assert torch.equal(mirrored, plain.flip(-1))


@pytest.mark.parametrize("clip", [False, True])
def test_a_flip_inverts_x_of_flow(video: str, clip: bool) -> None:
    plain, mirrored = _mirrored(replace(FLOW, clip=clip), video)
    if clip:  # [n, 2, L, S, S] to [n, 2 L, S, S]
        plain, mirrored = (clips.transpose(1, 2).flatten(1, 2) for clips in (plain, mirrored))
    assert plain[:, 0::2].float().std() > 1
    assert torch.equal(mirrored[:, 0::2], 255 - plain[:, 0::2].flip(-1))
    assert torch.equal(mirrored[:, 1::2], plain[:, 1::2].flip(-1))
