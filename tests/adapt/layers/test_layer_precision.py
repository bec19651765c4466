"""What stays float32 in a run in bf16, and how dropout masks are drawn in either."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pytest
import torch

from tcon.adapt.layers.coattention import coattention, mix_rows, self_attention
from tcon.adapt.layers.mmd import mk_mmd
from tcon.adapt.layers.networks import Discriminator, SegmentClassifier, TargetAttention, draw_mask
from tcon.adapt.layers.precision import full_precision, multiplying_in, narrow
from tcon.adapt.layers.reversal import reverse_gradient
from tcon.adapt.methods import AlignmentConfig, Sizes, entry

CPU = torch.device("cpu")


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_scores_lose_no_digits_in_bf16() -> None:
    """Of features that bf16 can hold the scores are those of float32, to the bit."""
    fs, ft = (random(5, 4, 32, seed=seed).relu().bfloat16() for seed in (1, 2))
    pairs = torch.tensor([0, 4, 2]), torch.tensor([3, 3, 0])
    expected = coattention(fs.float(), ft.float(), *pairs)
    distance = mk_mmd(fs.float().mean(1), ft.float().mean(1))
    with multiplying_in("bf16", CPU):
        found = coattention(fs, ft, *pairs)
        assert torch.equal(self_attention(fs), self_attention(fs.float()))
        assert torch.equal(mk_mmd(fs.float().mean(1), ft.float().mean(1)), distance)
        assert (fs.float() @ ft.float().mT).dtype == torch.bfloat16  # outside of these it is bf16
    assert found.dtype == torch.float32 and torch.equal(found, expected)


class Both(NamedTuple):
    a: torch.Tensor
    b: torch.Tensor


@full_precision
def one_by_one(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return a @ b


@full_precision
def as_options(*, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return a @ b


@full_precision
def as_fields(both: Both) -> torch.Tensor:
    return both.a @ both.b


@full_precision
def as_items(both: dict[str, list[tuple[int, torch.Tensor]]]) -> torch.Tensor:
    (_, a), (_, b) = both["both"]
    return a @ b


@pytest.mark.parametrize(
    "product",
    [
        one_by_one,
        lambda a, b: as_options(a=a, b=b),
        lambda a, b: as_fields(Both(a, b)),
        lambda a, b: as_items({"both": [(0, a), (1, b)]}),
    ],
    ids=["arguments", "options", "named tuple", "nested"],
)
def test_every_tensor_is_widened(
    product: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
) -> None:
    a, b = random(3, 8).bfloat16(), random(8, 2, seed=1).bfloat16()
    expected = a.float() @ b.float()
    with multiplying_in("bf16", CPU):
        assert torch.equal(product(a, b), expected)
    assert torch.equal(product(a.float(), b.float()), expected)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_full_precision_needs_a_tensor(precision: str) -> None:
    with multiplying_in(precision, CPU), pytest.raises(TypeError, match="as_items .* no argument"):
        as_items({"both": []})


def test_dan_loses_no_digits_of_the_mean_over_segments() -> None:
    sizes = Sizes(in_features=16, classes=2, source_segments=3, target_segments=3)
    dan = entry("dan").method(AlignmentConfig(), sizes)
    fs, ft = (random(5, 3, 16, seed=seed).bfloat16() for seed in (1, 2))
    expected, _ = dan.align(fs.float(), ft.float(), 0.7, {})
    with multiplying_in("bf16", CPU):
        found, _ = dan.align(fs, ft, 0.7, {})
    assert torch.equal(found, expected)


def test_outputs_are_float32() -> None:
    f = random(3, 4, 8)
    with multiplying_in("bf16", CPU):
        classifier = SegmentClassifier(8, 5, dropout=0.5)
        disc = Discriminator(8, 6, dropout=0.5)
        masks = disc.draw((3, 4), torch.Generator())
        assert masks.dtype == torch.bfloat16  # nothing is promoted on the way
        outputs = classifier(f), disc(f, masks), TargetAttention(8, 4)(f)
    assert [x.dtype for x in outputs] == [torch.float32] * 3


def test_double_precision_is_kept() -> None:
    disc, f = Discriminator(8, 6, dropout=0.5).double(), random(3, 8).double()
    assert disc(f, torch.ones(2, 3, 6, dtype=torch.float64)).dtype == torch.float64
    assert narrow(f) is f


def test_the_reversal_is_the_identity_in_bf16() -> None:
    x = random(1000).bfloat16().requires_grad_()
    y = reverse_gradient(x, 0.37)
    assert torch.equal(y, x)
    y.sum().backward()
    assert torch.equal(x.grad, torch.full_like(x, -0.37))


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_rows_are_mixed_alike_in_both(precision: str) -> None:
    weights, segments = random(7, 3).softmax(1), random(5, 3, 11, seed=1)
    video = torch.tensor([4, 0, 0, 2, 4, 1, 3])
    expected = [
        sum(weights[r, k] * segments[video[r], k] for k in range(3)) for r in range(len(video))
    ]
    segments = segments.bfloat16() if precision == "bf16" else segments
    tolerance = {"fp32": 1e-6, "bf16": 3e-2}[precision]
    with multiplying_in(precision, CPU):
        mixed = mix_rows(weights, segments, video).float()
    torch.testing.assert_close(mixed, torch.stack(expected), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 0.8, 0.99999])
@pytest.mark.parametrize("count", [1, 63, 64, 65, 100_000])
def test_masks_keep_as_many_as_they_should(p: float, count: int) -> None:
    mask = draw_mask((count,), p, torch.Generator().manual_seed(count))
    kept = mask != 0
    assert mask.shape == (count,) and mask[kept].unique().numel() <= 1
    if count == 100_000:
        deviation = (p * (1 - p) / count) ** 0.5
        assert float(kept.float().mean()) == pytest.approx(1 - p, abs=5 * deviation + 1e-5)
        # Neighbours and those of another byte or word are kept independently.
        for distance in (1, 7, 8, 63, 64):
            both = (kept[:-distance] & kept[distance:]).float().mean()
            assert float(both) == pytest.approx((1 - p) ** 2, abs=5 * deviation + 1e-5)


@pytest.mark.parametrize(("precision", "kept"), [("fp32", 65536 / 58982), ("bf16", 1.109375)])
def test_what_is_kept_grows_as_the_type_can_hold_it(precision: str, kept: float) -> None:
    with multiplying_in(precision, CPU):
        mask = draw_mask((1000,), 0.1, torch.Generator().manual_seed(0))
    assert float(mask.max()) == pytest.approx(kept, rel=1e-7)


@pytest.mark.parametrize("p", [0.3, 0.5])
def test_masks_are_the_same_in_both(p: float) -> None:
    full = draw_mask((300,), p, torch.Generator().manual_seed(1))
    with multiplying_in("bf16", CPU):
        half = draw_mask((300,), p, torch.Generator().manual_seed(1))
    assert half.dtype == torch.bfloat16 and torch.equal(half != 0, full != 0)
    assert not torch.equal(full, draw_mask((300,), p, torch.Generator().manual_seed(2)))
