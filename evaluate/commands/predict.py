"""``tcon predict``: labels for new videos."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from .plugins import plugin_option


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("videos", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--root", type=click.Path(path_type=Path), help="Folder that paths in lists start at."
)
@click.option(
    "--weights",
    type=click.Path(path_type=Path),
    help="The backbone's checkpoint, unless its weights were the published ones.",
)
@click.option(
    "--features",
    type=click.Path(path_type=Path),
    help="For old runs: the target's feature file, if it has moved.",
)
@click.option("--csv", "csv_path", type=click.Path(path_type=Path), help="Write everything to it.")
@click.option(
    "--json", "json_path", type=click.Path(path_type=Path), help="Write everything to it."
)
@click.option(
    "--figures", type=click.Path(path_type=Path), help="Draw each video's attention into it."
)
@click.option(
    "--top", type=click.IntRange(min=1), default=2, show_default=True, help="Classes per line."
)
@plugin_option
@click.option("--device", default="auto", show_default=True, help="cpu, cuda, cuda:0,cuda:1 ...")
@click.option("--precision", default="auto", show_default=True, help="auto is the run's.")
@click.option("--batch-size", type=click.IntRange(min=1), help="Snippets per forward pass.")
@click.option(
    "--workers",
    type=click.IntRange(min=0),
    help="Decoding processes; 0 decodes in this one.  [default: one per core]",
)
@click.option("--decoder", default="auto", show_default=True, help="auto, pyav or decord.")
@click.option(
    "--time-limit",
    type=click.FloatRange(min=0, min_open=True),
    default=120,
    show_default=True,
    help="Seconds a video may go without a new frame before it is given up.",
)
@click.option(
    "--min-frames",
    type=click.IntRange(min=1),
    default=16,
    show_default=True,
    help="A video of which fewer frames decode has failed.",
)
def predict(
    run: Path,
    videos: tuple[Path, ...],
    root: Path | None,
    weights: Path | None,
    features: Path | None,
    csv_path: Path | None,
    json_path: Path | None,
    figures: Path | None,
    top: int,
    precision: str,
    **machine: Any,
) -> None:
    """Predict new VIDEOS with a finished RUN: labels, scores, attention over time.

    VIDEOS are files, folders of videos and lists.
    """
    from ...adapt.inference.features import plan_features
    from ...adapt.inference.loaded_run import load_run
    from ...adapt.inference.videos import read_items
    from ...extract.machine.machine import Machine
    from ...extract.machine.memory import keep_freed_memory
    from ..predict.report import Outputs, show_predictions

    keep_freed_memory()
    items = read_items(videos, root=root)
    loaded = load_run(run, features=features)
    plan = plan_features(loaded, Machine(**machine), weights=weights, precision=precision)
    outputs = Outputs(csv=csv_path, json=json_path, figures=figures, top=top)
    failures = show_predictions(loaded, items, plan, outputs)
    sys.exit(1 if failures else 0)
