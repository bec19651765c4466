"""Source-only training with both heads."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from order import accuracy, ordered_videos, train_briefly
from torch import Tensor

from tcon.adapt.methods import Sizes, SourceBatch, build
from tcon.adapt.methods.source_only import SourceOnly, SourceOnlyConfig
from tcon.cache import InputError

B, K, D_IN, C = 6, 4, 10, 3


def make(head: str, target_segments: int = K) -> SourceOnly:
    torch.manual_seed(0)
    sizes = Sizes(in_features=D_IN, source_segments=K, target_segments=target_segments, classes=C)
    return build("source_only", SourceOnlyConfig(features=8, head=head), sizes)


def data() -> tuple[SourceBatch, Tensor]:
    generator = torch.Generator().manual_seed(1)
    source, target = torch.rand(2, B, K, D_IN, generator=generator)
    return SourceBatch(source, torch.arange(B) % C), target


@pytest.mark.parametrize("head", ["tsn", "trn"])
def test_loss_is_the_cross_entropy_of_video_logits(head: str) -> None:
    method, (source, target) = make(head), data()
    draws = method.draw(B, B, torch.Generator().manual_seed(2))
    losses, _ = method.losses(source, target, progress=0.5, draws=draws, state={})
    f = method.bottleneck(source.features)
    if head == "tsn":
        segments = method.classifier(f, draws["classifier"])
        logits = torch.stack([row.mean(0) for row in segments])
    else:
        logits = method.classifier(f, draws["classifier"], draws["tuples"])
    torch.testing.assert_close(losses.total, F.cross_entropy(logits, source.labels))
    other, _ = method.losses(source, target * 9, progress=0.5, draws=draws, state={})
    assert torch.equal(other.total, losses.total)  # it looks at no target video


def test_tsn_takes_any_number_of_target_segments_and_trn_as_many_as_in_the_source() -> None:
    assert make("tsn", 7).predict(torch.rand(2, 7, D_IN)).shape == (2, C)
    with pytest.raises(InputError, match="the trn head needs as many source as target segments"):
        make("trn", 7)


def test_embedding_is_the_mean_segment_feature() -> None:
    method, (source, _) = make("trn"), data()
    f = method.bottleneck(source.features)
    torch.testing.assert_close(method.embed(source.features), sum(f.unbind(1)) / K)


def test_order_of_segments_is_seen_by_trn_alone() -> None:
    order = torch.tensor([2, 0, 3, 1])
    _, target = data()
    target = target.double()
    tsn, trn = make("tsn").double(), make("trn").double()
    torch.testing.assert_close(tsn.predict(target[:, order]), tsn.predict(target))
    assert not torch.allclose(trn.predict(target[:, order]), trn.predict(target), rtol=1e-3)


@pytest.mark.slow
def test_trn_separates_classes_that_differ_in_order_alone() -> None:
    source, test = ordered_videos(64, seed=0), ordered_videos(64, seed=1)
    found = {}
    for name, config in (
        ("source_only", SourceOnlyConfig(features=16, dropout=0.2)),
        ("trn", SourceOnlyConfig(features=16, dropout=0.2, head="trn")),
    ):
        found[name] = accuracy(train_briefly(name, config, source, source.features), test)
    assert found["trn"] > 0.95
    assert found["source_only"] < 0.7  # 64 videos: chance is 0.5 +- 0.06
