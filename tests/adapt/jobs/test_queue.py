"""Which run is next."""

from __future__ import annotations

from tcon.adapt.config.runs import make_runs
from tcon.adapt.jobs.queue import RunQueue


def test_fitted_runs_wait_for_what_they_start_from() -> None:
    runs = make_runs(["cmfglr", "dan"], seeds=2)
    assert [run.method for run in runs] == ["source_only", "cmfglr"] * 2 + ["dan"] * 2
    queue = RunQueue(runs)
    taken = [queue.take() for _ in range(5)]
    assert taken == [runs[0], runs[2], runs[4], runs[5], None] and len(queue) == 2
    queue.ended(runs[2])
    assert (queue.take(), queue.take()) == (runs[3], None)
    queue.ended(runs[0])
    assert queue.take() == runs[1] and not len(queue)


def test_what_starts_from_a_finished_run_need_not_wait() -> None:
    base, fitted = make_runs(["cmfglr"])
    assert RunQueue([fitted]).take() == fitted
