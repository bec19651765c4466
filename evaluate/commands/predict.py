"""``tcon predict``: labels for new videos."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Any

import click

from ...cache.common.output.console import print_line
from ...cache.common.plugin_option import plugin_option
from ...cache.errors import InputError
from ...extract.known import require_known
from ...extract.machine.command_options import machine_options, windows_options


@click.command()
@click.argument("runs", metavar="RUNS", type=click.Path(path_type=Path))
@click.argument("videos", nargs=-1, type=click.Path(path_type=Path))
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
@click.option(
    "--source-features",
    type=click.Path(path_type=Path),
    help="The source's file, if it has moved: scores of several seeds are calibrated on it.",
)
@click.option("--new", "only_new", is_flag=True, help="Leave out videos that RUNS were made with.")
@click.option("--csv", "csv_path", type=click.Path(path_type=Path), help="Write everything to it.")
@click.option(
    "--json", "json_path", type=click.Path(path_type=Path), help="Write everything to it."
)
@click.option(
    "--figures", type=click.Path(path_type=Path), help="Draw each video's attention into it."
)
@windows_options
@click.option(
    "--timeline",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="FILE.csv|.json|.png",
    help="Write or draw the recordings' labels over time; may be repeated.",
)
@click.option(
    "--onset",
    type=click.FloatRange(0, 1),
    default=0,
    help="A label of the timeline begins only where its score reaches this.",
)
@click.option(
    "--min-length",
    type=click.FloatRange(min=0),
    default=0,
    help="Join shorter intervals of the timeline to their neighbours: seconds, or frames for "
    "windows of frames.",
)
@click.option(
    "--top", type=click.IntRange(min=1), default=2, show_default=True, help="Classes per line."
)
@click.option(
    "--watch",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Predict videos as they arrive in it or below, until Ctrl-C; --csv remembers them.",
)
@click.option(
    "--settle",
    type=float,
    default=2,
    show_default=True,
    help="With --watch: a file is complete once it has not changed for so many seconds.",
)
@plugin_option(
    "Run this code of yours, which registers the run's method or backbone; may be repeated."
)
@click.option("--precision", default="auto", show_default=True, help="auto is the run's.")
@machine_options
def predict(
    runs: Path,
    videos: tuple[Path, ...],
    root: Path | None,
    weights: Path | None,
    features: Path | None,
    source_features: Path | None,
    only_new: bool,
    csv_path: Path | None,
    json_path: Path | None,
    figures: Path | None,
    window: str | None,
    hop: str | None,
    within_shots: bool | None,
    timeline: tuple[Path, ...],
    onset: float,
    min_length: float,
    top: int,
    watch: Path | None,
    settle: float,
    precision: str,
    **machine: Any,
) -> None:
    """Predict new VIDEOS with finished RUNS: labels, scores, attention over time.

    RUNS is a run, or several seeds, whose scores are averaged and calibrated on the source: a
    folder that holds these alone, or their name without the seed, such as runs/tcon_rgb_k6.

    VIDEOS are files, folders of videos and lists; or a feature file, whose videos are predicted
    from their features, without decoding.
    """
    if bool(videos) == (watch is not None):
        raise InputError("name VIDEOS to predict, or a folder to --watch, and not both")
    if watch and (root or json_path or figures or timeline):
        raise InputError(
            "--watch writes a --csv alone: leave out --root, --json, --figures and --timeline"
        )
    # What is not there is refused at once: what follows takes seconds to import.
    from ...adapt.inference.videos import is_stored, read_items
    from ...adapt.run.seeds import named_folders
    from ...extract.lists.selection import require_there

    if not named_folders(runs):
        raise InputError(f"no such run: {runs}")
    require_known(None, weights)
    stored_in_file = is_stored(videos)
    if not stored_in_file:
        require_there(videos)

    from ...adapt.inference.features import plan_features
    from ...adapt.inference.stored import predict_stored, stored_videos
    from ...adapt.inference.stream import predict_videos
    from ...extract.decoding.server import decoding_soon
    from ...extract.machine.machine import Machine
    from ...extract.machine.memory import keep_freed_memory
    from ...extract.snippets.reading import Reading
    from ...extract.snippets.windows import parse_windows
    from ..predict.group import load_calibrated
    from ..predict.report import Outputs, show_arrivals, show_predictions
    from ..predict.timeline.intervals import Smoothing

    windows = parse_windows(window, hop, within_shots=within_shots)
    outputs = Outputs(
        csv=csv_path,
        json=json_path,
        figures=figures,
        timelines=timeline,
        smoothing=Smoothing(onset=onset, min_length=min_length),
        top=top,
    )
    load = partial(
        load_calibrated,
        runs,
        features=features,
        source_features=source_features,
        on_note=print_line,
    )
    if stored_in_file:
        if root or weights or windows or precision != "auto":
            raise InputError(
                f"{videos[0]} holds features: leave out --root, --weights, --window and --precision"
            )
        loaded = load()
        stored = stored_videos(loaded.runs.first, videos[0], only_new=only_new)
        if not stored.rows:
            print_line(f"{videos[0]} holds no {'new ' if only_new else ''}videos.")
        predict_them = partial(predict_stored, loaded.runs, stored)
        sys.exit(1 if show_predictions(loaded, stored.items, predict_them, outputs) else 0)
    if only_new:
        raise InputError("--new is for a feature file: tcon predict RUNS FILE.h5 --new")
    keep_freed_memory()
    items = [] if watch else read_items(videos, root=root, on_note=print_line)
    # Its process starts while the run is loaded.
    with decoding_soon(Reading, workers=machine["workers"]):
        loaded = load()
        plan = plan_features(
            loaded.runs.first,
            Machine(**machine),
            weights=weights,
            precision=precision,
            windows=windows,
        )
        if watch:
            show_arrivals(loaded, plan, watch, csv=csv_path, settle=settle, top=top)
            return
        predict_them = partial(predict_videos, loaded.runs, items, plan)
        failures = show_predictions(
            loaded, items, predict_them, outputs, windowed=plan.options.windows is not None
        )
    sys.exit(1 if failures else 0)
