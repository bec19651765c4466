"""The flow of a video, as it is described."""

from __future__ import annotations

import torch

from tcon.extract.flow.video import VideoFlow


def test_speed_and_motion() -> None:
    flow = torch.tensor([3.0, 4.0])[:, None, None].expand(8, 2, 6, 7)
    found = VideoFlow(flow, "torch", "cuda:0", 2.0)
    assert found.pairs_per_second == 4
    assert found.mean_motion == 5
    assert str(found) == (
        "8 pairs in 2.0 s: 4.0 pairs/s by the engine torch on cuda:0; mean motion 5.00 px."
    )
    assert repr(found) == "VideoFlow(8 pairs by torch on cuda:0)"
