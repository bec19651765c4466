"""Steps per second and the time that is left, by a clock that the test sets."""

from __future__ import annotations

import pytest

from tcon.adapt.progress.time_left import Remaining, TimeLeft, until_all_end


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_nothing_is_guessed_before_a_second_of_training(clock: Clock) -> None:
    left = TimeLeft({"a": "tcon"}, clock)
    left.expect("a", 100)
    left.started("a")
    assert left.rate("a") is left.of("a") is left.in_all() is None
    left.stepped("a", 1, 100)
    clock.now = 0.9
    left.stepped("a", 5, 100)
    assert left.rate("a") is left.in_all() is None
    clock.now = 2.0
    left.stepped("a", 11, 100)
    assert left.rate("a") == 5.0  # ten steps since the first one was heard of
    assert left.of("a") == pytest.approx(89 / 5)
    assert left.in_all() == Remaining(pytest.approx(89 / 5))


def test_a_resumed_run_is_measured_from_where_it_continues(clock: Clock) -> None:
    left = TimeLeft({"a": "tcon"}, clock)
    left.stepped("a", 1001, 2001)
    clock.now = 10.0
    left.stepped("a", 1101, 2001)
    assert left.rate("a") == 10.0 and left.of("a") == 90.0


def test_runs_of_a_kind_tell_of_each_other_and_share_the_processes(clock: Clock) -> None:
    left = TimeLeft(dict.fromkeys("abcd", "tcon"), clock)
    for name in "abcd":
        left.expect(name, 100)
    for name in "ab":
        left.started(name)
        left.stepped(name, 0, 100)
    clock.now = 10.0
    left.stepped("a", 50, 100)
    left.stepped("b", 30, 100)
    # 80 steps in 20 s: a waiting run needs 25 s.
    assert left.of("c") == 25.0
    # One follows a, which ends after 10 s, the other one b, after 70 / 3 s.
    assert left.in_all() == Remaining(pytest.approx(70 / 3 + 25))
    left.ended("a")
    left.at_once = 2
    assert left.in_all() == Remaining(pytest.approx(70 / 3 + 25))
    for name in "bc":
        left.ended(name)
    assert left.in_all() == Remaining(25.0)  # one run is not divided among two processes


@pytest.mark.parametrize(
    ("running", "waiting", "processes", "seconds"),
    [
        ([], [3, 3, 3], 1, 9),
        ([], [3, 3, 3], 2, 6),  # the third run ends on one process, alone
        ([5], [], 4, 5),
        ([8, 2], [3, 4, 1], 2, 9),  # 2 + 3 + 4 on one, 8 + 1 on the other
        ([1, 1], [1, 1, 50], 2, 52),  # the longest comes last
        ([4, 6, 5], [2], 1, 6),  # several runs of one program end together
    ],
)
def test_each_run_goes_to_the_first_free_process(
    running: list[float], waiting: list[float], processes: int, seconds: float
) -> None:
    assert until_all_end(running, waiting, processes) == seconds


def test_what_is_unknown_makes_it_a_least_time(clock: Clock) -> None:
    left = TimeLeft({"a": "tcon", "b": "daaa", "c": "fitted"}, clock)
    left.expect("a", 100)
    left.expect("b", 100)
    left.started("a")
    left.stepped("a", 0, 100)
    clock.now = 10.0
    left.stepped("a", 50, 100)
    assert left.of("b") is left.of("c") is None
    assert left.in_all() == Remaining(10.0, at_least=True)
    left.ended("b")
    left.ended("c")
    assert left.in_all() == Remaining(10.0)
