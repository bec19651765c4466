"""Which frames become snippets, against formulas written out in exact arithmetic."""

from __future__ import annotations

from fractions import Fraction
from math import floor

import numpy as np
import pytest

from tcon.cache import InputError
from tcon.extract.snippets.sampling import CentralSampling, Sampling, centres

TOTALS = [*range(1, 100), 1000, 54321, 10**7]
LENGTH = 16


def _frames(rule: str, value: int, total: int) -> list[int]:
    """Of snippets that are one frame long."""
    frames = Sampling(rule, value).frames(total)
    assert frames.shape[1] == 1
    return frames[:, 0].tolist()


@pytest.mark.parametrize("length", [1, 2, LENGTH])
@pytest.mark.parametrize("value", [1, 2, 3, 7, 8, 32, 100])
@pytest.mark.parametrize("rule", ["uniform", "stride"])
def test_frames_increase_and_exist(rule: str, value: int, length: int) -> None:
    for total in TOTALS[:-1]:
        frames = Sampling(rule, value, length).frames(total)
        assert frames.dtype == np.int64
        assert len(frames) == Sampling(rule, value, length).count(total) >= 1
        assert frames.shape[1] == length
        assert frames.min() >= 0
        assert frames.max() < total
        assert (np.diff(frames, axis=0) > 0).all()
        if total >= length:
            assert (np.diff(frames, axis=1) == 1).all()


# --- snippets of one frame


@pytest.mark.parametrize("count", [1, 2, 3, 7, 8, 32, 100])
def test_uniform_takes_the_centre_of_equal_parts(count: int) -> None:
    for total in TOTALS:
        parts = count if total >= count else total
        expected = [floor((j + Fraction(1, 2)) * total / parts) for j in range(parts)]
        assert _frames("uniform", count, total) == expected


def test_a_video_shorter_than_the_count_gives_every_frame_once() -> None:
    assert _frames("uniform", 32, 5) == [0, 1, 2, 3, 4]
    assert _frames("uniform", 32, 32) == list(range(32))


@pytest.mark.parametrize("step", [1, 2, 3, 8, 31])
def test_stride_takes_the_centre_of_every_step_frames(step: int) -> None:
    for total in TOTALS[:100]:
        if total >= step:
            expected = [n for n in range(total) if n % step == (step - 1) // 2]
            assert _frames("stride", step, total) == expected


def test_a_video_shorter_than_the_stride_gives_one_frame() -> None:
    for total in range(1, 8):
        assert len(_frames("stride", 8, total)) == 1


# --- longer snippets


@pytest.mark.parametrize("length", [1, 5, LENGTH])
@pytest.mark.parametrize("count", [1, 2, 3, 8, 25])
def test_uniform_spreads_snippets_as_tsn_does_at_test_time(count: int, length: int) -> None:
    """TSN: tick = (frames - length + 1) / count, snippet j starts at int(tick / 2 + tick j)."""
    for total in range(length + count - 1, 300):
        tick = Fraction(total - length + 1, count)
        expected = []
        for j in range(count):
            start = int(tick / 2 + tick * j)
            expected.append([start + n for n in range(length)])
        assert Sampling("uniform", count, length).frames(total).tolist() == expected


def test_no_snippet_is_taken_twice() -> None:
    """18 frames hold three snippets of 16, whatever is asked for."""
    expected = [list(range(start, start + LENGTH)) for start in range(3)]
    assert Sampling("uniform", 8, LENGTH).frames(18).tolist() == expected


@pytest.mark.parametrize("step", [1, 3, 8, 31])
def test_stride_starts_a_snippet_every_step_frames(step: int) -> None:
    for total in range(LENGTH + step - 1, 120):
        expected = []
        for start in range(total):
            if start % step == (step - 1) // 2 and start + LENGTH <= total:
                expected.append([start + n for n in range(LENGTH)])
        assert Sampling("stride", step, LENGTH).frames(total).tolist() == expected


@pytest.mark.parametrize("rule", ["uniform", "stride"])
def test_a_video_shorter_than_a_snippet_repeats_its_last_frame(rule: str) -> None:
    assert Sampling(rule, 8, 5).frames(3).tolist() == [[0, 1, 2, 2, 2]]
    assert Sampling(rule, 8, 5).frames(1).tolist() == [[0] * 5]
    assert Sampling(rule, 1, 5).frames(5).tolist() == [[0, 1, 2, 3, 4]]


def test_the_centre_frame_of_a_snippet() -> None:
    assert centres(Sampling("stride", 4).frames(9)).tolist() == [1, 5]
    assert centres(Sampling("stride", 4, 5).frames(12)).tolist() == [1 + 2, 5 + 2]
    assert centres(Sampling("uniform", 1, 16).frames(16)).tolist() == [8]
    assert centres(Sampling("uniform", 1, 16).frames(3)).tolist() == [2]


def test_as_text() -> None:
    assert str(Sampling("uniform", 32)) == "uniform:32"
    assert str(Sampling("stride", 8, LENGTH)) == "stride:8"


def test_from_text() -> None:
    for sampling in (Sampling("uniform", 32), Sampling("stride", 8)):
        assert Sampling.parse(str(sampling)) == sampling
    for text in ("uniform:0", "stride", "imported", "uniform:8 "):
        with pytest.raises(InputError, match="it is uniform:COUNT or stride:STEP"):
            Sampling.parse(text)


@pytest.mark.parametrize("positions", [1, 3, 6, 24])
@pytest.mark.parametrize("whole", [Sampling("uniform", 10), Sampling("stride", 7, LENGTH)])
def test_the_central_snippets_of_equal_parts(whole: Sampling, positions: int) -> None:
    central = CentralSampling(whole.rule, whole.value, whole.length, positions)
    assert str(central) == str(whole)
    for total in TOTALS[:-1]:
        frames = whole.frames(total)
        n = len(frames)
        half = Fraction(1, 2)
        wanted = sorted({floor((j + half) * n / positions) for j in range(positions)})
        assert central.frames(total).tolist() == frames[wanted].tolist()
        assert central.count(total) == len(wanted)
