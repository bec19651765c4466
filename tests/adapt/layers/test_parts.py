"""Gradient reversal, schedules, losses, warm-up and batches against values by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from tcon.adapt.data.batches import EndlessBatches, step_generator
from tcon.adapt.layers.losses import (
    align_distribution,
    attention_loss,
    class_confusion,
    domain_accuracy,
    domain_loss,
    information_maximisation,
    masked_mean,
    pseudo_label_loss,
)
from tcon.adapt.layers.networks import Discriminator, draw_mask
from tcon.adapt.layers.reversal import reverse_gradient
from tcon.adapt.layers.schedules import dann_ramp, step_decay
from tcon.adapt.methods.base import State
from tcon.adapt.methods.tcon import warmup


@pytest.mark.parametrize("lam", [0.0, 0.3, 1.0])
def test_reversal_keeps_the_value_and_turns_the_gradient(lam: float) -> None:
    torch.manual_seed(0)
    disc = torch.nn.Linear(4, 1)
    x = torch.randn(5, 4, requires_grad=True)
    disc(x).square().sum().backward()
    plain, plain_weight = x.grad.clone(), disc.weight.grad.clone()
    x.grad, disc.weight.grad = None, None
    turned = reverse_gradient(x, lam)
    torch.testing.assert_close(turned, x)
    disc(turned).square().sum().backward()
    torch.testing.assert_close(x.grad, -lam * plain)
    torch.testing.assert_close(disc.weight.grad, plain_weight)  # the discriminator learns fully


def test_schedules() -> None:
    assert dann_ramp(0) == 0
    assert dann_ramp(0.1) == pytest.approx((1 - math.exp(-1)) / (1 + math.exp(-1)))
    assert dann_ramp(1) == pytest.approx(1, abs=1e-4)
    rates = [step_decay(epoch / 90) for epoch in range(90)]
    assert rates == pytest.approx([1.0] * 30 + [0.1] * 30 + [0.01] * 30)
    assert step_decay(1.0) == pytest.approx(0.01)


def test_domain_loss_is_binary_cross_entropy() -> None:
    logits = torch.tensor([[2.0, -1.0], [0.5, 3.0], [9.0, 9.0]])
    mask = torch.tensor([True, True, False])
    for label in (0, 1):
        expected = F.binary_cross_entropy_with_logits(logits[:2], torch.full((2, 2), float(label)))
        torch.testing.assert_close(domain_loss(logits, label, mask), expected)
        torch.testing.assert_close(domain_loss(logits[:2], label), expected)


def test_empty_masks_give_finite_zeros() -> None:
    x = torch.randn(3, 2, requires_grad=True)
    none = torch.zeros(3, dtype=torch.bool)
    total = masked_mean(x, none) + domain_loss(x, 0, none) + attention_loss(x, x * 2, none)
    total.backward()
    assert total == 0 and (x.grad == 0).all()


def test_discriminator_accuracy_is_balanced() -> None:
    ones, zeros = torch.tensor([1.0, 1.0, 1.0, -1.0]), torch.tensor([-1.0, 1.0, 1.0])
    mask = torch.tensor([True, True, False])
    assert domain_accuracy(ones, zeros, mask) == pytest.approx((0.75 + 0.5) / 2)


def test_attention_loss_sums_over_segments_and_averages_over_videos() -> None:
    a, b = torch.tensor([[0.5, 0.5], [1.0, 0.0]]), torch.tensor([[0.4, 0.6], [0.0, 1.0]])
    assert attention_loss(a, b, torch.tensor([True, True])) == pytest.approx((0.02 + 2) / 2)
    assert attention_loss(a, b, torch.tensor([True, False])) == pytest.approx(0.02)


def test_kinds_of_attention_loss() -> None:
    a, b, every = torch.tensor([[0.5, 0.5]]), torch.tensor([[0.25, 0.75]]), torch.tensor([True])
    divergence = 0.25 * math.log(0.25 / 0.5) + 0.75 * math.log(0.75 / 0.5)
    for kind, value in (("l1", 0.5), ("smooth_l1", 0.0625), ("kl", divergence)):
        assert attention_loss(a, b, every, kind) == pytest.approx(value)
    a = torch.tensor([[1.0, 0.0]], requires_grad=True)
    attention_loss(a, 1 - a.detach(), every, "kl").backward()
    assert a.grad.isfinite().all()


def test_pseudo_labels_take_confident_videos_alone() -> None:
    logits = torch.tensor([[4.0, 0.0], [0.0, 1.0], [0.0, 5.0]], requires_grad=True)
    cross_entropies = [math.log(1 + math.exp(-4)), math.log(1 + math.exp(-5))]
    loss, accepted = pseudo_label_loss(logits, 0.9)
    assert accepted.tolist() == [True, False, True]
    assert loss.item() == pytest.approx(sum(cross_entropies) / 3, rel=1e-4)
    loss, _ = pseudo_label_loss(logits, 0.9, per="accepted")
    assert loss.item() == pytest.approx(sum(cross_entropies) / 2, rel=1e-4)
    loss, _ = pseudo_label_loss(logits, 0.999, per="accepted")
    assert loss == 0


def test_information_is_greatest_for_certain_predictions_of_every_class() -> None:
    certain = 1e4 * torch.eye(4)  # the probabilities of all other classes underflow
    logits = certain.clone().requires_grad_()
    loss = information_maximisation(logits)
    loss.backward()
    assert loss.item() == pytest.approx(-math.log(4)) and logits.grad.isfinite().all()
    one_class = certain[:1].expand(4, 4).clone().requires_grad_()
    loss = information_maximisation(one_class)
    loss.backward()
    assert loss.item() == pytest.approx(0) and one_class.grad.isfinite().all()
    assert information_maximisation(torch.zeros(3, 4)).item() == pytest.approx(0, abs=1e-6)


def test_weights_of_class_confusion_are_constant_to_gradients() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(5, 3, generator=generator, dtype=torch.float64, requires_grad=True)
    p = (logits / 2.5).softmax(1)
    entropies = -(p * p.log()).sum(1).detach()
    weights = [1 + math.exp(-float(h)) for h in entropies]
    rows = [sum(w * p[n, i] * p[n] for n, w in enumerate(weights)) for i in range(3)]
    expected = sum(1 - row[i] / row.sum() for i, row in enumerate(rows)) / 3
    (gradient,) = torch.autograd.grad(expected, logits)
    (got,) = torch.autograd.grad(class_confusion(logits), logits)
    torch.testing.assert_close(got, gradient)


def test_class_confusion_where_no_video_can_be_of_a_class() -> None:
    logits = torch.tensor([[1e3, 0.0, -1e3], [0.0, 1e3, -1e3]], requires_grad=True)
    loss = class_confusion(logits)
    loss.backward()
    assert loss == 0 and logits.grad.isfinite().all()


def test_aligned_predictions_favour_classes_that_were_too_rare() -> None:
    p = torch.tensor([[0.6, 0.4], [0.8, 0.2]])
    aligned = align_distribution(p, torch.tensor([0.7, 0.3]), torch.tensor([0.5, 0.5]))
    expected = [[0.6 / 0.7, 0.4 / 0.3], [0.8 / 0.7, 0.2 / 0.3]]
    for row, weights in zip(aligned.tolist(), expected, strict=True):
        assert row == pytest.approx([w / sum(weights) for w in weights])
    assert aligned.argmax(1).tolist() == [1, 0]


def warm(
    ratio: float,
    steps: int,
    *,
    progress: float = 0.05,
    valid: bool = True,
    threshold: float | None = None,
) -> State:
    """The state after so many steps at which the loss is ``ratio`` of the uniform's, 1."""
    state = warmup.initial_state(torch.device("cpu"))
    for _ in range(steps):
        state = warmup.update(
            state,
            torch.tensor(ratio),
            torch.tensor(1.0),
            valid=torch.tensor(valid),
            progress=progress,
            config=warmup.WarmupConfig(threshold=threshold),
        )
    return state


def test_warm_up() -> None:
    assert warm(0.4, 100)["on"] and not warm(0.4, 99)["on"]  # at least 100 steps
    assert not warm(0.6, 300)["on"]  # the attention must explain half of the variance
    assert warm(0.4, 5, progress=0.1)["on"]  # or 10 % of the run
    assert warm(0.6, 1, progress=0.2)["on"]  # 20 % of the run at the latest
    assert not warm(0.4, 300, valid=False)["on"]  # batches without pairs say nothing


def test_warm_up_by_an_absolute_loss() -> None:
    assert warm(0.29, 100, threshold=0.3)["on"]
    assert not warm(0.31, 300, threshold=0.3)["on"]
    assert not warm(0.0, 300, valid=False, threshold=0.3)["on"]


def test_warm_up_remembers_the_first_step_that_uses_the_attention() -> None:
    assert warm(0.4, 99)["on_step"] == 0
    assert warm(0.4, 100)["on_step"] == 101  # steps count from 1
    assert warm(0.4, 150)["on_step"] == 101


def test_warm_up_stays_on() -> None:
    state = warm(0.4, 100)
    for _ in range(100):
        state = warmup.update(
            state,
            torch.tensor(9.0),
            torch.tensor(1.0),
            valid=torch.tensor(True),
            progress=0.05,
            config=warmup.WarmupConfig(),
        )
    assert state["on"]


@pytest.mark.parametrize(("videos", "batch"), [(7, 3), (5, 5), (3, 8), (1, 4)])
def test_batches_are_full_and_fair(videos: int, batch: int) -> None:
    batches = EndlessBatches(videos, batch, (0, 1))
    steps = 4 * videos
    drawn = np.concatenate([batches.batch(step) for step in range(steps)])
    assert len(drawn) == steps * batch
    for start in range(0, len(drawn), videos):  # each permutation holds every video once
        assert sorted(drawn[start : start + videos]) == list(range(videos))


def test_batches_follow_from_seed_and_step() -> None:
    a, b, other = (EndlessBatches(50, 8, seed) for seed in ((0, 1), (0, 1), (1, 1)))
    assert (a.batch(9) == b.batch(9)).all()
    assert (a.batch(9) != other.batch(9)).any()
    rounds = np.concatenate([EndlessBatches(50, 50, (0, 1)).batch(step) for step in (0, 1)])
    assert (rounds[:50] != rounds[50:]).any()  # reshuffled


def test_step_generators_differ_by_seed_and_step() -> None:
    cpu = torch.device("cpu")
    draws = {
        float(torch.rand((), generator=step_generator(s, t, cpu))) for s in (0, 1) for t in (0, 1)
    }
    assert len(draws) == 4


def test_dropout_mask_keeps_the_mean() -> None:
    mask = draw_mask((400, 400), 0.8, torch.Generator().manual_seed(0))
    assert sorted(mask.unique().tolist()) == pytest.approx([0, 5], rel=2e-5)
    assert float(mask.mean()) == pytest.approx(1, abs=0.03)


def test_discriminator_masks_both_hidden_layers() -> None:
    disc = Discriminator(6, 8, dropout=0.5)
    x, keep = torch.randn(3, 6), torch.ones(2, 3, 8)
    expected = disc.out(disc.second(disc.project(x).relu()).relu()).squeeze(-1)
    torch.testing.assert_close(disc(x, keep), expected)
    for layer in (0, 1):
        masks = keep.clone()
        masks[layer] = 0
        assert not torch.allclose(disc(x, masks), expected)
