"""Which frames become snippets, against formulas written out in exact arithmetic."""

from __future__ import annotations

from fractions import Fraction
from math import floor

import numpy as np
import pytest

from tcon.extract.sampling import Sampling

TOTALS = [*range(1, 100), 1000, 54321, 10**7]


@pytest.mark.parametrize("count", [1, 2, 3, 7, 8, 32, 100])
@pytest.mark.parametrize("rule", ["uniform", "stride"])
def test_frames_increase_and_exist(rule: str, count: int) -> None:
    for total in TOTALS[:-1]:
        frames = Sampling(rule, count).frames(total)
        assert frames.dtype == np.int64
        assert len(frames) >= 1
        assert frames[0] >= 0
        assert frames[-1] < total
        assert (np.diff(frames) > 0).all()


@pytest.mark.parametrize("count", [1, 2, 3, 7, 8, 32, 100])
def test_uniform_takes_the_centre_of_equal_parts(count: int) -> None:
    for total in TOTALS:
        parts = count if total >= count else total
        expected = [floor((j + Fraction(1, 2)) * total / parts) for j in range(parts)]
        assert Sampling("uniform", count).frames(total).tolist() == expected


def test_a_video_shorter_than_the_count_gives_every_frame_once() -> None:
    assert Sampling("uniform", 32).frames(5).tolist() == [0, 1, 2, 3, 4]
    assert Sampling("uniform", 32).frames(32).tolist() == list(range(32))


@pytest.mark.parametrize("step", [1, 2, 3, 8, 31])
def test_stride_takes_the_centre_of_every_step_frames(step: int) -> None:
    for total in TOTALS[:100]:
        if total >= step:
            expected = [n for n in range(total) if n % step == (step - 1) // 2]
            assert Sampling("stride", step).frames(total).tolist() == expected


def test_a_video_shorter_than_the_stride_gives_one_frame() -> None:
    for total in range(1, 8):
        assert len(Sampling("stride", 8).frames(total)) == 1
