"""The mean teacher: its losses by loops, what it sees, and that it is what predicts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from tcon.adapt.layers.schedules import dann_ramp
from tcon.adapt.methods import Losses, Sizes, SourceBatch, build, entry
from tcon.adapt.methods.base import State
from tcon.adapt.methods.ema import MeanTeacher

BS, BT, KS, KT, M, D_IN, C = 6, 5, 3, 2, 2, 7, 3
DECAY, THRESHOLD, LAM = 0.8, 0.95, 0.7 * dann_ramp(0.3)


@pytest.fixture
def method() -> MeanTeacher:
    config = replace(entry("ema").config, features=8, dropout=0.5, lambda_d=0.7, decay=DECAY)
    config = replace(config, pseudo=replace(config.pseudo, threshold=THRESHOLD))
    sizes = Sizes(in_features=D_IN, source_segments=KS, target_segments=KT, classes=C)
    torch.manual_seed(0)
    made = build("ema", config, sizes).double()
    assert isinstance(made, MeanTeacher)
    torch.nn.init.normal_(made.classifier.linear.weight)  # TSN's init is almost flat
    torch.nn.init.normal_(made.teacher.classifier.linear.weight)
    return made


def data() -> tuple[SourceBatch, Tensor]:
    generator = torch.Generator().manual_seed(1)
    source = torch.randn(BS, KS * M, D_IN, generator=generator, dtype=torch.float64)
    target = torch.randn(BT, KT * M, D_IN, generator=generator, dtype=torch.float64) + 0.3
    return SourceBatch(source, torch.arange(BS) % C), target


def draw(method: MeanTeacher) -> dict[str, Tensor]:
    draws = method.draw(BS, BT, torch.Generator().manual_seed(2))
    return {name: x.double() if x.is_floating_point() else x for name, x in draws.items()}


def step(method: MeanTeacher, target: Tensor | None = None) -> tuple[Losses, State]:
    source, given = data()
    state = method.initial_state(torch.device("cpu"))
    target = given if target is None else target
    return method.losses(source, target, progress=0.3, draws=draw(method), state=state)


def logits(weights: dict[str, np.ndarray], snippets: list[np.ndarray], masks: object) -> np.ndarray:
    """Of a video [C], from its snippets one by one."""
    total = 0.0
    for x, mask in zip(snippets, masks, strict=True):
        f = np.maximum(weights["bottleneck.0.weight"] @ x + weights["bottleneck.0.bias"], 0)
        total += (
            weights["classifier.linear.weight"] @ (f * mask) + weights["classifier.linear.bias"]
        )
    return total / len(snippets)


def softmax(z: np.ndarray) -> np.ndarray:
    return np.exp(z) / np.exp(z).sum()


def test_losses_equal_loops(method: MeanTeacher) -> None:
    student = {name: value.numpy() for name, value in method.state_dict().items()}
    teacher = {
        name: DECAY * student[f"teacher.{name}"] + (1 - DECAY) * student[name]
        for name in method.initial_state(torch.device("cpu"))
    }
    (source, labels), target = data()
    draws = {name: x.numpy() for name, x in draw(method).items()}

    def of_domain(name: str, videos: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """The student's logits and the teacher's probabilities."""
        outs, taught = [], []
        for n, video in enumerate(videos):
            seen = draws[f"seen_{name}"][n]
            mine = [video[M * k + s] for k, s in enumerate(seen)]
            other = [video[M * k + 1 - s] for k, s in enumerate(seen)]
            outs.append(logits(student, mine, draws[f"class_{name}"][n]))
            taught.append(softmax(logits(teacher, other, [1.0] * len(other))))
        return outs, taught

    out_s, p_s = of_domain("source", source.numpy())
    out_t, p_t = of_domain("target", target.numpy())
    c_source = -sum(np.log(softmax(z)[y]) for z, y in zip(out_s, labels, strict=True)) / BS
    enough = THRESHOLD * sum(p.max() for p in p_s) / BS
    c_pseudo, accepted = 0.0, 0
    for z, p in zip(out_t, p_t, strict=True):
        aligned = p * (sum(p_s) / BS) / (sum(p_t) / BT)
        aligned /= aligned.sum()
        if aligned.max() >= enough:
            accepted += 1
            c_pseudo -= np.log(softmax(z)[aligned.argmax()]) / BT

    losses, state = step(method)
    assert 0 < accepted < BT
    assert float(losses.logs["pseudo_rate"]) == pytest.approx(accepted / BT)
    assert float(losses.logs["pseudo_class"]) == pytest.approx(c_pseudo, rel=1e-9)
    assert losses.total.item() == pytest.approx(c_source + LAM * c_pseudo, rel=1e-9)
    assert state.keys() == teacher.keys()
    for name, value in state.items():
        np.testing.assert_allclose(value.numpy(), teacher[name])


def test_the_student_alone_learns(method: MeanTeacher) -> None:
    losses, state = step(method)
    losses.total.backward()
    assert all(p.grad is None for p in method.teacher.parameters())
    assert not any(value.requires_grad for value in state.values())
    assert all(p.grad.abs().sum() > 0 for p in method.parameters() if p.requires_grad)


def test_no_gradient_reaches_the_features_that_the_teacher_sees(method: MeanTeacher) -> None:
    """End to end they have a backbone behind them."""
    target = data()[1].requires_grad_()
    step(method, target)[0].total.backward()
    heard = target.grad.abs().sum(2).view(BT, KT, M) > 0
    seen = torch.nn.functional.one_hot(draw(method)["seen_target"], M).bool()
    assert heard.any() and not (heard & ~seen).any()


def test_the_teacher_predicts_once_its_state_is_absorbed(method: MeanTeacher) -> None:
    target = data()[1]
    _, state = step(method)
    before = method.predict(target)
    with torch.no_grad():
        method.absorb(state)
    weights = {name: value.numpy() for name, value in state.items()}
    expected = [logits(weights, list(video[M // 2 :: M]), [1.0] * KT) for video in target.numpy()]
    np.testing.assert_allclose(method.predict(target).detach().numpy(), np.stack(expected))
    assert not torch.allclose(before, method.predict(target))
