"""Which run is next."""

from __future__ import annotations

from types import SimpleNamespace

from tcon.adapt.config.options import RunConfig
from tcon.adapt.config.runs import make_runs
from tcon.adapt.jobs.queue import RunQueue
from tcon.adapt.runner import Group


def groups(*runs: RunConfig) -> list[Group]:
    return [[(run, SimpleNamespace())] for run in runs]


def test_fitted_runs_wait_for_what_they_start_from() -> None:
    runs = make_runs(["cmfglr", "dan"], seeds=2)
    assert [run.method for run in runs] == ["source_only", "cmfglr"] * 2 + ["dan"] * 2
    each = groups(*runs)
    queue = RunQueue(each)
    taken = [queue.take() for _ in range(5)]
    assert taken == [each[0], each[2], each[4], each[5], None] and len(queue) == 2
    queue.ended(each[2])
    assert (queue.take(), queue.take()) == (each[3], None)
    queue.ended(each[0])
    assert queue.take() == each[1] and not len(queue)


def test_a_base_in_a_group_counts_like_any_other() -> None:
    runs = make_runs(["cmfglr"], seeds=2)
    together = [(run, SimpleNamespace()) for run in runs[::2]]
    queue = RunQueue([together, *groups(runs[1])])
    assert queue.take() == together and queue.take() is None
    queue.ended(together)
    assert queue.take() is not None


def test_what_starts_from_a_finished_run_need_not_wait() -> None:
    _, fitted = make_runs(["cmfglr"])
    assert RunQueue(groups(fitted)).take() is not None
