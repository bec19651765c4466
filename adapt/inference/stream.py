"""Predict new videos with a finished run: decode, backbone, method, in one stream.

Videos go through the pipeline of `tcon extract`; nothing is stored, so memory does not grow with
their number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from scipy.special import softmax

from ...cache import Failure, Snippets, Video
from ...extract.lists.videos import VideoItem
from ...extract.options import Plan
from ...extract.pipeline import Progress, compute
from ..data.domains import Videos
from ..data.statistics import standardise
from .loaded_run import Deployed


@dataclass(frozen=True)
class Prediction:
    """What a run says of one video.

    Args:
        video: what was read.
        logits: of the classes, [C].
        frames: the centre frame of each segment's central snippet, [K].
        attention: weight of each segment, [K]; None where all weigh the same.
        segment_logits: of each segment by itself, [K, C]; None where the method does not judge
            them one by one, and then there is no attention either.
    """

    video: Video
    logits: np.ndarray
    frames: np.ndarray
    attention: np.ndarray | None
    segment_logits: np.ndarray | None

    @property
    def scores(self) -> np.ndarray:
        """Softmax of the logits, [C]."""
        return softmax(self.logits)

    @property
    def segment_scores(self) -> np.ndarray | None:
        """[K, C]."""
        return None if self.segment_logits is None else softmax(self.segment_logits, axis=1)

    @property
    def seconds(self) -> np.ndarray | None:
        """When each segment's frame is shown, [K]; None where the rate of frames is unknown."""
        return self.frames / self.video.fps if self.video.fps else None

    @property
    def attention_kind(self) -> Literal["predicted", "uniform", "none"]:
        """Where the weights come from; ``none``: segments have no weights."""
        if self.segment_logits is None:
            return "none"
        return "uniform" if self.attention is None else "predicted"

    @property
    def weights(self) -> np.ndarray | None:
        """Of the segments, [K], equal ones where the attention is uniform; None for ``none``."""
        if self.attention_kind == "uniform":
            return np.full(len(self.frames), 1 / len(self.frames))
        return self.attention


Result = Prediction | Failure


def predict_videos(
    deployed: Deployed,
    items: Sequence[VideoItem],
    plan: Plan,
    *,
    on_result: Callable[[Result], None],
    on_progress: Callable[[Progress], None] = lambda progress: None,
) -> None:
    """Predict videos.

    Args:
        deployed: the run.
        items: the videos, at least one, each id once.
        plan: from `make_plan`.
        on_result: called for each video in the order of ``items``, in another thread; a video that
            cannot be read gives a `Failure`. Where all is stopped, it still gets what is done.
        on_progress: called after every video.
    """
    in_order = _InOrder([item.id for item in items], on_result)
    try:
        compute(items, plan, _Predictor(deployed, in_order), Progress(len(items), 0), on_progress)
    finally:
        in_order.rest()


@torch.inference_mode()
def predict_one(deployed: Deployed, video: Video, snippets: Snippets) -> Prediction:
    """Predict a video from its features.

    Args:
        deployed: the run.
        video: which one.
        snippets: features [n, D_in] float16 of all its snippets, or of those of `CentralSampling`.
    """
    features = torch.from_numpy(snippets.features)
    if deployed.statistics is not None:
        features = standardise(features, *deployed.statistics)
    first, n = torch.tensor([0]), torch.tensor([len(features)])
    videos = Videos((video.id,), features, start=first, count=n, labels=None)
    rows = videos.snippets(first, deployed.positions)[0]  # [K m]
    x = features[rows].float()[None]  # [1, K m, D_in]
    method = deployed.method
    logits, votes = method.predict(x), method.vote(x)
    attention = None if votes is None else votes.attention
    central = rows.view(-1, method.snippets)[:, method.snippets // 2]  # [K]
    return Prediction(
        video,
        logits[0].numpy(),
        snippets.frame[central.numpy()],
        None if attention is None else attention[0].numpy(),
        None if votes is None else votes.logits[0].numpy(),
    )


class _Predictor:
    """Takes videos from the pipeline."""

    def __init__(self, deployed: Deployed, results: _InOrder) -> None:
        self._deployed, self._results = deployed, results

    def add(self, video: Video, snippets: Mapping[str, Snippets]) -> None:
        mine = snippets[self._deployed.config.modality]
        self._results.add(video.id, predict_one(self._deployed, video, mine))

    def fail(self, failure: Failure) -> None:
        self._results.add(failure.video, failure)

    def commit_if_due(self) -> None:
        """Nothing is kept."""


class _InOrder:
    """Hands on results in the order of their videos' ids, as soon as those before are there."""

    def __init__(self, ids: Sequence[str], on_result: Callable[[Result], None]) -> None:
        self._ids, self._next, self._on_result = ids, 0, on_result
        self._early: dict[str, Result] = {}

    def add(self, id_: str, result: Result) -> None:
        self._early[id_] = result
        while self._next < len(self._ids) and self._ids[self._next] in self._early:
            self._on_result(self._early.pop(self._ids[self._next]))
            self._next += 1

    def rest(self) -> None:
        """What came before others that never came."""
        for id_ in self._ids[self._next :]:
            if id_ in self._early:
                self._on_result(self._early.pop(id_))
