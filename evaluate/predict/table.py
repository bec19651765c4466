"""Predictions as aligned lines of text."""

from __future__ import annotations

from collections.abc import Sequence

from ...adapt.inference.prediction import Prediction
from ...adapt.inference.stream import Result
from ...cache import Failure

_WIDEST = 60  # characters of a video's name
_BLOCKS = " ▁▂▃▄▅▆▇█"


class PredictionTable:
    """Lines, one per video, that can be shown before the later ones are known.

    Args:
        ids: of all videos.
        classes: their names, [C].
        top: how many classes a line shows.
    """

    def __init__(self, ids: Sequence[str], classes: Sequence[str], top: int) -> None:
        self._top = min(top, len(classes))
        self._video = min(max(5, *map(len, ids)), _WIDEST)
        self._label = max(5, *map(len, classes))

    @property
    def head(self) -> str:
        """The line above all others."""
        label = f"{'label':<{self._label}}   score"
        return "  ".join([f"{'video':<{self._video}}", *[label] * self._top, "attention"])

    def line(self, result: Result) -> str:
        """The line of a video."""
        id_ = result.video if isinstance(result, Failure) else result.video.id
        name = id_ if len(id_) <= self._video else f"…{id_[1 - self._video :]}"
        if isinstance(result, Failure):
            return f"{name:<{self._video}}  failed: {result.reason} ({result.stage})"
        best = result.best[: self._top]
        cells = [f"{label:<{self._label}}  {score:6.1%}" for label, score in best]
        return "  ".join([f"{name:<{self._video}}", *cells, _attention(result)])


def _attention(prediction: Prediction) -> str:
    """Attention over time as a row of blocks, the highest one full; a word where there is none."""
    if prediction.attention is None:
        return prediction.attention_kind
    share = prediction.attention / prediction.attention.max()
    return "".join(_BLOCKS[round(x * (len(_BLOCKS) - 1))] for x in share.tolist())
