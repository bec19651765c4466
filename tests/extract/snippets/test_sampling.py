"""Which frames become snippets, against formulas written out in exact arithmetic."""

from __future__ import annotations

from fractions import Fraction
from math import floor

import numpy as np
import pytest

from tcon.cache.recipe import Sampling
from tcon.extract.snippets.sampling import centres, snippet_count, snippet_frames

TOTALS = [*range(1, 100), 1000, 54321, 10**7]
LENGTH = 16


def _frames(rule: str, value: int, total: int) -> list[int]:
    """Of snippets that are one frame long."""
    frames = snippet_frames(Sampling(rule, value), total)
    assert frames.shape[1] == 1
    return frames[:, 0].tolist()


@pytest.mark.parametrize("length", [1, 2, LENGTH])
@pytest.mark.parametrize("value", [1, 2, 3, 7, 8, 32, 100])
@pytest.mark.parametrize("rule", ["uniform", "stride"])
def test_frames_increase_and_exist(rule: str, value: int, length: int) -> None:
    for total in TOTALS[:-1]:
        frames = snippet_frames(Sampling(rule, value), total, length=length)
        assert frames.dtype == np.int64
        assert len(frames) == snippet_count(Sampling(rule, value), total, length=length) >= 1
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
        assert snippet_frames(Sampling("uniform", count), total, length=length).tolist() == expected


def test_no_snippet_is_taken_twice() -> None:
    """18 frames hold three snippets of 16, whatever is asked for."""
    expected = [list(range(start, start + LENGTH)) for start in range(3)]
    assert snippet_frames(Sampling("uniform", 8), 18, length=LENGTH).tolist() == expected


@pytest.mark.parametrize("step", [1, 3, 8, 31])
def test_stride_starts_a_snippet_every_step_frames(step: int) -> None:
    for total in range(LENGTH + step - 1, 120):
        expected = []
        for start in range(total):
            if start % step == (step - 1) // 2 and start + LENGTH <= total:
                expected.append([start + n for n in range(LENGTH)])
        assert snippet_frames(Sampling("stride", step), total, length=LENGTH).tolist() == expected


@pytest.mark.parametrize("rule", ["uniform", "stride"])
def test_a_video_shorter_than_a_snippet_repeats_its_last_frame(rule: str) -> None:
    assert snippet_frames(Sampling(rule, 8), 3, length=5).tolist() == [[0, 1, 2, 2, 2]]
    assert snippet_frames(Sampling(rule, 8), 1, length=5).tolist() == [[0] * 5]
    assert snippet_frames(Sampling(rule, 1), 5, length=5).tolist() == [[0, 1, 2, 3, 4]]


def test_the_centre_frame_of_a_snippet() -> None:
    assert centres(snippet_frames(Sampling("stride", 4), 9)).tolist() == [1, 5]
    assert centres(snippet_frames(Sampling("stride", 4), 12, length=5)).tolist() == [1 + 2, 5 + 2]
    assert centres(snippet_frames(Sampling("uniform", 1), 16, length=16)).tolist() == [8]
    assert centres(snippet_frames(Sampling("uniform", 1), 3, length=16)).tolist() == [2]


def test_as_text() -> None:
    assert str(Sampling("uniform", 32)) == "uniform:32"
    assert str(Sampling("stride", 8)) == "stride:8"


@pytest.mark.parametrize("positions", [1, 3, 6, 24])
@pytest.mark.parametrize(("rule", "value", "length"), [("uniform", 10, 1), ("stride", 7, LENGTH)])
def test_the_central_snippets_of_equal_parts(
    rule: str, value: int, length: int, positions: int
) -> None:
    whole = Sampling(rule, value)
    for total in TOTALS[:-1]:
        frames = snippet_frames(whole, total, length=length)
        n = len(frames)
        half = Fraction(1, 2)
        wanted = sorted({floor((j + half) * n / positions) for j in range(positions)})
        central = snippet_frames(whole, total, length=length, positions=positions)
        assert central.tolist() == frames[wanted].tolist()
        assert snippet_count(whole, total, length=length, positions=positions) == len(wanted)
