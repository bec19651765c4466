"""``metrics.jsonl`` reads as numbers that a run can have logged, or ends in one line."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from tcon.adapt.run.metrics import read_metrics
from tcon.cache import InputError

FIRST = {"step": 10, "loss": 1.5}


def write(folder: Path, *lines: object) -> Path:
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def test_numbers_are_read_as_they_were_logged(tmp_path: Path) -> None:
    later = {**FIRST, "step": 20, "pairs": 0, "loss": -math.inf}
    assert read_metrics(write(tmp_path, FIRST, later)) == [FIRST, later]
    assert math.isnan(read_metrics(write(tmp_path, {**FIRST, "loss": math.nan}))[0]["loss"])
    assert read_metrics(write(tmp_path)) == []


@pytest.mark.parametrize(
    "line",
    [
        *([], 1, None, {}, {"step": 10}, {"loss": 1.5}),
        *({**FIRST, "step": value} for value in ("a", -1, 1.5, math.nan, True, 10**30)),
        *({**FIRST, "loss": value} for value in ("a", None, [1], 10**400, 1e300)),
        {**FIRST, "half \ud800": 1.0},
    ],
)
def test_what_no_run_logs_is_named(tmp_path: Path, line: object) -> None:
    with pytest.raises(InputError, match=r"metrics\.jsonl is damaged \(.*\): delete the run"):
        read_metrics(write(tmp_path, FIRST, line))
