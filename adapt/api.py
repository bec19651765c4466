"""`adapt`: from two feature files to adapted classifiers, and the training of whole grids."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..cache import FeatureFile
from ..cache.common.device import choose_device
from ..cache.common.plugins import load_plugin
from ..cache.errors import InputError
from .briefing import brief
from .config.grid import Grid, make_grid
from .config.plans import Plan, read_plan
from .config.settings import Settings
from .end_to_end.decoding import Decoding
from .end_to_end.options import EndToEnd
from .events import Evaluated, GridReady, GridRefused, OnEvent, RunChanged, StepDone
from .grid import Prepared, State, prepare, run_all
from .opening import open_store
from .run.finished import FailedRun, FinishedRun, Runs


def adapt(
    source: FeatureFile | str | Path | None = None,
    target: FeatureFile | str | Path | None = None,
    *,
    methods: str | Sequence[str] | None = None,
    modality: str | Sequence[str] | None = None,
    segments: int | str | Sequence[int | str] | None = None,
    seeds: int | Sequence[int] | None = None,
    settings: Settings = (),
    preset: str | None = None,
    task: str | Path | None = None,
    plan: str | Path | None = None,
    plugins: Iterable[str | Path] = (),
    oracle: bool = False,
    end_to_end: bool | EndToEnd = False,
    decoding: Decoding | None = None,
    output: str | Path | None = None,
    device: str = "auto",
    on_event: OnEvent | None = None,
) -> Runs:
    """Train every method on every modality, number of segments and seed.

    Finished runs are skipped and interrupted ones are resumed. Target labels, where the file holds
    any, decide which videos belong to the task's classes; training never gets them. Nothing is
    printed.

    Example:
        >>> short = {"train.epochs": 2, "train.min_steps": 1}
        >>> runs = adapt("source.h5", "target.h5", segments=4, settings=short, device="cpu")
        >>> runs
        Runs(2 finished: source_only_rgb_k4_seed0, tcon_rgb_k4_seed0)
        >>> runs["tcon", 0].record.run.train.epochs
        2

    Args:
        source, target: feature files; end to end lists or folders of videos will do.
        methods: registered names; ``source_only`` and ``tcon`` if none.
        modality: one or more; ``rgb`` if none.
        segments: K, or ``"6:4"`` for K_s and K_t, or several of these; 6 if none.
        seeds: how many, from 0 on, or which; 1 if none.
        settings: any options, as ``{"train.lr": 1e-3}`` or ``["train.lr=1e-3"]``.
        preset: named settings of the methods, applied first.
        task: csv of classes or a shipped task's name; None for the class names that both share.
        plan: a TOML file or a shipped plan's name; what is given here overrides it.
        plugins: files or modules that register methods or backbones of your own.
        oracle: permit ``target_only`` to read target labels.
        end_to_end: train the backbone too; an `EndToEnd` says how.
        decoding: of clips, end to end.
        output: folder that gets one sub-folder per run; ``runs`` if none.
        device: "auto", "cpu", "cuda", ...
        on_event: called with every `events.Event`.

    Returns:
        the finished runs, those that failed, and warnings of the data (``runs.warnings``).

    Raises:
        InputError: anything that cannot be used, in one line.
    """
    for plugin in plugins:
        load_plugin(plugin)
    given: dict[str, Any] = {
        "source": _path(source),
        "target": _path(target),
        "methods": methods,
        "modality": modality,
        "segments": segments,
        "seeds": seeds,
        "settings": settings,
        "preset": preset,
        "task": task,
        "oracle": oracle,
        "end_to_end": end_to_end,
        "output": output,
    }
    # A switch that is off does not override a plan's.
    given = {k: v for k, v in given.items() if v is not None and v is not False and v != ()}
    planned = None if plan is None else read_plan(str(plan), given)
    grids = [make_grid(given)] if planned is None else list(planned.grids)
    if decoding is not None:
        decoding.require_mode(end_to_end=any(grid.end_to_end for grid in grids))
    if planned is None:
        return train_grids(grids, device=device, decoding=decoding, on_event=on_event)
    return train_plan(planned, device=device, decoding=decoding, on_event=on_event)


def train_plan(plan: Plan, **options: Any) -> Runs:
    """`train_grids` for the grids of a plan whose feature files are there; the others are left out.

    Args:
        plan: its grids.
        options: those of `train_grids`.
    """
    ready = plan.ready()
    runs = train_grids(ready, **options) if ready else Runs(())
    return replace(runs, left_out=plan.left_out())


def train_grids(
    grids: Sequence[Grid],
    *,
    device: str = "auto",
    decoding: Decoding | None = None,
    command: Sequence[str] = (),
    on_event: OnEvent | None = None,
    save_seconds: float = 30.0,
) -> Runs:
    """Train grids one after another.

    Args:
        grids: at least one.
        device: "auto", "cpu", "cuda", ...
        decoding: of clips, end to end.
        command: words of the command that asks for them, which the runs' records keep.
        on_event: called with every event.
        save_seconds: work that a kill may cost.

    Raises:
        InputError: the only grid cannot be prepared; of several, its runs have failed.
    """
    watcher = _Watcher(on_event or (lambda event: None))
    chosen = choose_device(device)
    for grid in grids:
        try:
            store = open_store(grid, chosen, decoding, on_event=watcher.watch)
            watcher.unreadable |= store.unreadable
            prepared = prepare(store, grid.runs, grid.output, oracle=grid.oracle, command=command)
        except InputError as error:
            if len(grids) == 1:
                raise
            watcher.refuse(grid, str(error))
            continue
        watcher.ready(grid, prepared)
        watcher.train(prepared, save_seconds)
    paths = [grid.output / run.name for grid in grids for run in grid.runs]
    return watcher.outcome(paths)


class _Watcher:
    """Passes on what happens, and remembers how runs ended."""

    def __init__(self, watch: OnEvent) -> None:
        self.watch = watch
        self.states: dict[Path, tuple[State, str]] = {}
        self.unreadable: dict[str, str] = {}
        self.warnings: dict[str, None] = {}

    def ready(self, grid: Grid, prepared: Prepared) -> None:
        """A grid's runs can start."""
        briefing = brief(prepared)
        self.warnings |= dict.fromkeys(briefing.warnings)
        self.watch(GridReady(grid, prepared, briefing))

    def refuse(self, grid: Grid, why: str) -> None:
        """None of a grid's runs can be trained."""
        self.watch(GridRefused(grid, why))
        for run in grid.runs:
            self._changed(grid.output / run.name, "failed", why)

    def train(self, prepared: Prepared, save_seconds: float) -> None:
        """`run_all`, with events."""
        run_all(
            prepared,
            on_state=lambda folder, state, why: self._changed(folder.path, state, why),
            on_step=lambda folder, step, steps: self.watch(StepDone(folder.path, step, steps)),
            on_evaluation=lambda folder, step, steps, metrics: self.watch(
                Evaluated(folder.path, step, steps, metrics)
            ),
            save_seconds=save_seconds,
        )

    def outcome(self, paths: Sequence[Path]) -> Runs:
        """How the runs in these folders ended."""

        def ended(*states: State) -> list[Path]:
            return [
                path for path in paths if path in self.states and self.states[path][0] in states
            ]

        return Runs(
            finished=tuple(map(FinishedRun, ended("finished", "finished before"))),
            failed=tuple(FailedRun(path, self.states[path][1]) for path in ended("failed")),
            elsewhere=tuple(ended("elsewhere")),
            unreadable=self.unreadable,
            warnings=tuple(self.warnings),
        )

    def _changed(self, folder: Path, state: State, why: str) -> None:
        self.states[folder] = state, why
        self.watch(RunChanged(folder, state, why))


def _path(given: FeatureFile | str | Path | None) -> str | None:
    return str(given.path if isinstance(given, FeatureFile) else given) if given else None
