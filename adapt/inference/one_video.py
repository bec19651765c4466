"""Predict one video from its features."""

from __future__ import annotations

import numpy as np
import torch

from ...cache import Failure, Snippets, Video
from ..data.domains import Videos
from ..data.features import standardised
from .loaded_run import LoadedRun
from .prediction import Prediction

Result = Prediction | Failure


@torch.inference_mode()
def predict_one(run: LoadedRun, video: Video, snippets: Snippets) -> Prediction:
    """Predict a video from its features.

    Args:
        run: the run.
        video: which one.
        snippets: features [n, D_in] float16 of all its snippets, or of those that evaluation looks
            at.
    """
    features = torch.from_numpy(snippets.features)  # [n, D_in]
    if run.statistics:
        features = standardised(features, **run.statistics["target"])
    first, n = torch.tensor([0]), torch.tensor([len(features)])
    videos = Videos((video.id,), features, start=first, count=n, labels=None)
    rows = videos.snippets(first, run.positions())[0]  # [K m]
    x = features[rows].float()[None]  # [1, K m, D_in]
    method = run.method
    logits, votes = method.predict(x), method.vote(x)
    attention = None if votes is None else votes.attention
    central = rows.view(-1, method.snippets)[:, method.snippets // 2]  # [K]
    return Prediction(
        video,
        run.classes,
        logits[0].numpy(),
        snippets.frame[central.numpy()],
        snippets.times[central.numpy()],
        None if attention is None else attention[0].numpy(),
        None if votes is None else votes.logits[0].numpy(),
    )


def finite(prediction: Prediction) -> Result:
    """The prediction, or why it is none."""
    if np.isfinite(prediction.logits).all():
        return prediction
    why = "its logits are not finite: the weights of the run or backbone may be damaged"
    return Failure(prediction.video.id, "predict", why)
