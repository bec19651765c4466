"""Each ablation lacks exactly one part of TCoN and shares the rest, weights and draws included."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from small_tcon import SMALL, VARIANTS, data, make, step

from tcon.adapt.config.runs import make_runs
from tcon.adapt.layers.pairs import PairConfig
from tcon.adapt.methods import entry

TCON_LOGS = set(step(make("tcon"), data(4, 4)).logs)
ATTENTION = {"attention", "attention_uniform", "attention_on", "attention_on_step"}
SEGMENT = {"segment_domain", "segment_disc_accuracy"}
ALIGNMENT = {"align_column_max", "align_same_row"}
COATTENTION = {"pairs", "pairs_cross_class", "coattention_entropy"}


@pytest.mark.parametrize(
    ("name", "dropped"),
    [
        ("tcon-sadnet", SEGMENT),
        ("tcon-tadnet", SEGMENT | ALIGNMENT),
        ("tcon-attn", ATTENTION),
        ("tcon-coattn", ATTENTION | SEGMENT | COATTENTION | ALIGNMENT),
    ],
)
def test_what_is_dropped(name: str, dropped: set[str]) -> None:
    ablation = make(name)
    assert set(step(ablation, data(4, 4)).logs) == TCON_LOGS - dropped
    parts = {"attention.": ATTENTION, "discriminators.segment.": SEGMENT}
    for part, logs in parts.items():
        has = any(key.startswith(part) for key in ablation.state_dict())
        assert has == (not logs <= dropped)


@pytest.mark.parametrize("name", ["tcon-sadnet", "tcon-attn"])
def test_the_same_seed_gives_the_same_weights(name: str) -> None:
    before = make("tcon").state_dict()
    assert all(torch.equal(value, before[key]) for key, value in make(name).state_dict().items())


def test_without_the_segment_discriminator_the_total_lacks_its_loss_alone() -> None:
    tcon, sadnet = make("tcon"), make("tcon-sadnet")
    sadnet.load_state_dict(tcon.state_dict(), strict=False)
    full, less = step(tcon, data(4, 4)), step(sadnet, data(4, 4))
    torch.testing.assert_close(less.total, full.total - full.logs["segment_domain"])
    assert all(torch.equal(value, full.logs[key]) for key, value in less.logs.items())


def test_without_alignment_the_class_and_attention_losses_stay() -> None:
    tcon, tadnet = make("tcon"), make("tcon-tadnet")
    kept = {k: v for k, v in tcon.state_dict().items() if not k.startswith("discriminators")}
    tadnet.load_state_dict(kept, strict=False)
    full, less = step(tcon, data(4, 4)), step(tadnet, data(4, 4))
    for key in ("source_class", "pseudo_class", "attention", "pairs"):
        assert torch.equal(less.logs[key], full.logs[key])
    domain = full.logs["video_domain"] + full.logs["segment_domain"]
    torch.testing.assert_close(less.total - less.logs["video_domain"], full.total - domain)


def test_without_attention_the_domain_losses_stay() -> None:
    """While TCoN's target attention is still uniform, both choose the same pairs."""
    tcon, attn = make("tcon"), make("tcon-attn")
    attn.load_state_dict(tcon.state_dict(), strict=False)
    full, less = step(tcon, data(4, 4), on=False), step(attn, data(4, 4), on=False)
    for key in ("video_domain", "segment_domain", "pairs", "align_column_max"):
        assert torch.equal(less.logs[key], full.logs[key])
    assert not torch.equal(less.logs["source_class"], full.logs["source_class"])


def test_without_coattention_nothing_depends_on_pairs() -> None:
    totals = [
        step(make("tcon-coattn", replace(SMALL, pair=pair)), data(4, 4)).total
        for pair in (PairConfig(rule="all"), PairConfig(threshold=2.0))
    ]
    assert torch.equal(*totals)


@pytest.mark.parametrize("name", VARIANTS)
def test_features_hear_the_discriminators_reversed(name: str) -> None:
    """The part of G_f's gradient that grows with lambda_d raises the domain losses."""
    gradients = []
    for lambda_d in (0.0, 1.0):
        method = make(name, replace(SMALL, lambda_d=lambda_d))
        total = step(method, data(4, 4)).total
        gradients.append(torch.autograd.grad(total, method.bottleneck[0].weight)[0])
    moved = make(name)

    def domain() -> torch.Tensor:
        logs = step(moved, data(4, 4)).logs
        return logs["video_domain"] + logs.get("segment_domain", 0)

    before = domain()
    with torch.no_grad():
        moved.bottleneck[0].weight -= 0.01 * (gradients[1] - gradients[0])  # a descent step
    assert domain() > before


@pytest.mark.parametrize("name", VARIANTS)
def test_prediction_ignores_order_and_needs_no_discriminators(name: str) -> None:
    """A weighted sum over segments cannot see their order, so neither can these methods."""
    method, (_, target) = make(name), data(4, 4)
    logits = method.predict(target)
    del method.discriminators
    shuffled = target[:, torch.tensor([2, 0, 3, 1])]
    torch.testing.assert_close(method.predict(shuffled), logits, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", [*VARIANTS, "tcon-trn", "tcon+"])
def test_all_have_the_same_presets(name: str) -> None:
    assert entry(name).presets == entry("tcon").presets
    assert set(entry(name).presets) == {"official", "literal", "fast"}


@pytest.mark.parametrize("preset", ["official", "literal", "fast"])
def test_presets_leave_the_weights_of_tcon_plus(preset: str) -> None:
    config, (run,) = entry("tcon+").config, make_runs(["tcon+"], preset=preset)
    assert run.options != config or preset == "official"
    for key in ("lambda_d", "lambda_im"):
        assert getattr(run.options, key) == getattr(config, key)
