"""TA3N: its whole loss against plain loops, its attention, and who hears which gradient."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from order import accuracy, ordered_videos, train_briefly
from torch import Tensor, nn

from tcon.adapt.layers.domain_attention import attentive_entropy, domain_attention, domain_entropy
from tcon.adapt.layers.schedules import dann_ramp
from tcon.adapt.methods import Losses, Sizes, SourceBatch, build
from tcon.adapt.methods.base import Draws
from tcon.adapt.methods.ta3n import Ta3n, Ta3nConfig

BS, BT, K, D_IN, C = 4, 3, 4, 10, 3
SMALL = Ta3nConfig(features=8, dropout=0.5)
BRANCHES = ("frame", "relation", "video")


def make(config: Ta3nConfig = SMALL) -> Ta3n:
    torch.manual_seed(0)
    sizes = Sizes(in_features=D_IN, source_segments=K, target_segments=K, classes=C)
    method = build("ta3n", config, sizes).double()
    for branch in (method.branch_frame, *method.branch_relation, method.branch_video):
        nn.init.normal_(branch[2].weight)  # surer domains, so that the attention differs
    return method


def data() -> tuple[SourceBatch, Tensor]:
    generator = torch.Generator().manual_seed(1)
    source = torch.rand(BS, K, D_IN, generator=generator).double()
    target = torch.rand(BT, K, D_IN, generator=generator).double() + 0.3
    return SourceBatch(source, torch.arange(BS) % C), target


def fixed_draws(method: Ta3n) -> Draws:
    draws = method.draw(BS, BT, torch.Generator().manual_seed(2))
    return {name: mask.double() for name, mask in draws.items()}


def step(method: Ta3n, *, progress: float = 0.5) -> Losses:
    source, target = data()
    draws = fixed_draws(method)
    return method.losses(source, target, progress=progress, draws=draws, state={})[0]


def dense(layer: nn.Linear, x: np.ndarray) -> np.ndarray:
    return layer.weight.detach().numpy() @ x + layer.bias.detach().numpy()


def judge(branch: nn.Sequential, x: np.ndarray) -> float:
    """Probability of the target domain."""
    z = dense(branch[2], np.maximum(dense(branch[0], x), 0)).item()
    return 1 / (1 + math.exp(-z))


def entropy(p: np.ndarray) -> float:
    return -sum(q * math.log(q) for q in p)


def expected_losses(method: Ta3n) -> dict[str, float]:
    """Every term of the loss, video after video."""
    config, draws = method.config, {n: m.numpy() for n, m in fixed_draws(method).items()}
    source, target = data()
    everywhere = config.dropout_on == "features"
    terms: dict[str, list[float]] = {name: [] for name in ("class", "entropy", *BRANCHES)}
    for n, video in enumerate([*source.features.numpy(), *target.numpy()]):
        is_target = n >= BS
        f = np.stack([np.maximum(dense(method.bottleneck[0], x), 0) for x in video])
        if everywhere:
            f = f * draws["segment"][n]

        def bce(p: float, is_target: bool = is_target) -> float:
            return -math.log(p if is_target else 1 - p)

        terms["frame"] += [bce(judge(method.branch_frame, x)) for x in f]
        v = np.zeros(256)
        rows = method.relations.evenly.split(method.relations.chosen)
        for scale, chosen, branch in zip(
            method.relations.scales, rows, method.branch_relation, strict=True
        ):
            tuples = scale.tuples[chosen].tolist()
            r = sum(np.maximum(dense(scale.linear, f[t].ravel()), 0) for t in tuples)
            p = judge(branch, r)
            terms["relation"].append(bce(p))
            w = 1 - entropy(np.array([p, 1 - p]))
            v += (1 + w) * r if config.attention else r
        dropped = v * draws["video"][n]
        p_video = judge(method.branch_video, dropped if everywhere else v)
        terms["video"].append(bce(p_video))
        logits = dense(method.classifier, dropped)
        p = np.exp(logits) / np.exp(logits).sum()
        if not is_target:
            terms["class"].append(-math.log(p[source.labels[n]]))
        terms["entropy"].append((1 + entropy(np.array([p_video, 1 - p_video]))) * entropy(p))
    means = {name: float(np.mean(values)) for name, values in terms.items()}
    total = means["class"] + sum(means[name] for name in BRANCHES)
    return {**means, "total": total + config.attention * config.gamma * means["entropy"]}


@pytest.mark.parametrize("attention", [True, False])
@pytest.mark.parametrize("dropout_on", ["classifier", "features"])
def test_loss_equals_plain_loops(attention: bool, dropout_on: str) -> None:
    config = replace(SMALL, attention=attention, dropout_on=dropout_on, gamma=0.7)
    method = make(config)
    losses, expected = step(method), expected_losses(method)
    assert losses.total.item() == pytest.approx(expected["total"], rel=1e-9)
    assert losses.logs["source_class"].item() == pytest.approx(expected["class"], rel=1e-9)
    for name in BRANCHES:
        got = losses.logs[f"{name}_domain"].item()
        assert got == pytest.approx(expected[name], rel=1e-9)
    if attention:
        got = losses.logs["attentive_entropy"].item()
        assert got == pytest.approx(expected["entropy"], rel=1e-9)
    else:
        assert "attentive_entropy" not in losses.logs


def test_domain_entropy_is_that_of_two_logits() -> None:
    z = torch.tensor([-40.0, -3.0, -0.1, 0.0, 0.5, 2.0, 40.0, 1000.0])
    p = torch.stack([torch.zeros_like(z), z], 1).double().softmax(1)
    expected = torch.special.entr(p).sum(1).float()
    torch.testing.assert_close(domain_entropy(z), expected, atol=1e-7, rtol=1e-6)
    assert domain_attention(torch.zeros(1)).item() == pytest.approx(1 - math.log(2))
    w = domain_attention(torch.linspace(-200, 200, 10001))
    assert w.min() >= 1 - math.log(2) - 1e-6 and w.max() <= 1


def test_domain_entropy_has_the_right_gradient() -> None:
    z = torch.tensor([-3.0, -0.1, 0.0, 0.5, 2.0], dtype=torch.float64, requires_grad=True)
    (grad,) = torch.autograd.grad(domain_entropy(z).sum(), z)
    s = z.detach().sigmoid()
    torch.testing.assert_close(grad, -z.detach() * s * (1 - s))  # dH/dz by hand


def test_attentive_entropy_by_hand() -> None:
    uniform, sure = torch.zeros(1, 4), torch.tensor([[100.0, 0, 0, 0]])
    logits, domain = torch.cat([uniform, sure]), torch.tensor([0.0, 0.0])
    expected = (1 + math.log(2)) * math.log(4) / 2
    assert attentive_entropy(logits, domain).item() == pytest.approx(expected)
    assert attentive_entropy(logits, domain + 100).item() == pytest.approx(math.log(4) / 2)


@pytest.mark.parametrize("name", BRANCHES)
def test_branch_learns_and_the_features_are_reversed(name: str) -> None:
    """Without attention a branch's loss is all that its lambda scales."""
    zero = replace(SMALL, attention=False, lambda_frame=0.0, lambda_relation=0.0, lambda_video=0.0)
    with_lambda = replace(zero, **{f"lambda_{name}": 2.0})
    silent, heard = make(zero), make(with_lambda)
    step(silent).total.backward()
    step(heard).total.backward()
    difference = heard.bottleneck[0].weight.grad - silent.bottleneck[0].weight.grad

    # The branch's own loss, of which the features hear -2 * ramp.
    plain = make(with_lambda)
    source, target = data()
    f = plain.bottleneck(torch.cat([source.features, target]))
    r = plain.relations(f)
    logits = {
        "frame": lambda: plain.branch_frame(f),
        "relation": lambda: torch.stack([b(r[:, s]) for s, b in enumerate(plain.branch_relation)]),
        "video": lambda: plain.branch_video(r.sum(1)),
    }[name]().squeeze(-1)
    logits = logits.T if name == "relation" else logits
    is_target = (torch.arange(BS + BT) >= BS).double()
    truth = is_target.view(-1, *[1] * (logits.dim() - 1)).expand_as(logits)
    nn.functional.binary_cross_entropy_with_logits(logits, truth).backward()
    expected = -2 * dann_ramp(0.5) * plain.bottleneck[0].weight.grad
    torch.testing.assert_close(difference, expected)
    module = f"branch_{name}"
    for got, own in zip(
        getattr(heard, module).parameters(), getattr(plain, module).parameters(), strict=True
    ):
        torch.testing.assert_close(got.grad, own.grad)  # the branch itself learns fully


def test_class_loss_reaches_the_relation_branches_through_the_attention() -> None:
    """As in the authors' code, where the attention is not detached."""
    for attention in (True, False):
        method = make(replace(SMALL, attention=attention))
        method.predict(data()[0].features).square().sum().backward()
        grads = [branch[0].weight.grad for branch in method.branch_relation]
        assert all((g is not None and bool(g.any())) == attention for g in grads)


def test_lambdas_grow_or_are_constant() -> None:
    for schedule, start in (("dann", 0.0), ("constant", 1.0)):
        method = make(replace(SMALL, lambda_schedule=schedule))
        assert step(method, progress=0.0).logs["lambda_d"] == start
        assert step(method, progress=1.0).logs["lambda_d"] == pytest.approx(1, abs=1e-4)


def test_prediction_is_deterministic_and_the_same_for_both_domains() -> None:
    method, (source, target) = make(), data()
    torch.manual_seed(3)
    logits = method.predict(torch.cat([source.features, target]))
    del method.branch_frame, method.branch_video  # training's alone
    torch.manual_seed(4)
    torch.testing.assert_close(method.predict(target), logits[BS:])
    torch.testing.assert_close(method.predict(source.features), logits[:BS])
    attention = domain_attention(method._video(method.bottleneck(target))[1])
    assert attention.shape == (BT, K - 1)
    assert attention.std() > 0.01
    assert (attention >= 1 - math.log(2)).all() and (attention <= 1).all()


@pytest.mark.slow
def test_order_of_segments_alone_separates_classes_across_domains() -> None:
    source = ordered_videos(64, seed=0)
    target, test = (ordered_videos(64, seed=seed, shift=0.2) for seed in (1, 2))
    config = Ta3nConfig(features=16, dropout=0.2)
    for attention in (True, False):
        method = train_briefly(
            "ta3n", replace(config, attention=attention), source, target.features
        )
        assert accuracy(method, test) > 0.95
