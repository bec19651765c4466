"""No repr prints an array, however large: a notebook shows them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from tcon.adapt.data.domains import Domains, Videos
from tcon.adapt.end_to_end.clips.videos import ClipVideos
from tcon.adapt.methods.base import Losses, SegmentVotes, SourceBatch
from tcon.cache import Packed, Snippets
from tcon.cache.common.short import short_repr
from tcon.extract.backbones import LoadedBackbone, get_spec
from tcon.extract.flow.fields import GreyFrames
from tcon.extract.flow.tvl1 import Flows
from tcon.extract.machine.batching import Batch
from tcon.extract.machine.devices import Result
from tcon.extract.snippets.reading import Chunk, Decoded

N = 5000
IDS = tuple(map(str, range(N)))
ONE, TWO = torch.zeros(N), torch.zeros(N, 4)
VIDEOS = Videos(IDS, TWO, ONE, ONE, None)
CLIPS = ClipVideos("source", IDS, tuple(range(N)), ONE, ONE, 64)
GREY = GreyFrames(TWO.numpy(), ONE.numpy(), ONE.numpy(), 0, "a")


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (SourceBatch(TWO, ONE), "SourceBatch(features=[5000, 4] float32, labels=[5000] float32)"),
        (Losses(ONE, {"loss": ONE}), "Losses(total=[5000] float32, logs={'loss': [5000] float32})"),
        (SegmentVotes(None, TWO), "SegmentVotes(attention=None, logits=[5000, 4] float32)"),
        (VIDEOS, "Videos(ids=<5000 entries>, features=[5000, 4] float32, "),
        (CLIPS, "ClipVideos(domain='source', ids=<5000 entries>, rows=<5000 entries>, "),
        (
            Domains(None, VIDEOS, None, VIDEOS, VIDEOS, "inductive", {"source": {"mean": ONE}}),
            "statistics={'source': {'mean': [5000] float32}})",
        ),
        (Packed(TWO.numpy(), ONE.numpy(), ONE.numpy(), ONE.numpy()), "features 5000x4"),
        (Snippets(TWO.numpy(), ONE.numpy()), "Snippets(features 5000x4)"),
        (Result(TWO), "Result(features=[5000, 4] float32, early_stopped=0)"),
        (Flows(TWO, ONE), "Flows(flow=[5000, 4] float32, early_stopped=[5000] float32)"),
        (Batch("rgb", TWO, [*IDS]), "Batch(modality='rgb', images=[5000, 4] float32, videos="),
        (GREY, "GreyFrames(frames=[5000, 4] float32, "),
        (Chunk(0, "rgb", TWO), "Chunk(part=0, modality='rgb', snippets=[5000, 4] float32)"),
        (Chunk(0, "flow", GREY), "Chunk(part=0, modality='flow', snippets=GreyFrames("),
        (Decoded(9, 25.0, {"rgb": np.zeros(N, int)}, {}, 2.5, "pyav", ""), "[5000] int64"),
        (
            LoadedBackbone(get_spec("resnet18"), nn.Linear(9, 9), "random", "", (TWO, ONE)),
            "LoadedBackbone(resnet18, weights 'random')",
        ),
    ],
)
def test_a_repr_gives_shapes(record: object, said: str) -> None:
    assert said in repr(record)
    assert "0." not in repr(record)
    assert len(repr(record)) < 600


def test_short_sequences_are_shown() -> None:
    assert short_repr(Batch("rgb", torch.zeros(2), ["a"])).endswith("videos=('a',))")
