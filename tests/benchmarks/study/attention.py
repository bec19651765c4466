"""Where a trained run looks: attention on segments that show the action, against idle ones.

The clips are drawn, so the time of the action is known for each of them. Nothing of this enters
training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from outcomes import AttentionOnAction
from torch import Tensor

from tcon.adapt.layers import coattention as co
from tcon.adapt.layers.pairs import Pairs, in_a_pair
from tcon.adapt.methods.tcon.ablations import TconAttn
from tcon.adapt.methods.tcon.method import Tcon
from tcon.evaluate.figures.data.coattention import (
    co_attends,
    similar_pairs,
    source_probabilities,
)
from tcon.evaluate.figures.data.pairs import segment_frames
from tcon.evaluate.runs.embeddings import Loader, RunFeatures
from tcon.evaluate.runs.read import Run
from tcon.extract.synthetic import Domain, World, clip_seed, clip_timeline

_MOST_PAIRS = 4096


def attention_on_action(run: Run, world: World) -> Mapping[str, AttentionOnAction]:
    """Attention of a run's source training and target test videos, by domain.

    The source's is its co-attention (4) with all similar target training videos at once, where
    training sees a batch; the target's is what the attention network (6) predicts.

    Args:
        run: finished, on the features of the world.
        world: its clips.

    Returns:
        by "source" and "target"; empty for methods that weigh no segments by co-attention.
    """
    features = Loader().load(run)
    method = features.method
    if not co_attends(type(method)) or isinstance(method, TconAttn):
        return {}
    assert isinstance(method, Tcon)
    domains = features.domains
    source = features.embed("source", domains.source_train)
    test = features.embed("target", domains.target_test)
    with torch.no_grad():
        predicted = method.attention(test.features)  # [n, Kt]
    weights = {"source": _of_source_train(features, method), "target": predicted}
    ids = {"source": source.ids, "target": test.ids}
    frames = {
        "source": segment_frames(features, "source", domains.source_train),
        "target": segment_frames(features, "target", domains.target_test),
    }
    clips = {"source": world.source, "target": world.target}
    return {
        name: on_action(weights[name].numpy(), shown(ids[name], frames[name], world, clips[name]))
        for name in weights
    }


def on_action(weights: np.ndarray, action: np.ndarray) -> AttentionOnAction:
    """How much attention lies on the action.

    Args:
        weights: attention of each video's segments, [n, K]; rows sum to 1.
        action: which of them show the action, [n, K] bool.

    Raises:
        ValueError: no video has segments of both kinds.
    """
    mixed = action.any(1) & ~action.all(1)  # [n]
    if not mixed.any():
        raise ValueError("no video has both segments that show the action and idle ones")
    weights, action = weights[mixed], action[mixed]
    return AttentionOnAction(
        share=float(action.mean()), weight=float((weights * action).sum(1).mean())
    )


def shown(ids: Sequence[str], frames: np.ndarray, world: World, domain: Domain) -> np.ndarray:
    """Which segments show the action of their clip.

    Args:
        ids: of clips, ``DOMAIN/ACTION/NUMBER.SUFFIX``, [n].
        frames: centre frame of each segment, [n, K].
        world: whose clips.
        domain: of the world.

    Returns:
        [n, K] bool.
    """
    actions = {action.name: action for action in world.actions}
    rows = []
    for id_, centres in zip(ids, frames, strict=True):
        _, name, file = id_.rsplit("/", 2)
        action = actions[name]
        seed = clip_seed(world.seed, domain, action, int(file.partition(".")[0]))
        phases = clip_timeline(action, domain, seed).phases
        own = {phase.name for phase in action.phases}
        rows.append([phases[frame] in own for frame in centres])
    return np.array(rows)


@torch.no_grad()
def source_attention(
    method: Tcon, fs: Tensor, ft: Tensor, p_target: Tensor, labels: Tensor
) -> Tensor:
    """Attention (4) of source videos as training computes it, whatever the method's options.

    Args:
        method: trained.
        fs, ft: segments after G_f, [Bs, Ks, D] and [Bt, Kt, D].
        p_target: class probabilities of the target videos, [Bt, C].
        labels: of the source videos, [Bs].

    Returns:
        [Bs, Ks], rows sum to 1.
    """
    config = method.config
    p_source = source_probabilities(method, fs)  # [Bs, C]
    si, ti = similar_pairs(method, p_source, p_target, labels, _MOST_PAIRS)
    pairs = Pairs(si, ti, torch.ones(len(si), dtype=torch.bool))
    matrix = method.scores(fs, ft, si, ti).attention  # [N, Ks, Kt]
    attention, _ = co.attention_vectors(
        matrix, pairs, (len(fs), len(ft)), norm=config.att_norm, how=config.att_simplex
    )
    if config.unpaired == "self_attention":
        paired = in_a_pair(si, pairs.mask, len(fs))[:, None]  # [Bs, 1]
        attention = torch.where(paired, attention, method.own_attention(fs))
    return co.sharpen(attention, config.att_tau)


@torch.no_grad()
def _of_source_train(run: RunFeatures, method: Tcon) -> Tensor:
    """Of the source training videos, [Bs, Ks]."""
    source = run.embed("source", run.domains.source_train)
    target = run.embed("target", run.domains.target_train)
    p_target = method.predict(target.cached).softmax(1)  # [Bt, C]
    labels = torch.from_numpy(source.truth)
    return source_attention(method, source.features, target.features, p_target, labels)
