"""The table of all runs on a terminal, and lines elsewhere."""

from __future__ import annotations

import io
import threading

import pytest
import torch
from rich.console import Console

from tcon.adapt.methods import FittedMethod, Sizes, SourceBatch, build, entry, names
from tcon.adapt.progress import board as live
from tcon.adapt.progress.board import Board

SIZES = Sizes(in_features=3, source_segments=2, target_segments=2, classes=2)


class Clock:
    """Says what it is set to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def board(
    runs: int, *, terminal: bool, width: int = 100, name: str = "run", clock: Clock | None = None
) -> tuple[Board, io.StringIO]:
    out = io.StringIO()
    console = Console(
        file=out, force_terminal=terminal, width=width, height=30, markup=False, highlight=False
    )
    kinds = {f"{name}{n}": "kind" for n in range(runs)}
    return Board(kinds, console, clock=clock or Clock()), out


def rendered(shown: Board, width: int = 100) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(shown.table())
    return console.file.getvalue()


def test_hundreds_of_runs_fit_on_a_screen() -> None:
    shown, out = board(300, terminal=True)
    for n in range(200):
        shown.set_state(f"run{n}", "running")
        shown.evaluated(f"run{n}", 7, 40, {"loss": 0.5, "lambda_d": 1.0})
        shown.set_state(f"run{n}", "failed" if n == 199 else "finished", "too [/] hot")
    shown.set_state("run200", "running")
    shown.evaluated("run200", 20, 40, {"loss": 0.25})
    text = rendered(shown)
    assert "300 runs: 199 finished, 1 failed, 1 running, 99 waiting" in text
    assert text.count("\n") < 30
    for said in ("run200", "20/40", "loss 0.25", "run198", "run201"):
        assert said in text
    assert "run150" not in text and "run250" not in text
    assert out.getvalue() == "run199: failed: too [/] hot\n"


def test_no_column_is_cut_off_at_80_characters() -> None:
    name = "ucf101_to_hmdb51/tcon-sadnet_rgb_k6-4_official_seed"
    clock = Clock()
    shown, _ = board(4, terminal=True, width=80, name=name, clock=clock)
    for n in range(4):
        shown.expect(f"{name}{n}", 12600)
    shown.set_state(f"{name}0", "finished before")
    shown.set_state(f"{name}1", "running")
    shown.stepped(f"{name}1", 1, 12600)
    clock.now = 34560.0
    losses = {"loss": 0.531, "source_class": 0.2345, "video_domain": 0.6931, "pseudo_rate": 0.5}
    shown.evaluated(f"{name}1", 10001, 12600, losses)
    text = rendered(shown, 80)
    assert "…" not in text and max(map(len, text.splitlines())) <= 80
    for said in ("10001/12600", "0/12600", "0.29", "9 h 36 min", "2 h 30 min"):
        assert said in text
    assert "finished" in text and "before" in text
    # A long name is folded.
    edge = text.splitlines()[2].index("state")
    column = [line[:edge].strip() for line in text.splitlines()]
    assert f"{name}0{name}1" in "".join(column)
    lines = [line.rstrip() for line in text.splitlines()]
    assert "   loss 0.531, source 0.234, D video 0.693, pseudo-labelled 0.5" in lines


def test_terms_are_folded_between_two_of_them_and_take_their_room() -> None:
    shown, _ = board(20, terminal=True, width=80)
    logged = dict.fromkeys(live._SHORT_NAMES, 0.123)
    for n in range(20):
        shown.set_state(f"run{n}", "running")
        shown.evaluated(f"run{n}", 1, 2, logged)
    lines = rendered(shown, 80).splitlines()
    assert len(lines) <= 30 and max(map(len, lines)) <= 80
    first = next(n for n, line in enumerate(lines) if line.startswith("   loss"))
    second = next(n for n, line in enumerate(lines) if n > first and "running" in line)
    terms = ", ".join(f"{short} 0.123" for short in live._SHORT_NAMES.values())
    assert " ".join(line.strip() for line in lines[first:second]) == terms
    assert all(line.rstrip().endswith(",") for line in lines[first : second - 1])


def test_the_time_left_is_told_before_and_after_a_second_of_training() -> None:
    clock = Clock()
    shown, out = board(3, terminal=False, clock=clock)
    for n in range(3):
        shown.expect(f"run{n}", 100)
    shown.set_state("run0", "running")
    shown.report()
    shown.stepped("run0", 1, 100)
    clock.now = 2.0
    shown.stepped("run0", 11, 100)
    shown.report()
    assert out.getvalue().splitlines() == [
        "run0: at its first step",
        "3 runs: 1 running, 2 waiting",
        "run0: step 11/100, 5.0 steps/s, 18 s left",
        "3 runs: 1 running, 2 waiting; about 58 s left",
    ]


def test_a_log_is_not_silent_for_longer_than_half_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "SAID_EVERY", 0.01)
    for terminal in (False, True):
        shown, out = board(2, terminal=terminal)
        with shown:
            shown.set_state("run0", "running")
            shown.stepped("run0", 3, 8)
            threading.Event().wait(0.2)
        assert (out.getvalue().count("run0: step 3/8\n") > 1) == (not terminal)


def test_a_log_soon_tells_what_is_done_before_training(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "_SOON", 0.05)
    for caption, line in (
        ("reading features", "2 runs: 2 waiting; reading features\n"),
        ("", ""),
    ):
        shown, out = board(2, terminal=False)
        with shown:
            shown.caption = caption
            threading.Event().wait(0.3)
        assert out.getvalue() == line


def test_no_line_comes_after_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line that is on its way when the board closes is printed before it has closed."""
    monkeypatch.setattr(live, "SAID_EVERY", 0.01)
    shown, out = board(1, terminal=False)
    begun = threading.Event()

    def report_slowly() -> None:
        begun.set()
        threading.Event().wait(0.1)
        shown.console.print("a line")

    monkeypatch.setattr(shown, "report", report_slowly)
    with shown:
        assert begun.wait(10)
    before = out.getvalue()
    threading.Event().wait(0.3)
    assert out.getvalue() == before == "a line\n"


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
        with Board({"run0": "kind"}, console, verbose=True) as shown:
            shown.set_state("run0", "running")
            assert (out.getvalue() == "run0: started\n") == (not terminal)
            shown.evaluated("run0", 4, 8, {"loss": 0.5, "unreadable_videos": 2})
        line = "run0: step 4/8 after 0 s; loss 0.5, unreadable videos 2\n"
        assert (line in out.getvalue()) == (not terminal)
