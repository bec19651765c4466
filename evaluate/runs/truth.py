"""What is known of videos from the feature files that runs were made with: their true classes,
and which are new."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...adapt.data.splits import target_rows
from ...adapt.run.data_record import Domain
from ...adapt.tasks.task import Task
from ...cache import FeatureFile, InputError
from .files import RunFiles
from .read import Predictions, Run


@dataclass(frozen=True)
class NewVideos:
    """Videos that have come into a run's target file since, and that it would use today.

    Args:
        count: how many.
        file: the feature file.
    """

    count: int
    file: Path


class TrueClasses:
    """Class indices of a domain's videos.

    Args:
        domain: whose videos.
        files: that hold their labels; None for those that each run was made with.
    """

    def __init__(self, domain: Domain, files: RunFiles | None = None) -> None:
        self.domain, self._files = domain, files or RunFiles()

    def of(self, run: Run, videos: Predictions) -> np.ndarray:
        """Class of each video, [n]; -1 where its label is unknown.

        Raises:
            InputError: the file is gone, or the run's videos are not in it as they were; or the
                run does not say which classes the source's labels are.
        """
        labels = {video.id: video.label for video in self._file(run).videos}
        if strange := set(videos.ids) - labels.keys():
            path = run.record.data.domain(self.domain).path
            raise InputError(
                f"the run {run.path} has logits of {min(strange)}, which {path} does "
                "not hold: delete it and repeat it"
            )
        classes = run.record.data.classes_of(self.domain, set(labels.values()))
        return np.array([classes.get(labels[id_], -1) for id_ in videos.ids])

    def new(self, run: Run) -> NewVideos:
        """The new videos of a run's target.

        Raises:
            InputError: as of `of`.
        """
        file, data = self._file(run), run.record.data
        labels = data.classes_of("target", {video.label for video in file.videos})
        task = Task(data.task, run.classes, {}, labels)
        rows = target_rows(file.videos, task, pool=run.record.run.train.target_pool)
        used = {file.videos[n].id for n in (*rows[0], *rows[1])}
        return NewVideos(len(used - run.target_ids), file.path)

    def _file(self, run: Run) -> FeatureFile:
        domain = run.record.data.domain(self.domain)
        if domain.labels is None:
            raise InputError(
                f"runs from {domain.path} were made before runs recorded which class each "
                f"{self.domain} label belongs to: repeat them"
            )
        return self._files.of(run, self.domain)
