"""Predictions as aligned lines of text."""

from __future__ import annotations

from collections.abc import Sequence

from ...adapt.inference.prediction import Prediction
from ...adapt.inference.stream import Result
from ...cache import Failure
from ...cache.errors import visible
from ..tables.cells import cell_len, named, padded

_BLOCKS = " ▁▂▃▄▅▆▇█"


class PredictionTable:
    """Lines, one per video, that can be shown before the later ones are known.

    Args:
        ids: of all videos.
        classes: their names, [C].
        top: how many classes a line shows.
        several: seeds predict, so that a line shows how many of them agree.
    """

    def __init__(
        self, ids: Sequence[str], classes: Sequence[str], top: int, *, several: bool = False
    ) -> None:
        self._top, self._seeds = min(top, len(classes)), ["seeds"] if several else []
        self._video, self._label = _widest("video", ids), _widest("label", classes)

    @property
    def head(self) -> str:
        """The line above all others."""
        label = f"{padded('label', self._label)}   score"
        labels = [label] * self._top
        return "  ".join([padded("video", self._video), *labels, *self._seeds, "attention"])

    def line(self, result: Result) -> str:
        """The line of a video."""
        if isinstance(result, Failure):
            failed = visible(f"failed: {result.reason} ({result.stage})")
            return f"{_cell(result.video, self._video)}  {failed}"
        best = result.best[: self._top]
        cells = [f"{_cell(label, self._label)}  {score:6.1%}" for label, score in best]
        if result.seeds_agree is not None:
            cells.append(f"{result.seeds_agree:5.0%}")
        return "  ".join([_cell(result.video.id, self._video), *cells, _attention(result)])


def _widest(head: str, names: Sequence[str]) -> int:
    """Columns that a head and the names below it need."""
    return max(cell_len(named(name)) for name in (head, *names))


def _cell(name: str, cells: int) -> str:
    return padded(named(name, cells), cells)


def _attention(prediction: Prediction) -> str:
    """Attention over time as a row of blocks, the highest one full; a word where there is none."""
    if prediction.attention is None:
        return prediction.attention_kind
    share = prediction.attention / prediction.attention.max()
    return "".join(_BLOCKS[round(x * (len(_BLOCKS) - 1))] for x in share.tolist())
