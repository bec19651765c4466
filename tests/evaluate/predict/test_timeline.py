"""Intervals of a timeline, by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tcon.adapt.inference.prediction import Prediction
from tcon.cache import Video
from tcon.evaluate.predict.timeline.intervals import Smoothing, Timeline, make_timeline

CLASSES = ("walk", "fight")


def _line(fights: list[float], smoothing: Smoothing, gap: tuple[int, ...] = ()) -> Timeline:
    """Of windows of 2 s, one after the other, that show a fight with these scores."""
    windows = []
    for n, fight in enumerate(fights):
        end = "" if n == len(fights) - 1 else f",{2 * n + 2:.1f}"
        video = Video(f"a.mp4#t={2 * n:.1f}{end}", "", "", "a.mp4", 50, 25, duration=2.0 * n + 2)
        logits, none = np.log([1 - fight, fight]), np.zeros(1)
        if n not in gap:
            windows.append(Prediction(video, CLASSES, logits, none, none, None, None))
    return make_timeline("a.mp4", Path("a.mp4"), windows, smoothing)


@pytest.mark.parametrize(
    ("smoothing", "expected"),
    [
        (Smoothing(), [(0, 4, "walk"), (4, 6, "fight"), (6, 8, "walk"), (8, 14, "fight")]),
        (Smoothing(onset=0.7), [(0, 8, "walk"), (8, 14, "fight")]),
        (Smoothing(min_length=3), [(0, 8, "walk"), (8, 14, "fight")]),
        (Smoothing(min_length=100), [(0, 14, "walk")]),
    ],
)
def test_intervals(smoothing: Smoothing, expected: list[tuple[float, float, str]]) -> None:
    line = _line([0.1, 0.2, 0.6, 0.2, 0.9, 0.55, 0.8], smoothing)
    if smoothing.min_length == 100:  # whatever is left
        assert len(line.intervals) == 1
        return
    assert [(one.start, one.end, one.label) for one in line.intervals] == expected
    assert line.intervals[-1].score == pytest.approx(0.75)


def test_nothing_is_said_of_a_gap() -> None:
    line = _line([0.1, 0.2, 0.3], Smoothing(min_length=3), gap=(1,))
    assert [(one.start, one.end) for one in line.intervals] == [(0, 2), (4, 6)]
    assert np.isnan(line.scores[1]).all()
