"""`adapt`: from two feature files to adapted classifiers, and the training of whole grids."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..cache import FeatureFile
from ..cache.common.machine.device import choose_device
from ..cache.common.plugins import load_plugin
from .config.grid import Grid, make_grid
from .config.number_or_auto import NumberOrAuto
from .config.plans import Plan, read_plan
from .config.settings import Settings
from .config.training import Precision
from .end_to_end.decoding import Decoding
from .end_to_end.options import EndToEnd
from .events import Event, GridReady, JobsPlanned, OnEvent, RunChanged, VideosUnreadable
from .jobs.client import Orders, train_in_processes
from .jobs.here import prepare_each, train_here
from .jobs.plan import plan_jobs
from .run.finished import FailedRun, FinishedRun, Runs
from .runner import State
from .training.programs.shape import most_together


def adapt(
    source: FeatureFile | str | Path | None = None,
    target: FeatureFile | str | Path | None = None,
    *,
    methods: str | Sequence[str] | None = None,
    modality: str | Sequence[str] | None = None,
    segments: int | str | Sequence[int | str] | None = None,
    seeds: int | str | Sequence[int] | None = None,
    settings: Settings = (),
    preset: str | None = None,
    fast: bool = False,
    precision: Precision | None = None,
    task: str | Path | None = None,
    exact_labels: bool = False,
    plan: str | Path | None = None,
    plugins: Iterable[str | Path] = (),
    continue_from: str | Path | None = None,
    oracle: bool = False,
    end_to_end: bool | EndToEnd = False,
    decoding: Decoding | None = None,
    output: str | Path | None = None,
    device: str = "auto",
    jobs: NumberOrAuto = "auto",
    bundle: NumberOrAuto = "auto",
    cuda_graphs: bool = False,
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
        methods: registered names, or ``recommended`` for the few among which
            ``evaluate(runs, select="method")`` is to choose, by three seeds or more: of a single
            one ``runs.warnings`` warns; ``source_only`` and ``tcon`` if none.
        modality: one or more; ``rgb`` if none.
        segments: K, or ``"6:4"`` for K_s and K_t, or several of these; 6 if none.
        seeds: how many, from 0 on, or which, as ``[0, 1, 2]`` or ``"0-4"``; 1 if none.
        settings: any options, as ``{"train.lr": 1e-3}`` or ``["train.lr=1e-3"]``.
        preset: named settings of the methods, applied first.
        fast: smaller discriminators and fewer pairs for ``tcon`` and its ablations.
        precision: of matrix products in training: "fp32", "bf16", or "auto" if none: that of the
            runs in ``output`` that these are compared with, else the faster one here.
        task: csv of classes or a shipped task's name; None for the class names that both share.
        exact_labels: labels that differ in case, ``_``, spaces or Unicode form are different
            classes.
        plan: a TOML file or a shipped plan's name; what is given here overrides it.
        plugins: files or modules that register methods or backbones of your own.
        continue_from: a finished run, or a folder with one of each run's name: the runs start from
            their weights, with everything else fresh, as on a file that has grown.
        oracle: permit ``target_only`` to read target labels.
        end_to_end: train the backbone too; an `EndToEnd` says how.
        decoding: of clips, end to end.
        output: folder that gets one sub-folder per run; ``runs`` if none.
        device: "auto", "cpu", "cuda", ...
        jobs: runs on cached features that are trained at once, each in a process of its own, or
            "auto": as cores, GPUs and memory allow. 1 trains them in this process.
        bundle: runs that differ in seeds and numbers alone and are trained as one program, at
            most; or "auto": 1 on a CPU, as many as fit into the memory on a GPU, but at most 32.
        cuda_graphs: on cached features, record losses and gradients of a step on a GPU as a CUDA
            graph, and replay it, in bundles and alone. This has not run on a GPU yet.
        on_event: called with every `events.Event`, in this process.

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
        "fast": fast,
        "precision": precision,
        "task": task,
        "exact_labels": exact_labels,
        "continue_from": continue_from,
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
    options: dict[str, Any] = {
        "device": device,
        "jobs": jobs,
        "bundle": bundle,
        "cuda_graphs": cuda_graphs,
        "decoding": decoding,
        "on_event": on_event,
    }
    return train_grids(grids, **options) if planned is None else train_plan(planned, **options)


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
    jobs: NumberOrAuto = "auto",
    bundle: NumberOrAuto = "auto",
    cuda_graphs: bool = False,
    decoding: Decoding | None = None,
    command: Sequence[str] = (),
    on_event: OnEvent | None = None,
    save_seconds: float = 30.0,
) -> Runs:
    """Train grids one after another.

    Args:
        grids: at least one.
        device: "auto", "cpu", "cuda", ...
        jobs: runs on cached features that are trained at once; see `adapt`.
        bundle, cuda_graphs: how they are one program; see there.
        decoding: of clips, end to end.
        command: words of the command that asks for them, which the runs' records keep.
        on_event: called with every event.
        save_seconds: work that a kill may cost.

    Raises:
        InputError: the only grid cannot be prepared; of several, its runs have failed.
    """
    watcher = _Watcher(on_event or (lambda event: None))
    chosen, alone = choose_device(device), len(grids) == 1
    cached = tuple(grid for grid in grids if not grid.end_to_end)
    together = most_together(bundle, chosen)
    planned = plan_jobs(jobs, grids, chosen, bundle=together)
    watcher(JobsPlanned(planned))
    here = list(grids)
    if planned.processes > 1:
        orders = Orders(cached, planned, alone, tuple(command), save_seconds, together, cuda_graphs)
        train_in_processes(orders, watcher)
        here = [grid for grid in grids if grid.end_to_end]
    for _, prepared in prepare_each(
        here, chosen, alone=alone, decoding=decoding, command=command, on_event=watcher
    ):
        train_here(
            prepared,
            on_event=watcher,
            save_seconds=save_seconds,
            bundle=together,
            cuda_graphs=cuda_graphs,
        )
    return watcher.outcome([grid.output / run.name for grid in grids for run in grid.runs])


class _Watcher:
    """Passes on what happens, and remembers how runs ended."""

    def __init__(self, watch: OnEvent) -> None:
        self.watch = watch
        self.states: dict[Path, tuple[State, str]] = {}
        self.unreadable: dict[str, str] = {}
        self.warnings: dict[str, None] = {}

    def __call__(self, event: Event) -> None:
        match event:
            case VideosUnreadable(why=why):
                self.unreadable |= why
            case GridReady(briefing=briefing):
                self.warnings |= dict.fromkeys(briefing.warnings)
            case RunChanged(folder, state, why):
                self.states[folder] = state, why
        self.watch(event)

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


def _path(given: FeatureFile | str | Path | None) -> str | None:
    return str(given.path if isinstance(given, FeatureFile) else given) if given else None
