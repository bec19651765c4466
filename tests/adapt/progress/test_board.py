"""The table of all runs on a terminal, and lines elsewhere."""

from __future__ import annotations

import io

import torch
from rich.console import Console

from tcon.adapt.methods import FittedMethod, Sizes, SourceBatch, build, entry, names
from tcon.adapt.progress import board as live
from tcon.adapt.progress.board import Board

SIZES = Sizes(in_features=3, source_segments=2, target_segments=2, classes=2)


def board(runs: int, *, terminal: bool) -> tuple[Board, io.StringIO]:
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=100, height=30)
    return Board([f"run{n}" for n in range(runs)], console), out


def rendered(shown: Board) -> str:
    console = Console(file=io.StringIO(), width=100)
    console.print(shown.table())
    return console.file.getvalue()


def test_hundreds_of_runs_fit_on_a_screen() -> None:
    shown, _ = board(300, terminal=True)
    for n in range(200):
        shown.set_state(f"run{n}", "running")
        shown.evaluated(f"run{n}", 7, 40, {"loss": 0.5, "lambda_d": 1.0})
        shown.set_state(f"run{n}", "failed" if n == 199 else "finished", "too [/] hot")
    shown.set_state("run200", "running")
    shown.evaluated("run200", 20, 40, {"loss": 0.25})
    text = rendered(shown)
    assert "300 runs: 199 finished, 1 failed, 1 running, 99 waiting" in text
    assert text.count("\n") < 24
    for said in ("run200", "20/40", "loss 0.25", "run198", "run201", "too [/] hot"):
        assert said in text
    assert "run150" not in text and "run250" not in text


def test_every_name_in_the_table_is_one_that_is_logged() -> None:
    """Of each method's losses and accuracies at least one is shown."""
    logged = set()
    for name in names():
        if issubclass(entry(name).method, FittedMethod):
            logged.add("objective")
            continue
        method = build(name, entry(name).config, SIZES)
        x = torch.rand(2, 2 * method.snippets, 3)
        draws = method.draw(2, 2, torch.Generator().manual_seed(0))
        state = method.initial_state(torch.device("cpu"))
        source = SourceBatch(x, torch.tensor([0, 1]))
        losses, _ = method.losses(source, x, progress=0.5, draws=draws, state=state)
        logged |= losses.logs.keys()
        unseen = {key for key in losses.logs if key.endswith(("_accuracy", "_domain", "mmd"))}
        assert unseen <= live._SHORT_NAMES.keys()
    assert live._SHORT_NAMES.keys() - {"loss", "unreadable_videos"} <= logged


def test_a_terminal_gets_no_lines_and_anything_else_only_lines() -> None:
    for terminal in (True, False):
        shown, out = board(2, terminal=terminal)
        with shown:
            shown.set_state("run0", "running")
            shown.evaluated("run0", 4, 4, {"loss": 0.5})
            shown.set_state("run0", "finished")
            shown.set_state("run1", "elsewhere")
        lines = "run0: 4 steps in 0 s; loss 0.5\nrun1: another process trains it\n"
        assert (out.getvalue() == lines) == (not terminal)
        assert ("2 runs: 1 finished, 1 elsewhere" in out.getvalue()) == terminal


def test_of_long_runs_a_log_tells_each_evaluation() -> None:
    for terminal in (True, False):
        out = io.StringIO()
        console = Console(file=out, force_terminal=terminal, width=100, height=30)
        with Board(["run0"], console, every=True) as shown:
            shown.set_state("run0", "running")
            assert (out.getvalue() == "run0: started\n") == (not terminal)
            shown.evaluated("run0", 4, 8, {"loss": 0.5, "unreadable_videos": 2})
        line = "run0: step 4/8 after 0 s; loss 0.5, unreadable videos 2\n"
        assert (line in out.getvalue()) == (not terminal)
