"""The commands of this room: ``tcon adapt`` and ``tcon tasks``.

Heavy packages are imported inside the commands, so that ``tcon --help`` is quick.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from ..cache.common.list_option import list_option
from ..cache.common.output.console import console
from ..cache.common.plugin_option import plugin_option
from .config import defaults
from .config.number_or_auto import NumberOrAuto, read_number_or_auto

Command = TypeVar("Command", bound=Callable[..., Any])


def _number_or_auto(_context: click.Context, option: click.Parameter, given: str) -> NumberOrAuto:
    return read_number_or_auto(str(option.name), given)


def _number_option(name: str, what: str) -> Callable[[Command], Command]:
    """An option that takes a number or "auto", its default."""
    return click.option(
        name,
        default="auto",
        show_default=True,
        metavar="N|auto",
        callback=_number_or_auto,
        help=what,
    )


@click.command()
@click.option("--source", type=click.Path(path_type=Path), help="Labelled features.")
@click.option("--target", type=click.Path(path_type=Path), help="Unlabelled features.")
@click.option("--task", help="Class csv or a shipped task; the shared names if none.")
@click.option(
    "--exact-labels",
    is_flag=True,
    default=None,
    help="Labels that differ in case, '_', spaces or Unicode form are different classes.",
)
@click.option("--plan", metavar="FILE.toml|NAME", help="Grids of runs; table1 to table5 ship.")
@list_option(
    "--method",
    "methods",
    help="One or more, or recommended: a few that tcon eval --select method chooses among.  "
    f"[default: {','.join(defaults.METHODS)}]",
)
@list_option("--modality", help=f"One or more, as rgb,flow.  [default: {defaults.MODALITY}]")
@list_option(
    "--segments", help=f"As 4,6,8 or, source:target, as 6:4.  [default: {defaults.SEGMENTS}]"
)
@list_option(
    "--seeds", help=f"How many, or which, as 0,1,2 or 0-4 or 7,  [default: {defaults.SEEDS}]"
)
@click.option(
    "--epochs",
    type=click.IntRange(min=1),
    help=f"Passes over the source, but at least train.min_steps={defaults.MIN_STEPS} steps.  "
    f"[default: {defaults.EPOCHS}]",
)
@click.option(
    "--normalise",
    type=click.Choice(["none", "source", "domain"]),
    help="Standardise features by nothing, the source's statistics or each domain's own.  "
    f"[default: {defaults.NORMALISE}]",
)
@click.option(
    "--precision",
    type=click.Choice(["auto", "fp32", "bf16"]),
    help="Of matrix products in training; auto is the faster one here.  [default: auto]",
)
@click.option(
    "--preset",
    help=f"Named settings of the methods: matched, official ...  [default: {defaults.PRESET}]",
)
@click.option(
    "--fast",
    is_flag=True,
    default=None,
    help="TCoN, its ablations and tcon+: smaller discriminators and fewer pairs.",
)
@click.option(
    "--set", "settings", metavar="KEY=VALUE", multiple=True, help="Any option of docs/settings.md."
)
@click.option(
    "--continue-from",
    type=click.Path(path_type=Path),
    metavar="RUN|RUNS",
    help="Start from the weights of a finished run, or of those of the same names in a folder.",
)
@click.option(
    "--oracle", is_flag=True, default=None, help="Permit target_only to read target labels."
)
@click.option("--end-to-end", is_flag=True, default=None, help="Train the backbone too, on clips.")
@click.option("--backbone", help="End to end: which.  [default: efficientnet_lite0]")
@click.option(
    "--weights", metavar="FILE|RUN|random", help="End to end: the published ones if not given."
)
@click.option(
    "--sync-bn", is_flag=True, default=None, help="End to end: GPUs share batch norm statistics."
)
@click.option(
    "--workers",
    type=click.IntRange(min=0),
    help="End to end: decoding processes.  [default: one per core]",
)
@click.option(
    "--source-flow",
    type=click.Path(path_type=Path),
    help="End to end: the source's flow, as kept by tcon extract --keep-flow.",
)
@click.option("--target-flow", type=click.Path(path_type=Path), help="The target's.")
@click.option(
    "--flow-engine",
    default="auto",
    show_default=True,
    help="End to end, for flow that is not kept: auto, cpu, cuda, torch or opencv.",
)
@plugin_option("Python that registers a method or backbone of your own; one or more.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help=f"[default: {defaults.OUTPUT}]"
)
@click.option("--device", default="auto", show_default=True)
@_number_option("--jobs", "Runs that are trained at once on cached features.")
@_number_option("--bundle", "Runs of one kind that are trained as one program, at most.")
@click.option(
    "--cuda-graphs",
    is_flag=True,
    help="On cached features: record losses and gradients of a step on a GPU, and replay them.",
)
@click.option("--tensorboard", is_flag=True, help="Write the metrics for TensorBoard too.")
@click.option("--dry-run", is_flag=True, help="Print the runs and train none.")
def adapt(
    plan: str | None,
    device: str,
    jobs: NumberOrAuto,
    bundle: NumberOrAuto,
    cuda_graphs: bool,
    tensorboard: bool,
    workers: int | None,
    source_flow: Path | None,
    target_flow: Path | None,
    flow_engine: str,
    dry_run: bool,
    **options: Any,
) -> None:
    """Adapt classifiers from SOURCE to TARGET: every method, modality, number of segments and seed.

    SOURCE and TARGET are feature files; with --end-to-end lists or folders of videos will do.
    Finished runs are skipped and interrupted ones continued. Several processes may share a grid.
    With --plan, options given here override the plan's. Target labels, where the file holds any,
    decide which videos belong to the task's classes; training never gets them.
    """
    from .config.misspelt import refuse_misspelt
    from .config.plan_file import read_plan_file

    given = {key: value for key, value in options.items() if value not in (None, ())}
    written = read_plan_file(plan) if plan else None
    if written:
        written.each(given, refuse_misspelt)
    else:
        refuse_misspelt(given)

    from .config.grid import make_grid
    from .config.plans import make_plan
    from .end_to_end.decoding import Decoding
    from .progress.display import show_left_out, train_and_show
    from .progress.dry_run import check_grids, show_runs

    decoding = Decoding(
        workers=workers,
        source_flow=source_flow,
        target_flow=target_flow,
        flow_engine=flow_engine,
    )
    planned = make_plan(written, given) if written else None
    grids = list(planned.grids) if planned else [make_grid(given)]
    ready = planned.ready() if planned else grids
    decoding.require_mode(end_to_end=any(grid.end_to_end for grid in grids))
    if dry_run:
        check_grids(ready, decoding)
        show_runs(grids)
        if planned:
            show_left_out(planned.left_out())
        return
    runs = train_and_show(
        ready,
        plan=planned,
        tensorboard=tensorboard,
        device=device,
        jobs=jobs,
        bundle=bundle,
        cuda_graphs=cuda_graphs,
        decoding=decoding,
        command=["tcon", *sys.argv[1:]],
    )
    sys.exit(1 if runs.failed or runs.unreadable or runs.left_out else 0)


@click.command()
@click.argument("task", required=False)
@click.option(
    "--check",
    "files",
    nargs=2,
    type=click.Path(path_type=Path),
    metavar="SOURCE TARGET",
    help="Compare two feature files with the task; with the shared names if none.",
)
@click.option("--exact-labels", is_flag=True, help="As of tcon adapt.")
def tasks(task: str | None, files: tuple[Path, Path] | None, exact_labels: bool) -> None:
    """List the tasks that ship, or show the classes of TASK, one of them or a csv.

    With --check, exit code 1 if videos are missing, moved or more than is known.
    """
    from .tasks.compare import compare_files
    from .tasks.tables import list_tasks, show_comparison, show_task

    compared = compare_files(task, *files, exact_labels=exact_labels) if files else None
    if compared:
        page = show_comparison(compared)
    elif task:
        page = show_task(task)
    else:
        page = list_tasks()
    for part in page:
        console().print(part, soft_wrap=False)
    sys.exit(1 if compared and compared.differs else 0)
