"""Every loss of TCoN and its ablations, in every reading, against plain loops in float64."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from small_tcon import BS, BT, SMALL, SMALL_PLUS, VARIANTS, C, data, make, step
from tcon_loops import Loops
from torch import Tensor

from tcon.adapt.layers.pairs import PairConfig
from tcon.adapt.methods import Method, SourceBatch, entry
from tcon.adapt.methods.tcon.discriminators import TconDiscriminatorConfig
from tcon.adapt.methods.tcon.options import PseudoConfig
from tcon.adapt.methods.tcon.warmup import WarmupConfig
from tcon.cache import InputError

UNEQUAL = ("tcon", "tcon-sadnet", "tcon-attn")
READINGS = [
    {},
    {"score_features": "raw", "align_norm": "raw", "tau": 1.0},
    {"align_norm": "zscore", "tau": 0.5},
    {"attention_features": "same"},
    {"attention_features": "same", "unpaired": "self_attention", "score_features": "raw"},
    {"detach_source_att": False, "detach_ga_input": False},
    {"att_norm": "average"},
    {"att_simplex": "softmax"},
    {"att_norm": "average", "att_simplex": "softmax", "score_features": "raw"},
    {"att_tau": 0.2},
    {"unpaired": "self_attention"},
    {"att_output": "sigmoid"},
    {"att_loss": "l1", "detach_ga_input": False},
    {"att_loss": "smooth_l1", "detach_ga_input": False},
    {"att_loss": "kl", "detach_ga_input": False},
    {"weigh": "probabilities"},
    {"seg_against": "target"},
    {"seg_adv": "literal"},
    {"pair": PairConfig(rule="all", max_pairs=100)},
    {"pair": PairConfig(threshold=0.99, max_pairs=20)},  # 5 pairs, the rest is padding
    {"pseudo": PseudoConfig(threshold=0.85, per="accepted", wait=False)},
    {"warmup": WarmupConfig(source=True)},
    {"disc": TconDiscriminatorConfig(hidden=7, max_segments=1000)},
]


def loops(
    method: Method, name: str, batch: tuple[SourceBatch, Tensor], draws: dict[str, Tensor], on: bool
) -> Loops:
    """The same step by plain loops."""
    return Loops(
        name.partition("-")[2].replace("trn", "") or "tcon",
        method.config,
        {key: value.double().numpy() for key, value in method.state_dict().items()},
        batch[0].features.double().numpy(),
        batch[0].labels.numpy(),
        batch[1].double().numpy(),
        {key: value.double().numpy() for key, value in draws.items()},
        on,
    )


def check(method: Method, name: str, ks: int = 4, kt: int = 4, *, on: bool = True) -> None:
    """Compare losses and predictions with plain loops."""
    batch = data(ks * method.snippets, kt * method.snippets)
    losses = step(method, batch, on=on)
    draws = method.draw(BS, BT, torch.Generator().manual_seed(4))
    expected = loops(method, name, batch, draws, on).run()
    found = losses.logs | {"total": losses.total}
    for key, value in expected.items():
        np.testing.assert_allclose(found[key].item(), value, rtol=2e-4, atol=1e-6, err_msg=key)
    losses_in_logs = {key for key in losses.logs if key.endswith(("_class", "_domain"))}
    assert losses_in_logs <= expected.keys()  # and nothing more is in the total

    draws |= {key: torch.ones_like(draws[key]) for key in ("class_source", "class_target")}
    predicted = loops(method, name, batch, draws, True).target_logits()
    found = method.predict(batch[1]).detach()
    np.testing.assert_allclose(found, predicted, rtol=2e-4, atol=1e-5)


@pytest.mark.parametrize("on", [False, True])
@pytest.mark.parametrize("reading", READINGS, ids=str)
@pytest.mark.parametrize("name", VARIANTS)
def test_losses_equal_plain_loops(name: str, reading: dict, on: bool) -> None:
    config = replace(SMALL, **reading)
    check(make(name, config), name, on=on)


@pytest.mark.parametrize(("ks", "kt"), [(4, 3), (2, 5), (1, 3), (3, 1)])
@pytest.mark.parametrize("name", UNEQUAL)
def test_unequal_segments(name: str, ks: int, kt: int) -> None:
    for seg_against in ("source", "target"):
        config = replace(SMALL, seg_against=seg_against)
        check(make(name, config, ks, kt), name, ks, kt)


@pytest.mark.parametrize("name", ["tcon-tadnet", "tcon-coattn"])
def test_unaligned_videos_need_equal_segments(name: str) -> None:
    with pytest.raises(InputError, match="as many source as target segments, not 4 and 3"):
        make(name, SMALL, 4, 3)


@pytest.mark.parametrize("name", ["tcon-trn", "tcon-attn"])
def test_segment_features_from_three_snippets(name: str) -> None:
    assert entry("tcon-trn").config.snippets == 3
    config = replace(SMALL, snippets=3)
    method = make(name, config, 2, 4)
    assert method.snippets == 3 and method.width == 256
    check(method, name, 2, 4)
    # Unlike a mean over snippets, a relation sees the order inside a segment.
    source, target = data(6, 12)
    order = torch.tensor([2, 1, 0, *range(3, 12)])
    assert not torch.allclose(method.predict(target), method.predict(target[:, order]))


def test_more_snippets_than_relations_take() -> None:
    with pytest.raises(InputError, match="snippets=17: a segment can have at most 16"):
        make("tcon", replace(SMALL, snippets=17))


@pytest.mark.slow
def test_readings_differ() -> None:
    """Every reading changes the gradient into G_f, before or after the attention is on."""
    gradients = set()
    for reading in READINGS:
        method = make("tcon", replace(SMALL, **reading))
        totals = [step(method, data(4, 4), on=on).total for on in (False, True)]
        weight = method.bottleneck[0].weight
        grads = [torch.autograd.grad(total, weight)[0] for total in totals]
        gradients.add(tuple(float(grad.abs().sum()) for grad in grads))
    assert len(gradients) == len(READINGS)


@pytest.mark.parametrize("name", VARIANTS)
def test_no_pairs_and_no_pseudo_labels_are_finite(name: str) -> None:
    config = replace(SMALL, pair=PairConfig(threshold=2.0), pseudo=PseudoConfig(threshold=1.0))
    method = make(name, config)
    losses = step(method, data(4, 4))
    losses.total.backward()
    assert losses.total.isfinite() and all(x.isfinite() for x in losses.logs.values())
    assert all(p.grad is None or p.grad.isfinite().all() for p in method.parameters())
    check(method, name)


@pytest.mark.parametrize("on", [False, True])
@pytest.mark.parametrize("progress", [0.05, 0.6])
def test_tcon_plus_adds_information_maximisation(progress: float, on: bool) -> None:
    """The total is that of the loops; what it adds to a gradient is their difference quotient."""
    batch, weight = data(4, 4), 0.7 * (2 / (1 + np.exp(-4 * progress)) - 1)
    totals, gradients = [], []
    for config in (SMALL_PLUS, replace(SMALL_PLUS, lambda_im=0.0)):
        method = make("tcon+", config)
        losses = step(method, batch, on=on, progress=progress)
        totals.append(losses.total.item())
        gradients.append(torch.autograd.grad(losses.total, method.classifier.linear.bias)[0])

    draws = method.draw(BS, BT, torch.Generator().manual_seed(4))
    plain = loops(method, "tcon+", batch, draws, on)
    of_tcon, information = plain.run()["total"], plain.information_maximisation()
    np.testing.assert_allclose(losses.logs["information_maximisation"], information, rtol=2e-4)
    np.testing.assert_allclose(totals, [of_tcon + weight * information, of_tcon], rtol=2e-4)

    quotients = []
    for shift in np.eye(C) * 1e-4:
        sides = []
        for sign in (1, -1):
            moved = loops(method, "tcon+", batch, draws, on)
            moved.zt = [z + sign * shift for z in moved.zt]
            sides.append(moved.information_maximisation())
        quotients.append((sides[0] - sides[1]) / 2e-4)
    added = gradients[0] - gradients[1]  # [C]
    np.testing.assert_allclose(added, weight * np.array(quotients), rtol=2e-3, atol=1e-6)
