"""One table of all runs: live on a terminal, lines elsewhere."""

from __future__ import annotations

import textwrap
import time
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from threading import Timer

from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from ...cache.common.counts import counted
from ...cache.common.output.pace import SAID_EVERY, duration, every, rate
from ..runner import State
from .time_left import Clock, TimeLeft

_SOON = 2.0  # seconds after which a log tells what is done before training
_SHOWN_WAITING = 3  # of hundreds of runs the rest are counted
_COLUMNS = ("state", "step", "steps/s", "time", "left")  # after the run's name
_STATE_WIDTH = 9  # "finished before" takes two lines
_INDENT = 3  # of the terms below a run
_SHOWN_LINES = 8  # running ones that a log tells of at a time
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
    started: float | None = None
    seconds: float = 0.0

    @property
    def steps_done(self) -> str:
        if self.state in ("finished before", "elsewhere"):
            return ""
        return f"{self.step}/{self.steps}" if self.steps else str(self.step or "")


@dataclass(frozen=True)
class _Terms:
    """The terms of a run, on as many lines as they need; no line ends within a term."""

    terms: str

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        for line in _folded(self.terms, options.max_width):
            yield Text(line, style="dim")


class Board:
    """Shows runs while they go on. Use it as a context manager.

    Args:
        kinds: of each run, by its unique name and in their order, what decides how long its steps
            take.
        console: a terminal gets the table, anything else a line when a run ends, and every half
            minute how far the others are.
        verbose: a line when a run starts and at each evaluation too: of runs that take hours.
        clock: gives seconds.
    """

    def __init__(
        self,
        kinds: Mapping[str, Hashable],
        console: Console,
        *,
        verbose: bool = False,
        clock: Clock = time.monotonic,
    ) -> None:
        self.rows = {name: Row(name) for name in kinds}
        self.ended: list[Row] = []
        self.console = console
        self.caption = ""  # below the table: what is done before training
        self.time_left = TimeLeft(kinds, clock)
        self._clock = clock
        self._verbose = verbose and not console.is_terminal
        self._live = Live(get_renderable=self.table, console=console, refresh_per_second=4)
        self._open = ExitStack()

    def __enter__(self) -> Board:
        terminal = self.console.is_terminal
        self._open.enter_context(self._live if terminal else every(SAID_EVERY, self.report))
        if not terminal:
            soon = Timer(_SOON, self._say_caption)
            self._open.callback(soon.join)
            self._open.callback(soon.cancel)
            soon.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def expect(self, name: str, steps: int) -> None:
        """A run will have so many steps; 0 where nobody knows."""
        self.rows[name].steps = steps
        self.time_left.expect(name, steps)

    def set_state(self, name: str, state: State, why: str = "") -> None:
        """A run starts or ends; ``why`` it failed."""
        row = self.rows[name]
        row.state = state
        if state == "running":
            row.started = self._clock()
            self.time_left.started(name)
            if self._verbose:
                self.console.print(f"{name}: started")
            return
        row.seconds = 0.0 if row.started is None else self._clock() - row.started
        self.ended.append(row)
        self.time_left.ended(name)
        if not self.console.is_terminal or state == "failed":
            self.console.print(_ending(row, why))

    def stepped(self, name: str, step: int, steps: int) -> None:
        """A run has done ``step`` of ``steps`` steps; of 0 where nobody knows how many."""
        row = self.rows[name]
        row.step, row.steps = step, steps
        self.time_left.stepped(name, step, steps)

    def evaluated(self, name: str, step: int, steps: int, record: Mapping[str, float]) -> None:
        """A run has logged a record."""
        self.stepped(name, step, steps)
        row = self.rows[name]
        row.terms = _terms(record)
        if self._verbose:
            seconds = self._seconds(row)
            self.console.print(f"{name}: step {row.steps_done} after {seconds:.0f} s; {row.terms}")

    def report(self) -> None:
        """Print how far everything is, in lines."""
        running = [row for row in self.rows.values() if row.state == "running"]
        for row in running[:_SHOWN_LINES]:
            parts = [f"step {row.steps_done}" if row.step else "at its first step"]
            if speed := self.time_left.rate(row.name):
                parts.append(f"{rate(speed)} steps/s")
            if (left := self.time_left.of(row.name)) is not None:
                parts.append(f"{duration(left)} left")
            self.console.print(f"{row.name}: {', '.join(parts)}")
        if len(self.rows) > len(running[:_SHOWN_LINES]):
            self.console.print(self.summary() + (f"; {self.caption}" if self.caption else ""))

    def _say_caption(self) -> None:
        if self.caption:
            self.console.print(f"{self.summary()}; {self.caption}")

    def summary(self) -> str:
        """How many runs are in which state, and the time left."""
        counts = Counter(row.state for row in self.rows.values())
        states = ", ".join(f"{count} {state}" for state, count in counts.items())
        text = f"{counted(len(self.rows), 'run')}: {states}"
        if left := self.time_left.in_all():
            kind = "at least" if left.at_least else "about"
            text += f"; {kind} {duration(left.seconds)} left"
        return text

    def table(self) -> Group:
        """What ended last, what is running and what comes next, as far as the screen reaches; below
        each run its terms, over the full width."""
        shown = self._shown()
        cells = {row.name: self._cells(row) for row in shown}
        columns = list(zip(_COLUMNS, *cells.values(), strict=True))[1:]
        widths = [_STATE_WIDTH, *(max(map(len, column)) for column in columns)]
        page: list[RenderableType] = [
            Text(self.summary(), style="table.title"),
            "",
            _line("run", _COLUMNS, widths, "table.header"),
            Rule(style="none"),
        ]
        for row in shown:
            page.append(_line(row.name, cells[row.name], widths, _STYLES.get(row.state, "")))
            if row.terms:
                page.append(Padding(_Terms(row.terms), (0, 1, 0, _INDENT)))
        return Group(*page, Text(self.caption, style="table.caption"))

    def _cells(self, row: Row) -> list[str]:
        """What stands in each of the `_COLUMNS`."""
        speed = self.time_left.rate(row.name)
        left = self.time_left.of(row.name) if row.state == "running" else None
        seconds = self._seconds(row)
        return [
            row.state,
            row.steps_done,
            rate(speed) if speed else "",
            duration(seconds) if seconds else "",
            "" if left is None else duration(left),
        ]

    def _shown(self) -> list[Row]:
        """Of the runs those for which there is room."""
        longest = max((row.terms for row in self.rows.values()), key=len, default="")
        lines = max(2, 1 + len(_folded(longest, self.console.width - _INDENT - 1)))  # of a run
        room = max(3, (self.console.height - 8) // lines)
        running = [row for row in self.rows.values() if row.state == "running"][:room]
        waiting = [row for row in self.rows.values() if row.state == "waiting"][:_SHOWN_WAITING]
        ended = self.ended[-max(1, room - len(running) - len(waiting)) :]
        return ended + running + waiting

    def _seconds(self, row: Row) -> float:
        """How long a run has taken."""
        if row.state == "running" and row.started is not None:
            return self._clock() - row.started
        return row.seconds


def _line(name: str, cells: Sequence[str], widths: Sequence[int], style: str) -> Table:
    """A line of the table: the state is folded, as the name is; numbers end at the right."""
    line = Table(box=None, show_header=False, expand=True, style=style)
    line.add_column(ratio=1, overflow="fold")
    line.add_column(width=widths[0])
    for width in widths[1:]:
        line.add_column(width=width, no_wrap=True, justify="right")
    line.add_row(*(Text(cell) for cell in (name, *cells)))
    return line


def _folded(terms: str, width: int) -> list[str]:
    """The terms on lines of so many characters, broken after commas."""
    unbroken = terms.replace(" ", "\u00a0").replace(",\u00a0", ", ")
    lines = textwrap.wrap(unbroken, max(1, width), break_on_hyphens=False)
    return [line.replace("\u00a0", " ") for line in lines]


def _ending(row: Row, why: str) -> str:
    if row.state == "finished":
        return f"{row.name}: {counted(row.step, 'step')} in {row.seconds:.0f} s; {row.terms}"
    if row.state == "elsewhere":
        return f"{row.name}: another process trains it"
    return f"{row.name}: {row.state}{f': {why}' if why else ''}"


def _terms(record: Mapping[str, float]) -> str:
    return ", ".join(
        f"{short} {record[name]:.3g}" for name, short in _SHORT_NAMES.items() if name in record
    )
