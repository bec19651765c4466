"""The TCoN method: what its losses and predictions must and must not depend on."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from tcon.adapt.layers.coattention import (
    align,
    alignment_weights,
    coattention,
    joint_normalise,
    mean_over_pairs,
)
from tcon.adapt.layers.pairs import PairConfig
from tcon.adapt.layers.schedules import dann_ramp
from tcon.adapt.methods import Losses, Sizes, SourceBatch, build
from tcon.adapt.methods.tcon.discriminators import TconDiscriminatorConfig
from tcon.adapt.methods.tcon.method import Tcon
from tcon.adapt.methods.tcon.options import PseudoConfig, TconConfig

B, K, D_IN, C = 6, 4, 10, 3
PARTS = ("bottleneck", "classifier", "attention", "discriminators")
SMALL = TconConfig(
    features=8,
    att_hidden=5,
    attention_features="same",
    detach_source_att=False,
    detach_ga_input=False,
    pair=PairConfig(rule="all", max_pairs=20),
    disc=TconDiscriminatorConfig(hidden=7, max_segments=1000),
)


def make(config: TconConfig = SMALL, segments: int = K) -> Tcon:
    torch.manual_seed(0)
    method = build(
        "tcon",
        config,
        Sizes(in_features=D_IN, source_segments=segments, target_segments=segments, classes=C),
    )
    torch.nn.init.normal_(method.classifier.linear.weight)  # TSN's init is almost flat
    return method


def data(segments: int = K) -> tuple[SourceBatch, Tensor]:
    generator = torch.Generator().manual_seed(1)
    source = torch.rand(B, segments, D_IN, generator=generator)
    target = torch.rand(B, segments, D_IN, generator=generator) + 0.3
    return SourceBatch(source, torch.arange(B) % C), target


def step(method: Tcon, *, progress: float = 0.5, on: bool = True, segments: int = K) -> Losses:
    source, target = data(segments)
    draws = method.draw(B, B, torch.Generator().manual_seed(2))
    state = method.initial_state(torch.device("cpu")) | {"on": torch.tensor(on)}
    return method.losses(source, target, progress=progress, draws=draws, state=state)[0]


def gradient(method: Tcon, **options: float) -> Tensor:
    """Of the total loss, with respect to G_f's weight."""
    (grad,) = torch.autograd.grad(step(method, **options).total, method.bottleneck[0].weight)
    return grad


@pytest.mark.parametrize("on", [False, True])
def test_total_equals_the_equations_put_together(on: bool) -> None:
    """(7), (8), (10), (11) written out from the pure functions, without any shortcut."""
    config = replace(SMALL, pseudo=PseudoConfig(threshold=0.4), lambda_a=3.0)
    method, (source, target) = make(config), data()
    draws = method.draw(B, B, torch.Generator().manual_seed(2))
    losses = step(method, on=on)

    fs, ft = method.bottleneck(source.features), method.bottleneck(target)
    zs = method.classifier.linear(fs * draws["class_source"])
    zt = method.classifier.linear(ft * draws["class_target"])
    order = draws["pair_order"].flatten().argsort()[:20]
    si, ti = order // B, order % B
    a_co = coattention(F.normalize(fs, dim=-1), F.normalize(ft, dim=-1), si, ti)
    p, every = joint_normalise(a_co), torch.ones(20, dtype=torch.bool)
    a_s = mean_over_pairs(p.sum(2), si, every, B)
    a_t = mean_over_pairs(p.sum(1), ti, every, B)
    predicted = method.attention(ft)
    a_hat = predicted if on else torch.full((B, K), 1 / K)
    out_s = torch.stack([sum(a_s[i, j] * zs[i, j] for j in range(K)) for i in range(B)])
    out_t = torch.stack([sum(a_hat[i, j] * zt[i, j] for j in range(K)) for i in range(B)])
    c_y = F.cross_entropy(out_s, source.labels)
    if on:
        for row in out_t:
            q = row.detach().softmax(0)
            if q.max() >= 0.4:
                c_y = c_y + F.cross_entropy(row, q.argmax()) / B
    with_pair = [i for i in range(B) if i in ti]
    c_a = sum((predicted[i] - a_t[i]).square().sum() for i in with_pair) / len(with_pair)

    aligned = align(alignment_weights(a_co, norm="joint", tau=0.02), fs, si)  # [N, K, D]
    bce = F.binary_cross_entropy_with_logits
    disc_video, disc_segment = (disc.net for disc in method.discriminators.values())
    ones = disc_video(ft.flatten(1), draws["video_target"])
    zeros = disc_video(aligned.flatten(1), draws["video_aligned"])
    c_dv = bce(ones, torch.ones(B)) + bce(zeros, torch.zeros(20))
    ones = disc_segment(fs, draws["segment_real"])
    rows = draws["segment_order"].flatten().argsort()
    zeros = disc_segment(aligned.flatten(0, 1)[rows], draws["segment_aligned"])
    c_ds = bce(ones, torch.ones(B, K)) + bce(zeros, torch.zeros(20 * K))

    torch.testing.assert_close(losses.total, c_y + 3 * c_a + c_dv + c_ds)
    for name, value in (("video_domain", c_dv), ("segment_domain", c_ds), ("attention", c_a)):
        torch.testing.assert_close(losses.logs[name], value.detach())

    # Gradients: the truth of (7) is fixed, everything else hears the losses, reversed or not.
    lam = dann_ramp(0.5)
    groups = {name: list(getattr(method, name).parameters()) for name in PARTS}
    whole = [p for parameters in groups.values() for p in parameters]

    def grads(loss: Tensor) -> list[Tensor]:
        found = torch.autograd.grad(loss, whole, retain_graph=True, allow_unused=True)
        return [torch.zeros_like(p) if g is None else g for p, g in zip(whole, found, strict=True)]

    a_t = a_t.detach()
    c_a = sum((predicted[i] - a_t[i]).square().sum() for i in with_pair) / len(with_pair)
    plain, adversarial = grads(c_y + 3 * c_a), grads(c_dv + c_ds)
    features = len(groups["bottleneck"])
    for n, got in enumerate(grads(losses.total)):
        sign = -lam if n < features else 1.0
        torch.testing.assert_close(got, plain[n] + sign * adversarial[n], rtol=1e-4, atol=1e-6)


def test_losses_are_pure() -> None:
    method = make()
    before = {name: value.clone() for name, value in method.state_dict().items()}
    first, second = step(method), step(method)
    assert torch.equal(first.total, second.total)
    assert all(torch.equal(value, before[name]) for name, value in method.state_dict().items())


def test_segment_discriminator_is_fooled_or_with_the_literal_sign_helped() -> None:
    """The two readings differ by twice the segment loss's gradient, with opposite signs."""
    adversarial, literal = make(), make(replace(SMALL, seg_adv="literal"))
    difference = gradient(adversarial) - gradient(literal)
    before = step(adversarial).logs["segment_domain"]
    for sign, helped in ((-1, False), (1, True)):  # a descent step on either reading's part
        moved = make()
        with torch.no_grad():
            moved.bottleneck[0].weight += sign * 0.1 * difference
        after = step(moved).logs["segment_domain"]
        assert (after < before) if helped else (after > before)


def test_video_discriminator_is_fooled() -> None:
    config = replace(SMALL, lambda_a=0.0)
    no_reversal = gradient(make(replace(config, lambda_d=0.0)))
    literal = make(replace(config, seg_adv="literal"))
    adversarial = make(config)
    # The mean of both readings has no segment part: what is left is the video discriminator's.
    video = (gradient(adversarial) + gradient(literal)) / 2 - no_reversal
    before = step(adversarial).logs["video_domain"]
    with torch.no_grad():
        adversarial.bottleneck[0].weight -= 0.1 * video
    assert step(adversarial).logs["video_domain"] > before


def test_at_the_start_discriminators_learn_but_the_features_do_not_hear_them() -> None:
    method = make()
    step(method, progress=0.0).total.backward()  # the ramp starts at 0
    for disc in method.discriminators.values():
        assert all(p.grad.abs().sum() > 0 for p in disc.parameters())
    heard = method.bottleneck[0].weight.grad
    with torch.no_grad():
        for disc in method.discriminators.values():
            disc.net.project.weight.zero_()  # now they can say nothing
    torch.testing.assert_close(gradient(method, progress=0.0), heard)
    assert not torch.allclose(gradient(make(), progress=0.5), heard)


def test_batch_without_pairs_is_finite_and_trains_on_source_labels_alone() -> None:
    method = make(replace(SMALL, pair=PairConfig(threshold=2.0)))
    losses = step(method, on=False)
    assert losses.logs["pairs"] == 0
    torch.testing.assert_close(losses.total, losses.logs["source_class"])
    losses.total.backward()
    grads = [p.grad for p in method.parameters()]
    assert all(g is None or g.isfinite().all() for g in grads)
    assert method.discriminators.video.net.project.weight.grad.abs().sum() == 0


def test_one_segment_is_finite() -> None:
    method = make(segments=1)
    losses = step(method, segments=1)
    losses.total.backward()
    assert losses.total.isfinite()
    assert all(p.grad.isfinite().all() for p in method.parameters())


@pytest.mark.slow
def test_subset_of_aligned_segments_estimates_their_mean() -> None:
    few = make(replace(SMALL, disc=replace(SMALL.disc, max_segments=16, dropout=0.0)))
    whole = step(make(replace(SMALL, disc=replace(SMALL.disc, dropout=0.0)))).logs["segment_domain"]
    source, target = data()
    estimates = []
    for seed in range(200):
        draws = few.draw(B, B, torch.Generator().manual_seed(2))
        draws["segment_order"] = torch.rand(20, K, generator=torch.Generator().manual_seed(seed))
        state = few.initial_state(torch.device("cpu"))
        losses, _ = few.losses(source, target, progress=0.5, draws=draws, state=state)
        estimates.append(losses.logs["segment_domain"])
    estimates = torch.stack(estimates)
    error = estimates.std() / len(estimates) ** 0.5
    assert estimates.std() > 0
    assert (estimates.mean() - whole).abs() < 4 * error


@pytest.mark.parametrize("key", ["detach_align", "detach_source_att", "detach_ga_input"])
def test_detaching_changes_the_gradient_and_not_the_loss(key: str) -> None:
    attached, detached = make(), make(replace(SMALL, **{key: True}))
    assert torch.equal(step(attached).total, step(detached).total)
    assert not torch.allclose(gradient(attached), gradient(detached), rtol=1e-6, atol=0)


def test_prediction_ignores_the_order_of_segments() -> None:
    method, (_, target) = make(), data()
    order = torch.tensor([2, 0, 3, 1])
    logits = method.predict(target)
    torch.testing.assert_close(method.predict(target[:, order]), logits)
    assert not torch.allclose(method.predict(target * 1.5), logits)


def test_prediction_needs_neither_source_nor_discriminators() -> None:
    method, (_, target) = make(), data()
    logits = method.predict(target)
    del method.discriminators
    assert torch.equal(method.predict(target), logits)
    f = method.bottleneck(target[:1])
    attention = F.softmax(method.attention[2](method.attention[1](method.attention[0](f))), dim=1)
    expected = (attention * method.classifier.linear(f)).sum(1)
    torch.testing.assert_close(logits[:1], expected)
