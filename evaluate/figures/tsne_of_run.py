"""The t-SNE figure of a trained run."""

from __future__ import annotations

import numpy as np
import torch

from ...adapt.layers import coattention as co
from ..runs.embeddings import Embedded, Trained, of_videos, some
from .pair_attention import aligns, co_attend, similar_pairs, source_probabilities
from .style import Picture
from .tsne import Cloud, draw_tsne

_SHOWN = 150  # videos of each domain


def tsne_picture(trained: Trained, name: str) -> Picture:
    """t-SNE of segments and of videos."""
    source = trained.embed("source", some(trained.domains.source_train, _SHOWN))
    target = trained.embed("target", some(trained.domains.target_test, _SHOWN))
    clouds = {
        "source": (source.features, source.truth),
        "target": (target.features, target.truth),
    }
    aligned = _aligned(trained, source, target)
    if aligned is not None:
        clouds["target-aligned source"] = aligned
    equal = trained.segments("source") == trained.segments("target")
    panels = {
        "segments": {
            kind: Cloud(f.flatten(0, 1).numpy(), np.repeat(classes, f.shape[1]))
            for kind, (f, classes) in clouds.items()
        },
        "videos": {
            kind: Cloud(of_videos(f, concatenate=equal).numpy(), classes)
            for kind, (f, classes) in clouds.items()
        },
    }
    caption = (
        f"t-SNE after G_f of {len(source.ids)} source training and {len(target.ids)} target test "
        f"videos{_of_pairs(aligned)}; videos are their segments "
        f"{'side by side' if equal else 'averaged'}. Colours and numbers, in the middle of each, "
        "are true classes, which adaptation did not see of the target. Distances between far "
        "groups mean little."
    )
    figure = draw_tsne(panels, trained.run.classes)
    return Picture(f"{name}_tsne", f"{name}: features", caption, figure, photo=True)


def _of_pairs(aligned: tuple[torch.Tensor, np.ndarray] | None) -> str:
    if aligned is None:
        return ""
    return f", and of the source videos of {len(aligned[1])} similar pairs aligned to their targets"


@torch.no_grad()
def _aligned(
    trained: Trained, source: Embedded, target: Embedded
) -> tuple[torch.Tensor, np.ndarray] | None:
    """Target-aligned source segments (9) of random pairs that training could form, [N, Kt, D], and
    the source videos' classes [N]; None without alignment or pairs."""
    method = trained.method
    if not aligns(type(method)):
        return None
    fs, ft = source.features, target.features
    p_s = source_probabilities(method, fs)
    p_t = method.predict(target.cached).softmax(1)
    labels = torch.from_numpy(source.truth)
    si, ti = similar_pairs(method, p_s, p_t, labels, most=len(target.ids))
    if not len(si):
        return None
    weights = co_attend(method, fs, ft, si, ti).weights
    return co.align(weights, fs, si), source.truth[si.numpy()]
