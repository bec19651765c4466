"""True classes of videos, from the feature files that runs were made with."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...adapt.inference.feature_files import Domain, feature_file
from ...cache import InputError
from .read import Predictions, Run


class TrueClasses:
    """Class indices of a domain's videos; each feature file is read and checked only once.

    Args:
        domain: whose videos.
        features: its feature file; None for the one that each run was made with.
    """

    def __init__(self, domain: Domain, features: str | Path | None = None) -> None:
        self.domain, self.features = domain, features
        self._found: dict[tuple[str, str], dict[str, str] | InputError] = {}

    def of(self, run: Run, videos: Predictions) -> np.ndarray:
        """Class of each video, [n]; -1 where its label is unknown.

        Raises:
            InputError: the file is gone or holds other videos, features or source labels than the
                run saw; or the run does not say which classes the source's labels are.
        """
        domain = run.record.data.domain(self.domain)
        if domain.labels is None:
            raise InputError(
                f"runs from {domain.path} were made before runs recorded which class each "
                f"{self.domain} label belongs to: repeat them"
            )
        key = domain.path, domain.sha256
        if key not in self._found:
            try:
                self._found[key] = self._read(run)
            except InputError as error:
                self._found[key] = error
        labels = self._found[key]
        if isinstance(labels, InputError):
            raise labels
        if strange := set(videos.ids) - labels.keys():
            raise InputError(
                f"the run {run.path} has logits of {min(strange)}, which {domain.path} does "
                "not hold: delete it and repeat it"
            )
        classes = run.record.data.classes_of(self.domain, set(labels.values()))
        return np.array([classes.get(labels[id_], -1) for id_ in videos.ids])

    def _read(self, run: Run) -> dict[str, str]:
        file = feature_file(run.path, run.record, self.domain, self.features)
        return {video.id: video.label for video in file.videos}
