"""What is said of how far a count is, and when."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tcon.cache.common.output.pace import Pace, duration, every, rate


@pytest.mark.parametrize(
    ("pace", "said"),
    [
        (Pace(1000), "0 of 1000 videos"),
        (Pace(1000, seconds=40), "0 of 1000 videos"),  # nobody knows yet
        (Pace(1000, 117, 3, 30), "120 of 1000 videos, 3 failed, 4.0 videos/s, 4 min left"),
        (Pace(8, 2, 0, 62.5), "2 of 8 videos, 0.032 videos/s, 3 min left"),
        (Pace(120, 120, 0, 60), "120 of 120 videos, 2.0 videos/s, 0 s left"),
    ],
)
def test_pace(pace: Pace, said: str) -> None:
    assert pace.describe("videos") == said


def test_time_left_is_by_the_rate_so_far() -> None:
    """10 of 40 in 5 s: 2 a second, so 30 take 15 s."""
    pace = Pace(40, done=8, failed=2, seconds=5)
    assert (pace.rate, pace.seconds_left) == (2, 15)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.4, "0 s"),
        (99.4, "99 s"),
        (99.6, "2 min"),
        (5940, "99 min"),
        (6000, "1 h 40 min"),
        (11100, "3 h 05 min"),
        (172799, "2 d 00 h"),
        (187200, "2 d 04 h"),
    ],
)
def test_durations(seconds: float, said: str) -> None:
    assert duration(seconds) == said


@pytest.mark.parametrize(("per_second", "said"), [(148.4, "148"), (14.8, "15"), (0.1, "0.10")])
def test_rates(per_second: float, said: str) -> None:
    assert rate(per_second) == said


def test_every_so_often() -> None:
    """As often as the time passes before the block ends, and no more."""
    waited, said = [], []

    def times() -> Iterator[bool]:
        yield from (False, False, True)

    answers = times()

    def wait(seconds: float) -> bool:
        waited.append(seconds)
        return next(answers)

    with every(30, lambda: said.append(len(waited)), wait=wait):
        pass
    assert waited == [30, 30, 30]
    assert said == [1, 2]
