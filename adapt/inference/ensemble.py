"""The seeds of one group, predicting together: one pass over the features, one label."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.special import log_softmax, logsumexp

from ...cache import InputError, Snippets, Video
from ..run.folder import run_folders
from ..run.read import has_final_weights
from ..run.record import RunRecord, read_record
from ..run.seeds import group_seeds, named_folders, without_seed
from .loaded_run import LoadedRun, load_run
from .one_video import Result, finite, predict_one
from .prediction import Prediction

_NAMED = 12  # groups in a message


@dataclass(frozen=True, repr=False)
class Ensemble:
    """Runs that predict together: the seeds of a group, or one run.

    Args:
        path: what names them; of one run its folder.
        runs: by rising seed, at least one; they share the features that they read.
        temperature: what logits are divided by before the seeds' probabilities are averaged; None
            where these are not calibrated.
    """

    path: Path
    runs: tuple[LoadedRun, ...]
    temperature: float | None = None

    @classmethod
    def of(cls, run: LoadedRun) -> Ensemble:
        """One run, which predicts as it does alone."""
        return cls(run.path, (run,))

    @property
    def first(self) -> LoadedRun:
        """The run of the first seed; but for weights and seed the others are like it."""
        return self.runs[0]

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes, [C]."""
        return self.first.classes

    @property
    def seeds(self) -> tuple[int, ...]:
        """Of the runs, [S]."""
        return tuple(run.config.seed for run in self.runs)

    def predict(self, video: Video, snippets: Snippets) -> Result:
        """Predict a video from its features, as `predict_one`."""
        seeds = [predict_one(run, video, snippets) for run in self.runs]
        return finite(seeds[0] if len(seeds) == 1 else mean_prediction(seeds, self.temperature))

    def __repr__(self) -> str:
        return f"Ensemble({str(self.path)!r}: {self.first.config.method}, seeds {self.seeds})"


def mean_prediction(seeds: Sequence[Prediction], temperature: float | None) -> Prediction:
    """The mean of several seeds' predictions of a video.

    Args:
        seeds: of runs that differ in the seed alone.
        temperature: as of `Ensemble`.

    Returns:
        a prediction whose logits, also those of segments, are logarithms of mean probabilities, and
        whose attention is the mean.
    """
    first = seeds[0]
    logits = _log_mean([one.logits for one in seeds], temperature)  # [C]
    attention = [one.attention for one in seeds if one.attention is not None]
    of_segments = [one.segment_logits for one in seeds if one.segment_logits is not None]
    agree = np.mean([one.logits.argmax() == logits.argmax() for one in seeds])
    return Prediction(
        first.video,
        first.classes,
        logits,
        first.frames,
        first.times,
        np.mean(attention, axis=0) if attention else None,  # [K]
        _log_mean(of_segments, temperature) if of_segments else None,  # [K, C]
        seeds_agree=float(agree),
    )


def _log_mean(logits: Sequence[np.ndarray], temperature: float | None) -> np.ndarray:
    """The logarithm of the mean probability, of S logits [..., C]."""
    scaled = np.stack(logits).astype(float) / (temperature or 1)  # [S, ..., C]
    return logsumexp(log_softmax(scaled, axis=-1), axis=0) - np.log(len(logits))  # [..., C]


def load_ensemble(
    path: str | Path,
    *,
    features: Path | None = None,
    on_note: Callable[[str], None] = lambda note: None,
) -> Ensemble:
    """Load a finished run, or all finished seeds of one group; not calibrated.

    Args:
        path: a run's folder, a folder that holds runs of one group alone, or the run's path
            `without_seed`.
        features: as in `load_run`.
        on_note: called with each line on what was left out.

    Raises:
        InputError: there is no run, or runs of several groups; one of them is damaged or cannot
            be averaged with the others; or as of `load_run`.
    """
    path = Path(path)
    folders = [folder for named in named_folders(path) for folder in run_folders(named)]
    if len(folders) < 2:
        return Ensemble.of(load_run(folders[0] if folders else path, features=features))
    groups = group_seeds(_Named(folder, read_record(folder)) for folder in folders)
    if len(groups) > 1:
        raise _several(path, groups)
    ready = [run.path for run in groups[0] if has_final_weights(run.path)]
    if not ready:
        raise InputError(f"no run of {path} is finished: continue them with tcon adapt")
    for run in groups[0]:
        if run.path not in ready:
            on_note(f"{run.path} is not finished and is left out: continue it with tcon adapt.")
    if len(ready) == 1:
        return Ensemble.of(load_run(ready[0], features=features))
    if groups[0][0].record.run.end_to_end:
        raise InputError(
            f"the runs of {path} trained a backbone each, so they share no features: name one, "
            f"such as {ready[0]}"
        )
    return Ensemble(path, tuple(load_run(folder, features=features) for folder in ready))


class _Named(NamedTuple):
    path: Path
    record: RunRecord


def _several(path: Path, groups: Sequence[Sequence[_Named]]) -> InputError:
    """That a path names several groups, and by which paths each can be named."""
    stems = [{without_seed(run.path) for run in group} for group in groups]
    names = []
    for group, own in zip(groups, stems, strict=True):
        alone = len(group) > 1 and len(own) == 1 and sum(own <= other for other in stems) == 1
        names.append(str(min(own) if alone else group[0].path))
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return InputError(
        f"{path} holds runs that differ in more than the seed, and one label needs one group: name "
        f"one of {', '.join(names[:_NAMED])}{more}"
    )
