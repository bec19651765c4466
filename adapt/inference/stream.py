"""Predict new videos with finished runs: decoder, backbone and method in one stream.

Videos go through the pipeline of `tcon extract`, and no features are stored, so memory does not
grow with their number.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from ...cache import Failure, Snippets, Video
from ...cache.common.plugins import load_plugin
from ...cache.parts import completes, recording_of
from ...extract.features.pipeline import Pipeline, compute
from ...extract.features.plan import Plan
from ...extract.features.sink import Progress
from ...extract.lists.videos import VideoItem
from ...extract.machine.machine import Machine
from ...extract.snippets.windows import parse_windows
from .ensemble import Ensemble, load_ensemble
from .features import plan_features
from .loaded_run import LoadedRun
from .one_video import Result
from .stored import predict_stored, stored_videos
from .videos import is_stored, read_items


def predict(
    run: Ensemble | LoadedRun | str | Path,
    videos: str | Path | Sequence[str | Path],
    *,
    only_new: bool = False,
    machine: Machine | None = None,
    precision: str = "auto",
    weights: str | Path | None = None,
    features: Path | None = None,
    root: Path | None = None,
    window: str | int | None = None,
    hop: str | int | None = None,
    within_shots: bool | None = None,
    plugins: Sequence[str | Path] = (),
    on_result: Callable[[Result], None] = lambda result: None,
) -> list[Result]:
    """Predict new videos with a finished run, or with the mean of a group's seeds.

    Args:
        run: a loaded run or ensemble, or what `load_ensemble` takes, whose scores are not
            calibrated.
        videos: files, folders of videos and lists, or one of these; or a feature file, whose videos
            are predicted from their features.
        only_new: of a feature file, leave out the videos that the run was made with.
        machine: devices, decoding processes and limits.
        precision: of the backbone, in place of the run's; "auto" is the run's.
        weights: the backbone's checkpoint, unless its weights were the published ones.
        features: the target's feature file, if it has moved; only for runs that do not record how
            their features were made.
        root: folder that the paths in lists start at.
        window: cut recordings into windows of so many seconds ("4s") or frames (100), as those of
            the run's target if None.
        hop: from the start of a window to that of the next; ``window`` if None.
        within_shots: no window crosses a hard cut; recordings are decoded twice.
        plugins: files or modules that register the run's method or backbone.
        on_result: called with each result as soon as it and those before it are there, in another
            thread.

    Returns:
        in the order given, a `Prediction` of each video or window, or a `Failure` if it cannot be
        read.

    Raises:
        InputError: no such run or video, or features that cannot be made.
    """
    for plugin in plugins:
        load_plugin(plugin)
    paths = [Path(videos)] if isinstance(videos, str | Path) else list(map(Path, videos))
    if isinstance(run, LoadedRun):
        runs = Ensemble.of(run)
    else:
        runs = run if isinstance(run, Ensemble) else load_ensemble(run, features=features)
    results: list[Result] = []

    def take(result: Result) -> None:
        results.append(result)
        on_result(result)

    windows = parse_windows(window, hop, within_shots=within_shots)
    if is_stored(paths):
        stored = stored_videos(runs.first, paths[0], only_new=only_new)
        predict_stored(runs, stored, on_result=take)
        return results
    items = read_items(paths, root=root)
    plan = plan_features(runs.first, machine, weights=weights, precision=precision, windows=windows)
    predict_videos(runs, items, plan, on_result=take)
    return results


def predict_videos(
    runs: Ensemble,
    items: Sequence[VideoItem],
    plan: Plan,
    *,
    on_result: Callable[[Result], None],
    on_progress: Callable[[Progress], None] = lambda progress: None,
    pipeline: Pipeline | None = None,
    held: Collection[str] = (),
) -> None:
    """Predict videos and hand on each result; none is kept.

    Args:
        runs: that predict.
        items: the videos, at least one, each id once.
        plan: from `plan_features` of the first.
        on_result: called for each video in the order of ``items``, and each of its windows, in
            another thread; a video that cannot be read gives a `Failure`. If the stream is
            stopped, it still gets what is done.
        on_progress: called after every video.
        pipeline: of this plan, if it is kept for several calls.
        held: windows that are wanted no more.
    """
    in_order = _InOrder([item.id for item in items], on_result)
    predictor, progress = _Predictor(runs, in_order), Progress(len(items), 0)
    try:
        if pipeline:
            pipeline.compute(items, predictor, progress, on_progress, held=held)
        else:
            compute(items, plan, predictor, progress, on_progress, held=held)
    finally:
        in_order.rest()


class _Predictor:
    """The pipeline's sink: predicts each video as its features arrive."""

    def __init__(self, runs: Ensemble, results: _InOrder) -> None:
        self._runs, self._results = runs, results

    def add(self, video: Video, snippets: Mapping[str, Snippets]) -> None:
        mine = snippets[self._runs.first.config.modality]
        self._results.add(video.id, self._runs.predict(video, mine))

    def fail(self, failure: Failure) -> None:
        self._results.add(failure.video, failure)

    def commit_if_due(self) -> None:
        """Nothing to commit."""


class _InOrder:
    """Hands on results in the order of the videos, each as soon as the videos before it are done.
    Windows of one come in their order."""

    def __init__(self, ids: Sequence[str], on_result: Callable[[Result], None]) -> None:
        self._left, self._on_result = deque(ids), on_result
        self._early: dict[str, list[Result]] = {id_: [] for id_ in ids}
        self._done: set[str] = set()

    def add(self, id_: str, result: Result) -> None:
        whole = id_ if id_ in self._early else recording_of(id_)
        self._early[whole].append(result)
        if whole in (id_, completes(id_)):
            self._done.add(whole)
        while self._left:
            self._hand_on(self._left[0])
            if self._left[0] not in self._done:
                break
            self._left.popleft()

    def rest(self) -> None:
        """Hand on the results that were held back for others that never came."""
        for id_ in self._left:
            self._hand_on(id_)

    def _hand_on(self, id_: str) -> None:
        results, self._early[id_] = self._early[id_], []
        for result in results:
            self._on_result(result)
