"""Predict videos from the features that a file holds of them: nothing is decoded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from ...cache import Failure, FeatureFile, InputError, Snippets
from ...cache.parts import in_time
from ...extract.backbones.checkpoint import file_sha256
from ...extract.features.sink import Progress
from ...extract.lists.videos import VideoItem
from ..run.folder import CHECKPOINT
from .ensemble import Ensemble
from .feature_files import seen_by, videos_of
from .loaded_run import LoadedRun
from .one_video import Result
from .prediction import Prediction


@dataclass(frozen=True)
class StoredVideos:
    """Videos whose features a run can predict from.

    Args:
        file: that holds them.
        rows: where they are among the file's videos, [n].
    """

    file: FeatureFile
    rows: tuple[int, ...]

    @property
    def items(self) -> list[VideoItem]:
        """The videos as they would be read again."""
        videos = (self.file.videos[n] for n in self.rows)
        return [VideoItem(video.id, Path(video.path), "", "") for video in videos]


def stored_videos(run: LoadedRun, path: Path, *, only_new: bool = False) -> StoredVideos:
    """The videos of a feature file that holds such features as a run was trained on.

    Args:
        run: the run.
        path: the file, or a glob of shards.
        only_new: leave out those that the run was made with.

    Raises:
        InputError: the features are others, says in what; or the run does not know its videos.
    """
    file = FeatureFile(path)
    _require_alike(run, file)
    known: dict[str, str] = {}
    if only_new:
        if not run.record.data.target.videos_sha256:
            raise InputError(f"{run.path} is from before runs knew their videos: leave out --new")
        known = videos_of(run.path, run.record).of("target")
    same = file.hashes(seen_by(run.record), labels=False, ids=known.keys()).items() & known.items()
    seen = {id_ for id_, _ in same}
    rows = [n for n, video in enumerate(file.videos) if video.id not in seen]
    return StoredVideos(file, tuple(sorted(rows, key=lambda n: in_time(file.videos[n].id))))


def predict_stored(
    runs: Ensemble,
    videos: StoredVideos,
    *,
    on_result: Callable[[Result], None],
    on_progress: Callable[[Progress], None] = lambda progress: None,
) -> None:
    """Predict videos and hand on each result; none is kept.

    Args:
        runs: that predict.
        videos: from `stored_videos` of the first.
        on_result: called for each video in their order; one whose features are damaged gives a
            `Failure`.
        on_progress: called after every video.
    """
    file, modality = videos.file, runs.first.config.modality
    rows, start, count = file.rows(modality), file.starts(modality), file.counts(modality)
    frames, times = file.frames(modality), file.times(modality)
    progress = Progress(len(videos.rows), 0)
    for n in videos.rows:
        own = slice(start[n], start[n] + count[n])
        try:
            every_view = rows.between(own.start, own.stop)  # [n V, D_in]
            features = every_view[:: rows.views]  # the centre view, [n, D_in]
        except InputError as error:
            result: Result = Failure(file.videos[n].id, "read", str(error))
        else:
            snippets = Snippets(features, frames[own], times[own])
            result = runs.predict(file.videos[n], snippets)
        on_result(result)
        progress = replace(
            progress,
            done=progress.done + isinstance(result, Prediction),
            failed=progress.failed + isinstance(result, Failure),
        )
        on_progress(progress)


def _require_alike(run: LoadedRun, file: FeatureFile) -> None:
    modality = run.config.modality
    if modality not in file.recipes:
        raise InputError(f"{file.path} holds no {modality} features, only {file.modalities}")
    theirs = file.recipes[modality]
    # The centre view is in all of them, and windows of recordings are videos as others are.
    made = replace(run.recipe, views=theirs.views, windows=theirs.windows)
    if run.config.end_to_end:
        if theirs.weights_sha256 != file_sha256(run.path / CHECKPOINT):
            raise InputError(
                f"{run.path} trained its backbone end to end, and the features in {file.path} are "
                f"of another backbone: extract them with --weights {run.path}"
            )
        free = ("weights_sha256", "sampling", "precision", "dtype")  # nothing was trained on them
        made = replace(made, **{name: getattr(theirs, name) for name in free})
    if differences := theirs.differences(made):
        raise InputError(
            f"{file.path} holds other features than {run.path} was trained on "
            f"({'; '.join(differences)}): extract them with --like {run.record.data.target.path}"
        )
