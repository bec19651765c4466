"""What ``tcon predict`` prints and writes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from ...adapt.inference.loaded_run import Deployed, load_deployed, make_plan
from ...adapt.inference.stream import Prediction, Result, predict_videos
from ...cache import Failure, InputError
from ...extract.decoding import is_there
from ...extract.lists.matching.suffixes import VIDEO_SUFFIXES
from ...extract.lists.videos import VideoItem, printable, read_videos
from ...extract.options import ExtractConfig
from ...extract.pipeline import Progress
from ..figures.frames import read_images
from .files import CsvPredictions, JsonPredictions

_WIDEST = 60  # characters of a video's name
_BLOCKS = " ▁▂▃▄▅▆▇█"


def predict_and_report(
    run: Path,
    videos: Sequence[Path],
    machine: ExtractConfig,
    *,
    weights: Path | None = None,
    features: Path | None = None,
    root: Path | None = None,
    csv_path: Path | None = None,
    json_path: Path | None = None,
    figures: Path | None = None,
    top: int = 2,
) -> int:
    """Predict videos; print a line for each as it is done, and write what was asked for.

    Args:
        run: a run's folder.
        videos: files, folders and lists.
        machine, weights: as in `make_plan`.
        features: as in `load_deployed`.
        root: folder that a list's paths start at.
        csv_path, json_path: get everything.
        figures: folder that gets a PNG per video.
        top: classes in a line.

    Returns:
        how many videos could not be read.

    Raises:
        InputError: no such run or videos, features that cannot be made, or no place to write.
    """
    items = read_items(videos, root=root)
    deployed = load_deployed(run, features=features)
    plan = make_plan(deployed, machine, weights=weights)
    drawing = _Figures(figures, deployed) if figures else None
    table = _Table(items, deployed.classes, top)
    console = Console(soft_wrap=True, highlight=False, markup=False)
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("videos"), TimeRemainingColumn())
    failures = 0
    with ExitStack() as stack:
        files = [
            stack.enter_context(kind(path, deployed))
            for kind, path in ((CsvPredictions, csv_path), (JsonPredictions, json_path))
            if path
        ]
        console.print(table.head)
        bar = stack.enter_context(
            Bar(*columns, console=console, transient=True, disable=not console.is_terminal)
        )
        row = bar.add_task("predict", total=len(items))

        def take(result: Result) -> None:
            nonlocal failures
            failures += isinstance(result, Failure)
            bar.console.print(table.line(result))
            for file in files:
                file.add(result)
            if drawing and isinstance(result, Prediction):
                try:
                    drawing.draw(result)
                except InputError as error:
                    bar.console.print(f"No figure of {result.video.id}: {error}")

        def show(progress: Progress) -> None:
            bar.update(row, completed=progress.done + progress.failed)

        predict_videos(deployed, items, plan, on_result=take, on_progress=show)
    if failures:
        console.print(f"{failures} of {len(items)} videos failed.", style="yellow")
    for path in filter(None, (csv_path, json_path, figures)):
        console.print(f"Wrote {path}.")
    return failures


def read_items(paths: Sequence[Path], *, root: Path | None = None) -> list[VideoItem]:
    """The videos that files, folders and lists name, each once; their ids are their paths.

    Raises:
        InputError: one of them is missing or holds no video.
    """
    items: dict[str, VideoItem] = {}
    for path in paths:
        if not path.exists() and not is_there(path):
            raise InputError(f"no such video, folder or list: {path}")
        found = [path]
        a_file = path.is_file() and path.suffix.lower() in VIDEO_SUFFIXES
        if not a_file and path.exists():  # else a video file, or a part of a folder of frames
            found = [item.path for item in read_videos(path, root=root, unlabelled=True)]
        for video in found:
            id_ = printable(video.as_posix())
            items[id_] = VideoItem(id_, video, "", "")
    return list(items.values())


class _Table:
    """Aligned lines, one per video, that can be printed before the others are known."""

    def __init__(self, items: Sequence[VideoItem], classes: tuple[str, ...], top: int) -> None:
        self._classes, self._top = classes, min(top, len(classes))
        self._video = min(max(5, *(len(item.id) for item in items)), _WIDEST)
        self._label = max(5, *map(len, classes))

    @property
    def head(self) -> str:
        label = f"{'label':<{self._label}}   score"
        return "  ".join([f"{'video':<{self._video}}", *[label] * self._top, "attention"])

    def line(self, result: Result) -> str:
        id_ = result.video if isinstance(result, Failure) else result.video.id
        name = id_ if len(id_) <= self._video else f"…{id_[1 - self._video :]}"
        if isinstance(result, Failure):
            return f"{name:<{self._video}}  failed: {result.reason} ({result.stage})"
        best = np.argsort(-result.logits, kind="stable")[: self._top]
        cells = [f"{self._classes[c]:<{self._label}}  {result.scores[c]:6.1%}" for c in best]
        return "  ".join([f"{name:<{self._video}}", *cells, _course(result)])


def _course(prediction: Prediction) -> str:
    """Attention over time as a row of blocks, the highest one full; a word where there is none."""
    if prediction.attention is None:
        return prediction.attention_kind
    share = prediction.attention / prediction.attention.max()
    return "".join(_BLOCKS[round(x * (len(_BLOCKS) - 1))] for x in share.tolist())


class _Figures:
    """Draws each video's attention into a folder."""

    def __init__(self, folder: Path, deployed: Deployed) -> None:
        try:
            from ..figures.prediction import draw_prediction
        except ModuleNotFoundError:
            raise InputError(
                "--figures needs matplotlib: pip install 'tcon[demo]', or leave it out"
            ) from None
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._classes, self._draw = folder, deployed.classes, draw_prediction
        self._names: set[str] = set()

    def draw(self, prediction: Prediction) -> None:
        images = read_images(prediction.video, prediction.frames)
        figure = self._draw(prediction, images, self._classes)
        stem = name = re.sub(r"[^\w.-]+", "_", prediction.video.id).strip("_.")
        count = 1
        while name in self._names:
            count += 1
            name = f"{stem}_{count}"
        self._names.add(name)
        figure.savefig(self._folder / f"{name}.png", dpi=120)
