"""One table of all runs: live on a terminal, a line per event elsewhere."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from ..grid import State

_SHOWN_ENDED = 8  # the last ones; of hundreds of runs the rest are counted
_SHOWN_WAITING = 3
_SHORT_NAMES = {
    "loss": "loss",
    "objective": "objective",
    "source_class": "source",
    "pseudo_class": "pseudo",
    "attention": "attention",
    "mmd": "MMD",
    "video_domain": "D video",
    "segment_domain": "D segment",
    "frame_domain": "D frame",
    "relation_domain": "D relation",
    "video_disc_accuracy": "acc D video",
    "segment_disc_accuracy": "acc D segment",
    "frame_disc_accuracy": "acc D frame",
    "relation_disc_accuracy": "acc D relation",
    "pseudo_rate": "pseudo-labelled",
    "unreadable_videos": "unreadable videos",
}
_STYLES: dict[State, str] = {"running": "bold", "failed": "red", "waiting": "dim"}


@dataclass
class Row:
    """What is known of one run."""

    name: str
    state: State = "waiting"
    step: int = 0
    steps: int = 0
    terms: str = ""
    started: float = 0.0
    seconds: float = 0.0


class Board:
    """Shows runs while they go on. Use it as a context manager.

    Args:
        names: of all runs, in their order; unique.
        console: a terminal gets the table, anything else a line when a run ends.
        every: a line when it starts and at each evaluation too: of runs that take hours.
    """

    def __init__(self, names: list[str], console: Console, *, every: bool = False) -> None:
        self.rows = {name: Row(name) for name in names}
        self.ended: list[Row] = []
        self.console = console
        self.caption = ""  # below the table: what is done before training
        self._every = every and not console.is_terminal
        self._live = Live(get_renderable=self.table, console=console, refresh_per_second=4)

    def __enter__(self) -> Board:
        if self.console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def set_state(self, name: str, state: State, why: str = "") -> None:
        """A run starts or ends; ``why`` it failed."""
        row = self.rows[name]
        row.state = state
        if state == "running":
            row.started = time.monotonic()
            if self._every:
                self.console.print(f"{name}: started")
        else:
            row.seconds = time.monotonic() - row.started if row.started else 0.0
            row.terms = why or row.terms
            self.ended.append(row)
        if not self.console.is_terminal and state != "running":
            self.console.print(_line(row))

    def stepped(self, name: str, step: int, steps: int) -> None:
        """A run has done ``step`` of ``steps`` steps; of 0 where nobody knows how many."""
        row = self.rows[name]
        row.step, row.steps = step, steps

    def evaluated(self, name: str, step: int, steps: int, record: Mapping[str, float]) -> None:
        """A run has logged a record."""
        self.stepped(name, step, steps)
        row = self.rows[name]
        row.terms = _terms(record)
        if self._every:
            seconds = time.monotonic() - row.started
            self.console.print(f"{name}: step {step}/{steps} after {seconds:.0f} s; {row.terms}")

    def table(self) -> Table:
        """What is running, what ended last and what comes next, with counts of all states."""
        counts = Counter(row.state for row in self.rows.values())
        title = ", ".join(f"{count} {state}" for state, count in counts.items())
        table = Table(title=f"{len(self.rows)} runs: {title}", title_justify="left", expand=True)
        table.caption = Text(self.caption)
        for column in ("run", "state", "step", "time"):
            table.add_column(column, no_wrap=True)
        table.add_column("losses", ratio=1, no_wrap=True, overflow="ellipsis")
        by_state = {s: [r for r in self.rows.values() if r.state == s] for s in _STYLES}
        shown = self.ended[-_SHOWN_ENDED:] + by_state["running"]
        for row in shown + by_state["waiting"][:_SHOWN_WAITING]:
            step = f"{row.step}/{row.steps}" if row.steps else str(row.step or "")
            running = row.state == "running"
            seconds = time.monotonic() - row.started if running else row.seconds
            cells = (row.name, row.state, step, f"{seconds:.0f} s" if seconds else "", row.terms)
            table.add_row(*map(Text, cells), style=_STYLES.get(row.state))
        return table


def _line(row: Row) -> str:
    if row.state == "finished":
        return f"{row.name}: {row.step} steps in {row.seconds:.0f} s; {row.terms}"
    if row.state == "elsewhere":
        return f"{row.name}: another process trains it"
    return f"{row.name}: {row.state}{f': {row.terms}' if row.state == 'failed' else ''}"


def _terms(record: Mapping[str, float]) -> str:
    return ", ".join(
        f"{short} {record[name]:.3g}" for name, short in _SHORT_NAMES.items() if name in record
    )
