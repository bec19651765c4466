"""Which recordings a picture shows, and which names it writes on intervals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from tcon.evaluate.predict.timeline.intervals import Interval, Timeline
from tcon.evaluate.predict.timeline.picture import MOST, draw_timelines, drawn_of

CLASSES = ("no_fight", "a fight of several people")


def _line(video: str, edges: list[float]) -> Timeline:
    """A recording with an interval between any two edges."""
    intervals = [
        Interval(start, end, CLASSES[n % 2], 0.9)
        for n, (start, end) in enumerate(zip(edges, edges[1:], strict=False))
    ]
    scores = np.full((len(intervals), 2), 0.5)
    path = Path("gone.mp4")
    return Timeline(video, path, "seconds", CLASSES, np.array(edges), scores, tuple(intervals))


def test_clips_do_not_crowd_out_recordings() -> None:
    clips = [_line(f"clip{n}.mp4", [0, 2]) for n in range(MOST + 1)]
    recording = _line("gate.mp4", [0, 2, 4])
    assert drawn_of([*clips, recording]) == [recording]
    assert drawn_of(clips) == clips[:MOST]


def test_a_name_is_written_whole_or_not_at_all() -> None:
    figure = draw_timelines([_line("gate.mp4", [0, 10, 20, 21, 100])]).figure
    [labels] = [axis for axis in figure.axes if axis.get_label() == "labels"]
    assert [text.get_text() for text in labels.texts] == ["no_fight", CLASSES[1]]
    assert [text.get_position()[0] for text in labels.texts] == [5, 60.5]
