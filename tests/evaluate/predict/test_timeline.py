"""Intervals of a timeline, by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tcon.adapt.inference.prediction import Prediction
from tcon.cache import Video
from tcon.evaluate.predict.timeline.intervals import Smoothing, Timeline, make_timeline

CLASSES = ("walk", "fight")
_ROUGH = Smoothing()


def _line(
    fights: list[float],
    smoothing: Smoothing = _ROUGH,
    gap: tuple[int, ...] = (),
    *,
    length: int = 2,
) -> Timeline:
    """Of windows that begin every 2 s and show a fight with these scores."""
    windows = []
    for n, fight in enumerate(fights):
        stop = 2 * n + length
        end = "" if n == len(fights) - 1 else f",{stop:.1f}"
        video = Video(f"a.mp4#t={2 * n:.1f}{end}", "", "", "a.mp4", 50, 25, duration=float(stop))
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


def test_a_boundary_lies_between_the_middles_of_overlapping_windows() -> None:
    line = _line([0.1, 0.1, 0.9, 0.9], length=4)  # their middles: 2, 4, 6 and 8 s
    assert [(one.start, one.end, one.label) for one in line.intervals] == [
        (0, 5, "walk"),
        (5, 10, "fight"),
    ]
    assert line.edges.tolist() == [0, 2, 3, 4, 5, 6, 7, 8, 10]
    # From 4 s to 5 s: middles that are 0.5 s and 1.5 s away of windows that reach 2 s.
    assert line.scores[3, 1] == pytest.approx(0.75 * 0.1 + 0.25 * 0.9)


def test_nothing_is_said_of_a_gap() -> None:
    line = _line([0.1, 0.2, 0.3], Smoothing(min_length=3), gap=(1,))
    assert [(one.start, one.end) for one in line.intervals] == [(0, 2), (4, 6)]
    assert np.isnan(line.scores[1]).all()
