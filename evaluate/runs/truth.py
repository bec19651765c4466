"""True classes of videos, from the feature files that runs were made with."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np

from ...cache import FeatureFile, InputError
from ...cache.errors import MissingFile
from .read import Predictions, Run

Domain = Literal["source", "target"]
_OPTION = {"source": "--source-features", "target": "--features"}


class TrueClasses:
    """Class indices of a domain's videos; each feature file is read and checked once,
    and what is wrong with it is said once.

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
        data = run.data
        if f"{self.domain}_map" not in data:
            raise InputError(
                f"runs from {data[self.domain]} were made before they recorded the classes of "
                f"{self.domain} labels: repeat them"
            )
        key = data[self.domain], data[f"{self.domain}_sha256"]
        if key not in self._found:
            try:
                self._found[key] = self._read(run)
            except InputError as error:
                self._found[key] = error
        labels, index = self._found[key], data[f"{self.domain}_map"]
        if isinstance(labels, InputError):
            raise labels
        if strange := set(videos.ids) - labels.keys():
            raise InputError(
                f"the run {run.path} has logits of {min(strange)}, which {data[self.domain]} does "
                "not hold: delete it and repeat it"
            )
        return np.array([index.get(labels[id_], -1) for id_ in videos.ids])

    def _read(self, run: Run) -> dict[str, str]:
        file = feature_file(run, self.domain, self.features)
        return {video.id: video.label for video in file.videos}


def feature_file(run: Run, domain: Domain, features: str | Path | None = None) -> FeatureFile:
    """The feature file of a domain that a run was made with.

    Args:
        run: the run.
        domain: whose file.
        features: where it is now; None for where it was.

    Raises:
        InputError: the file is gone or holds other videos, features or source labels than the run
            saw.
    """
    path = Path(features or run.data[domain])
    try:
        file = FeatureFile(path)
    except MissingFile:
        raise InputError(
            f"the {domain}'s feature file {path} is gone: name it with {_OPTION[domain]} FILE"
        ) from None
    # A run's hash of the target is without labels, which `adapt` must not depend on.
    labelled = domain == "source"
    seen = None if run.config.get("end_to_end") else run.config["modality"]
    sha256 = file.sha256(seen, labels=labelled)
    if sha256 != run.data[f"{domain}_sha256"]:
        what = "videos, labels or features" if labelled else "videos or features"
        raise InputError(f"{path} holds other {what} than {run.path} was trained with")
    return file
