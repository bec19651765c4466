"""What ``tcon predict`` prints and writes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ...adapt.inference.ensemble import Ensemble
from ...adapt.inference.stream import Result
from ...cache import Failure, InputError
from ...cache.common.counts import counted
from ...cache.common.files.writing import DiskError
from ...cache.common.output.console import VideoBar, console, print_line
from ...cache.parts import recording_of
from ...extract.features.plan import Plan
from ...extract.features.sink import Progress
from ...extract.lists.videos import VideoItem
from ..tables.unlabelled import calibration_sentence
from .files import CsvPredictions, JsonPredictions
from .group import Calibrated
from .label_log import LabelLog
from .table import PredictionTable
from .timeline.collect import TimelineFiles, path_of
from .timeline.files import check_kind
from .timeline.intervals import Smoothing
from .watch import Arrival, watch

if TYPE_CHECKING:
    from .figures import PredictionFigures  # it needs matplotlib

_SPARSE = 10.0  # seconds between neighbouring segments


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """What to show and write.

    Args:
        csv, json: files that get everything.
        figures: folder that gets a PNG per video.
        timelines: csv, JSON and PNG files that get each recording's labels over time.
        smoothing: of these.
        top: how many classes a printed line shows.
    """

    csv: Path | None = None
    json: Path | None = None
    figures: Path | None = None
    timelines: Sequence[Path] = ()
    smoothing: Smoothing = Smoothing()
    top: int = 2

    def __post_init__(self) -> None:
        for path in self.timelines:
            check_kind(path)


class Predict(Protocol):
    """Predicts videos: `predict_videos` or `predict_stored`, of runs and their videos."""

    def __call__(
        self, *, on_result: Callable[[Result], None], on_progress: Callable[[Progress], None]
    ) -> None: ...


def show_predictions(
    loaded: Calibrated,
    items: Sequence[VideoItem],
    predict: Predict,
    outputs: Outputs,
    *,
    windowed: bool = False,
) -> int:
    """Predict videos; print a line for each as it is done, and write what was asked for.

    Args:
        loaded: what predicts.
        items: the videos, in the order of their results.
        predict: gives the results.
        outputs: what to show and write.
        windowed: the results may be of windows of these videos.

    Returns:
        how many videos could not be read.

    Raises:
        InputError: there is no place to write to, or no package to draw with.
    """
    runs = loaded.runs
    drawing = _drawing(outputs.figures) if outputs.figures else None
    longest = "#t=1000.0,1000.0" if windowed else ""
    table = _table([item.id + longest for item in items], runs, outputs.top)
    timelines = TimelineFiles(outputs.timelines, outputs.smoothing, items)
    failures = sparse = 0
    with ExitStack() as stack:
        files = [
            stack.enter_context(kind(path, runs))
            for kind, path in ((CsvPredictions, outputs.csv), (JsonPredictions, outputs.json))
            if path
        ]
        print_line(calibration_sentence(loaded.calibration))
        print_line(table.head)
        bar = stack.enter_context(VideoBar("predict", transient=True))

        paths = {item.id: item.path for item in items}

        def take(result: Result) -> None:
            nonlocal failures, sparse
            failures += isinstance(result, Failure)
            timelines.add(result)
            print_line(table.line(result))
            for file in files:
                file.add(result)
            if isinstance(result, Failure):
                return
            sparse += bool((np.diff(result.times) > _SPARSE).any())
            if drawing:
                try:
                    drawing.draw(result, path_of(result.video.id, paths))
                except DiskError:
                    raise
                except InputError as error:
                    print_line(f"No figure of {result.video.id}: {error}")

        def show(progress: Progress) -> None:
            bar.count(len(items), done=progress.done, failed=progress.failed)

        try:
            predict(on_result=take, on_progress=show)
        except BaseException:
            for file in files:
                console().print(f"Left what is done in {file.unfinished}.")
            raise
    if failures:
        console().print(f"{failures} of {counted(len(items), 'video')} failed.", style="yellow")
    if sparse:
        console().print(
            f"In {counted(sparse, 'video')} the segments are more than {_SPARSE:g} s apart: most "
            "of it was not seen. --window 4s --hop 2s predicts window by window."
        )
    written = timelines.write()
    if drawing and drawing.missing:
        from ..figures.fonts import missing_font  # it needs matplotlib, which is there now

        print_line(missing_font(drawing.missing))
    for path in filter(None, (outputs.csv, outputs.json, outputs.figures, *written)):
        console().print(f"Wrote {path}.")
    if outputs.timelines and not written:
        console().print("No timeline is written: nothing was predicted.", style="yellow")
    return failures


def show_arrivals(
    loaded: Calibrated, plan: Plan, folder: Path, *, csv: Path | None, settle: float, top: int
) -> None:
    """Predict videos as they arrive in a folder; print a line for each, until Ctrl-C.

    Args:
        loaded: what predicts.
        plan, folder, settle: as in `watch`.
        csv: that gets a row for each, and says which are done already.
        top: how many classes a line shows.

    Raises:
        InputError: no such folder, or a csv that cannot be gone on with.
        KeyboardInterrupt: says how many videos there were.
    """
    labelled, runs = 0, loaded.runs
    with ExitStack() as stack:
        log = stack.enter_context(LabelLog(csv, runs)) if csv else None

        def take(arrival: Arrival, result: Result) -> None:
            nonlocal labelled
            if log:
                log.add(arrival, result)
            labelled += 1
            id_ = result.video if isinstance(result, Failure) else result.video.id
            print_line(_table([id_], runs, top).line(result))

        known = log.known if log else {}
        files = sum(id_ == recording_of(id_) for id_ in known)
        print_line(calibration_sentence(loaded.calibration))
        print_line(f"Watching {folder}: {counted(files, 'video')} done before.")
        try:
            watch(runs, plan, folder, known, settle=settle, on_result=take)
        except KeyboardInterrupt:
            goes_on = "; the same command goes on" if log else ""
            said = f"stopped after {counted(labelled, 'video')}{goes_on}"
            raise KeyboardInterrupt(said) from None


def _table(ids: Sequence[str], runs: Ensemble, top: int) -> PredictionTable:
    return PredictionTable(ids, runs.classes, top, several=len(runs.seeds) > 1)


def _drawing(folder: Path) -> PredictionFigures:
    try:
        from .figures import PredictionFigures
    except ModuleNotFoundError:
        raise InputError(
            "--figures needs matplotlib: pip install 'tcon[demo]', or leave it out"
        ) from None
    return PredictionFigures(folder)
