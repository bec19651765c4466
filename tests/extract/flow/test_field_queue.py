"""One video's fields on many threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from extraction import Extraction, extract
from torch import Tensor

from tcon.cache.recipe import FlowRecipe, Preprocessing, Sampling
from tcon.extract.features import pipeline
from tcon.extract.flow import FlowParameters
from tcon.extract.flow.cutting import FlowCut
from tcon.extract.flow.field_queue import Field, FieldQueue
from tcon.extract.flow.fields import FieldCut
from tcon.extract.lists.videos import read_videos
from tcon.extract.snippets.reading import Reading
from tcon.extract.snippets.timeline import Timeline

CUT = FlowCut(
    Sampling("uniform", 3),
    Preprocessing(resize=36, input_size=32, channel_order=""),
    length=5,
    flow=FlowRecipe(parameters=FlowParameters(scales=1, warps=1, outer=1)),
)


def test_as_many_fields_as_threads_are_computed_at_once_and_come_in_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    together = threading.Barrier(3, timeout=20)  # is broken unless three wait at once

    def field(self: FieldCut, first: Tensor, second: Tensor) -> tuple[Tensor, bool]:
        together.wait()
        return first, bool(second)

    monkeypatch.setattr(FieldCut, "field", field)
    queue = FieldQueue(CUT.on_threads(3))
    found: list[Field] = []
    for n in range(12):
        found += queue.add(n, torch.tensor(n), torch.tensor(n % 2))
        assert len(found) >= n - 6  # memory is bounded
    found += queue.rest()
    assert [(f.number, int(f.levels), f.stopped) for f in found] == [
        (n, n, n % 2 == 1) for n in range(12)
    ]


def test_stacks_do_not_depend_on_the_threads() -> None:
    frames = torch.randint(256, (21, 1, 3, 40, 60), dtype=torch.uint8)

    def stacks(cut: FieldCut) -> Tensor:
        cutter = cut.cutter(cut.plan(Timeline(len(frames))), "v", "v.mp4")
        found = [chunk for n in cutter.frames.tolist() for chunk in cutter.take(n, frames[n])]
        return torch.cat([*found, *cutter.rest()])

    one = stacks(CUT)
    assert one.float().std() > 1
    assert torch.equal(stacks(CUT.on_threads(4)), one)


@pytest.mark.parametrize(
    ("videos", "workers", "threads"), [(1, None, 6), (2, None, 3), (9, None, 1), (1, 0, 6)]
)
def test_videos_share_the_cores(
    tmp_path: Path,
    write_video: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    videos: int,
    workers: int | None,
    threads: int,
) -> None:
    readings: list[Reading] = []

    def pool(reading: Reading, **_: object) -> None:
        readings.append(reading)
        raise KeyboardInterrupt

    monkeypatch.setattr(pipeline, "cores", lambda: 6)
    monkeypatch.setattr(pipeline, "DecodePool", pool)
    for n in range(videos):
        write_video(tmp_path / "videos" / "wave" / f"{n}.mp4")
    config = replace(Extraction(), modalities=("rgb", "flow"), workers=workers, device="cpu")
    with pytest.raises(KeyboardInterrupt):
        extract(read_videos(tmp_path / "videos"), tmp_path / "x.h5", config)
    flow = readings[0].cuts["flow"]
    assert isinstance(flow, FieldCut)
    assert flow.threads == threads
