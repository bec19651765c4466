"""Batches of clips: order, bytes, broken videos, and processes that hang or die."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from tcon.adapt.end_to_end.clips.loader import ClipLoader
from tcon.adapt.end_to_end.clips.reader import ClipRequest
from tcon.cache import InputError, Video
from tcon.cache.recipe import FlowRecipe, Preprocessing, Sampling
from tcon.extract.flow import FlowParameters
from tcon.extract.flow.cache import FlowCache
from tcon.extract.flow.cutting import FlowCut
from tcon.extract.snippets.cutting import FrameCut

SIZE = 64
CUT = FrameCut(Sampling("uniform", 3), Preprocessing(resize=(SIZE, SIZE), input_size=SIZE))
QUICK = FlowParameters(scales=1, warps=1, outer=1)
FLOW = FlowCut(
    Sampling("uniform", 3), CUT.preprocessing, length=5, flow=FlowRecipe(parameters=QUICK)
)
Requests = list[list[ClipRequest]]


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory, write_video: Callable[..., Path]) -> list:
    """Four videos of 40 frames, numbered from 0, 60, 120 and 180; no video; and one that hangs."""
    folder = tmp_path_factory.mktemp("videos")
    for n in range(4):
        write_video(folder / f"{n}.mp4", 40, first=60 * n, b_frames=2)
    (folder / "4.mp4").write_text("no video")
    os.mkfifo(folder / "5.mp4")
    return [Video(f"{n}.mp4", "", "", str(folder / f"{n}.mp4"), 40, 25.0) for n in range(6)]


@pytest.fixture(scope="module")
def two(videos: list[Video]) -> ClipLoader:
    return ClipLoader(videos, CUT, workers=2, time_limit=1000)


def _requests(*, batches: int = 5, size: int = 3) -> Requests:
    random = np.random.default_rng(0)
    return [
        [
            ClipRequest(int(random.integers(4)), tuple(random.random(3)), int(random.integers(99)))
            for _ in range(size)
        ]
        for _ in range(batches)
    ]


def _numbers(clips: Tensor, read_number: Callable[[np.ndarray], int]) -> list[list[int]]:
    """Of clips [B, n, 3, S, S]."""
    images = clips.permute(0, 1, 3, 4, 2).numpy()
    return [[read_number(image) for image in video] for video in images]


@pytest.mark.slow
def test_batches_come_as_asked(
    videos: list[Video], two: ClipLoader, read_number: Callable[[np.ndarray], int]
) -> None:
    centre = [[ClipRequest(n, (0.5,) * 3) for n in (3, 0)], [ClipRequest(1, (0.0,) * 3)]]
    for loader in (ClipLoader(videos, CUT), two):
        first, second = loader.load(iter(centre))
        assert (first.shape, first.dtype) == ((2, 3, 3, SIZE, SIZE), torch.uint8)
        assert _numbers(first, read_number) == [[186, 200, 213], [6, 20, 33]]
        assert _numbers(second, read_number) == [[60, 73, 86]]
        assert loader.failed == {}


@pytest.mark.slow
def test_workers_change_no_byte(videos: list[Video], two: ClipLoader) -> None:
    torch.manual_seed(0)
    state = torch.get_rng_state()
    here = list(ClipLoader(videos, CUT).load(_requests()))
    there = list(two.load(_requests()))
    assert torch.equal(torch.stack(here), torch.stack(there))
    assert torch.equal(torch.get_rng_state(), state)  # a resumed run draws as the first did
    assert len({batch.numpy().tobytes() for batch in here}) == 5


def test_a_pass_may_be_given_up(videos: list[Video], two: ClipLoader) -> None:
    passing = two.load(_requests(batches=20))
    next(passing)
    (found,) = two.load(_requests(batches=1))
    assert torch.equal(found, next(ClipLoader(videos, CUT).load(_requests(batches=1))))


@pytest.mark.slow
@pytest.mark.parametrize("cut", [CUT, replace(CUT, clip=True), FLOW, replace(FLOW, clip=True)])
def test_a_broken_video_is_zeros(videos: list[Video], cut: FrameCut) -> None:
    cut = replace(cut, sampling=Sampling("uniform", 3), length=5)
    loader = ClipLoader(videos, cut)
    (found,) = loader.load([[ClipRequest(n, (0.5,) * 3, 1) for n in (0, 4, 1)]])
    assert found.shape == (3, 3, *cut.shape)
    assert [bool(clips.any()) for clips in found] == [True, False, True]
    assert list(loader.failed) == ["4.mp4"]
    assert "not a video" in loader.failed["4.mp4"]


def test_a_folder_that_is_gone_is_no_bad_luck(videos: list[Video]) -> None:
    gone = [replace(video, path=f"/gone/{video.id}") for video in videos]
    with pytest.raises(InputError, match="none of 3 videos can be read.*No such file"):
        list(ClipLoader(gone, CUT).load(_requests()))


def test_a_mirror_can_be_left_out(videos: list[Video]) -> None:
    requests = [[ClipRequest(0, (0.5,) * 3, seed) for seed in range(12)]]
    (with_,), (without,) = (ClipLoader(videos, CUT, flip=f).load(requests) for f in (True, False))
    same = [torch.equal(a, b) for a, b in zip(with_, without, strict=True)]
    mirrored = [torch.equal(a, b.flip(-1)) for a, b in zip(with_, without, strict=True)]
    assert {True, False} == set(same)
    assert mirrored == [not s for s in same]


# --- workers


@pytest.mark.slow
def test_a_hang_costs_one_video(videos: list[Video]) -> None:
    """As any other death of a process does: the kernel kills it."""
    loader = ClipLoader(videos, CUT, workers=1, time_limit=1.5)
    requests = [[ClipRequest(n, (0.5,)) for n in batch] for batch in ((0,), (5, 1), (2,), (5, 3))]
    batches = loader.load(requests)
    found = [next(batches)]
    time.sleep(2)  # the process dies; whoever trains meanwhile is not interrupted
    found += batches
    expected = list(
        ClipLoader(videos, CUT).load([[r] for batch in requests for r in batch if r.video != 5])
    )
    assert [bool(batch[0].any()) for batch in found] == [True, False, True, False]
    assert torch.equal(torch.stack([batch[-1] for batch in found]), torch.cat(expected))
    assert loader.failed == {"5.mp4": "no new frame within 1.5 s, the time limit"}


SCRIPT = """
import sys
from tcon.adapt.end_to_end.clips.loader import ClipLoader
from tcon.adapt.end_to_end.clips.reader import ClipRequest
from tcon.cache import Video
from tcon.cache.recipe import Preprocessing, Sampling
from tcon.extract.snippets.cutting import FrameCut

cut = FrameCut(Sampling("uniform", 3), Preprocessing(resize=(64, 64), input_size=64))
videos = [Video("v", "", "", sys.argv[1], 40, 25.0)]
(clips,) = ClipLoader(videos, cut, workers=2).load([[ClipRequest(0, (0.5, 0.5, 0.5))] * 3])
print(*clips.shape, clips.sum().item())
"""


@pytest.mark.slow
def test_a_script_needs_no_main_guard(videos: list[Video], two: ClipLoader, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    run = subprocess.run(
        [sys.executable, str(script), videos[0].path], capture_output=True, text=True, timeout=120
    )
    assert run.returncode == 0, run.stderr
    (clips,) = two.load([[ClipRequest(0, (0.5,) * 3)] * 3])
    assert run.stdout.split() == [*map(str, clips.shape), str(clips.sum().item())]
    assert run.stderr == ""


# --- flow


@pytest.mark.slow
def test_flow_is_kept_or_computed_on_the_device(tmp_path: Path, videos: list[Video]) -> None:
    """Video 0 is in the cache, 1 in none, 4 is broken; of 0's 39 fields field n has level n."""
    cache = FlowCache.extend(tmp_path, FLOW.flow, 10**9)
    with cache.writing("0.mp4", videos[0].path) as writer:
        for n in range(39):
            writer.add(np.full((2, 256, 340), n, np.uint8), early_stopped=False)
    flow = FlowCache.open(tmp_path, FLOW.flow)
    requests = [[ClipRequest(n, (0.5,) * 3) for n in (0, 1, 4)]]
    cut = replace(FLOW, engine="torch")
    (found,) = ClipLoader(videos, cut, flow=flow).load(requests)  # 35 places
    assert found[0, :, ::2, 0, 0].tolist() == [[s + i for i in range(5)] for s in (5, 17, 29)]
    (by_workers,) = ClipLoader(videos, FLOW, flow=flow).load(requests)
    assert (found[1].float() - by_workers[1].float()).abs().mean() < 0.5
    assert not found[2].any()
    (elsewhere,) = ClipLoader(videos, cut, flow=flow, workers=1).load(requests)
    assert torch.equal(elsewhere, found)
