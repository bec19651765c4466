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

from tcon.adapt.layers.coattention import mean_over_pairs
from tcon.adapt.methods.tcon.method import Tcon
from tcon.evaluate.figures.data.coattention import (
    co_attend,
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
        by "source" and "target"; empty for methods without co-attention.
    """
    features = Loader().load(run)
    method = features.method
    if not co_attends(type(method)):
        return {}
    assert isinstance(method, Tcon)
    domains = features.domains
    source = features.embed("source", domains.source_train)
    test = features.embed("target", domains.target_test)
    with torch.no_grad():
        predicted = method.attention(test.features)  # [n, Kt]
    weights = {"source": _source_attention(features, method), "target": predicted}
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
def _source_attention(run: RunFeatures, method: Tcon) -> Tensor:
    """Of the source training videos, [Bs, Ks]."""
    source = run.embed("source", run.domains.source_train)
    target = run.embed("target", run.domains.target_train)
    p_source = source_probabilities(method, source.features)  # [Bs, C]
    p_target = method.predict(target.cached).softmax(1)  # [Bt, C]
    labels = torch.from_numpy(source.truth)
    si, ti = similar_pairs(method, p_source, p_target, labels, _MOST_PAIRS)
    joint = co_attend(method, source.features, target.features, si, ti).joint  # [N, Ks, Kt]
    real = torch.ones(len(si), dtype=torch.bool)
    return mean_over_pairs(joint.sum(2), si, real, len(source.ids))
