"""Steps per second and the time that is left, by a clock that the test sets."""

from __future__ import annotations

import pytest

from tcon.adapt.progress.pace import Pace, Remaining, readable_seconds


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_nothing_is_guessed_before_a_second_of_training(clock: Clock) -> None:
    pace = Pace({"a": "tcon"}, clock)
    pace.expect("a", 100)
    pace.started("a")
    assert pace.rate("a") is pace.left("a") is pace.left_in_all() is None
    pace.stepped("a", 1, 100)
    clock.now = 0.9
    pace.stepped("a", 5, 100)
    assert pace.rate("a") is pace.left_in_all() is None
    clock.now = 2.0
    pace.stepped("a", 11, 100)
    assert pace.rate("a") == 5.0  # ten steps since the first one was heard of
    assert pace.left("a") == pytest.approx(89 / 5)
    assert pace.left_in_all() == Remaining(pytest.approx(89 / 5))


def test_a_resumed_run_is_measured_from_where_it_continues(clock: Clock) -> None:
    pace = Pace({"a": "tcon"}, clock)
    pace.stepped("a", 1001, 2001)
    clock.now = 10.0
    pace.stepped("a", 1101, 2001)
    assert pace.rate("a") == 10.0 and pace.left("a") == 90.0


def test_runs_of_a_kind_tell_of_each_other_and_share_the_processes(clock: Clock) -> None:
    pace = Pace(dict.fromkeys("abcd", "tcon"), clock)
    for name in "abcd":
        pace.expect(name, 100)
    for name in "ab":
        pace.started(name)
        pace.stepped(name, 0, 100)
    clock.now = 10.0
    pace.stepped("a", 50, 100)
    pace.stepped("b", 30, 100)
    # 80 steps in 20 s: a waiting run needs 25 s.
    assert pace.left("c") == 25.0
    left_of_all = 50 / 5 + 70 / 3 + 2 * 25
    assert pace.left_in_all() == Remaining(pytest.approx(left_of_all / 2))
    pace.ended("a")
    pace.at_once = 2
    assert pace.left_in_all() == Remaining(pytest.approx((left_of_all - 10) / 2))
    for name in "bc":
        pace.ended(name)
    assert pace.left_in_all() == Remaining(25.0)  # one run is not divided among two processes


def test_what_is_unknown_makes_it_a_least_time(clock: Clock) -> None:
    pace = Pace({"a": "tcon", "b": "daaa", "c": "fitted"}, clock)
    pace.expect("a", 100)
    pace.expect("b", 100)
    pace.started("a")
    pace.stepped("a", 0, 100)
    clock.now = 10.0
    pace.stepped("a", 50, 100)
    assert pace.left("b") is pace.left("c") is None
    assert pace.left_in_all() == Remaining(10.0, at_least=True)
    pace.ended("b")
    pace.ended("c")
    assert pace.left_in_all() == Remaining(10.0)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (99, "99 s"), (100, "2 min"), (5960, "99 min"), (6000, "1.7 h")]
    + [(48 * 3600, "2.0 days")],
)
def test_durations_as_people_say_them(seconds: float, text: str) -> None:
    assert readable_seconds(seconds) == text
