"""The columns of ``tcon predict`` stand below each other, whatever the names hold."""

from __future__ import annotations

import numpy as np
from rich.cells import cell_len

from tcon.adapt.inference.prediction import Prediction
from tcon.cache import Failure, Video
from tcon.evaluate.predict.table import PredictionTable

IDS = [
    "a.mp4",
    "跑步/1.mp4",
    "\x1b[2Je\u0301.mp4",
    "two\nlines.mp4",
    "lone \udcff.mp4",
    "long/" * 90,
]
CLASSES = ("run", "打太極拳", "x" * 200)


def test_columns_are_aligned() -> None:
    table = PredictionTable(IDS, CLASSES, top=2)
    starts = {table.head.index("attention")}
    for n, id_ in enumerate(IDS):
        logits = np.roll([2.0, 1.0, 0.0], n)
        zero = np.zeros(1)
        video = Video(id_, "", "", "", 4, 25.0)
        line = table.line(Prediction(video, CLASSES, logits, zero, zero, None, None))
        assert line.isprintable()
        starts.add(cell_len(line.removesuffix("none")))
        scores = [cell_len(line[: i + 1]) for i, c in enumerate(line) if c == "%"]
        ends = [i + 5 for i in range(len(table.head)) if table.head.startswith("score", i)]
        assert scores == ends
    assert len(starts) == 1
    failed = table.line(Failure(IDS[2], "decode", "no\x1bvideo"))
    assert cell_len(failed.partition("failed")[0]) == table.head.index("label")
    assert failed.endswith("failed: no\\x1bvideo (decode)")
