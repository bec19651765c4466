"""Names and kinds of runs in the display."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from tcon.adapt.briefing import Briefing
from tcon.adapt.config.grid import Grid
from tcon.adapt.config.runs import make_runs
from tcon.adapt.events import GridReady, JobsPlanned
from tcon.adapt.jobs.plan import Jobs
from tcon.adapt.progress.display import Display, kind_of, labels_of


def grid(output: str, *settings: str, seeds: int = 1) -> Grid:
    runs = make_runs(["source_only"], settings, seeds=seeds)
    return Grid(source=Path("s"), target=Path("t"), runs=tuple(runs), output=Path(output))


def test_names_are_as_short_as_tells_them_apart() -> None:
    name = "source_only_rgb_k6_seed0"
    assert list(labels_of([grid("runs/a")]).values()) == [name]
    assert list(labels_of([grid("runs/a"), grid("runs/b")]).values()) == [f"a/{name}", f"b/{name}"]
    deep = labels_of([grid("/runs/a/x"), grid("/runs/b/x"), grid("/runs/b/y")])
    assert list(deep.values()) == [f"a/x/{name}", f"b/x/{name}", f"b/y/{name}"]


def test_runs_that_differ_in_seed_and_steps_alone_tell_of_each_other() -> None:
    first, second = grid("a", seeds=2).runs
    (longer,) = grid("b", "train.min_steps=9").runs
    (wider,) = grid("c", "source_only.features=9").runs
    assert kind_of(first) == kind_of(second) == kind_of(longer) != kind_of(wider)


def test_what_is_said_names_its_grid_where_there_are_several(
    capsys: pytest.CaptureFixture[str],
) -> None:
    briefing = Briefing(notes=("12 classes.",), warnings=("Few videos.",), steps={})
    for grids in ([grid("a")], [grid("a"), grid("b")]):
        display = Display(grids)
        for event in [JobsPlanned(Jobs()), *(GridReady(each, briefing) for each in grids)]:
            display.show(event)
    assert capsys.readouterr().out.splitlines() == [
        *("Reading features.", "12 classes.", "Warning: Few videos."),
        *("Reading features.", "a: 12 classes.", "a: Warning: Few videos."),
        *("b: 12 classes.", "b: Warning: Few videos."),
    ]


def test_a_terminal_shows_until_the_first_grid_is_ready_that_features_are_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = Console(file=io.StringIO(), force_terminal=True)
    monkeypatch.setattr("tcon.adapt.progress.display.run_console", lambda: terminal)
    one = grid("a")
    display = Display([one])
    display.show(JobsPlanned(Jobs()))
    assert display.board.caption == "reading features" and not terminal.file.getvalue()
    display.show(GridReady(one, Briefing((), (), {})))
    assert display.board.caption == ""
