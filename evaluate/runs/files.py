"""The feature files that runs were made with."""

from __future__ import annotations

from pathlib import Path

from ...adapt.inference.feature_files import feature_file
from ...adapt.run.data_record import Domain
from ...cache import FeatureFile, InputError
from .read import Run


class RunFiles:
    """Feature files of runs; each is read and checked once, by whoever asks first.

    Args:
        features, source_features: where those of the target and of the source are, if they have
            moved.
    """

    def __init__(
        self, features: str | Path | None = None, source_features: str | Path | None = None
    ) -> None:
        self._paths: dict[Domain, str | Path | None]
        self._paths = {"source": source_features, "target": features}
        self._found: dict[tuple[Domain, str, str], FeatureFile | InputError] = {}

    def path(self, run: Run, domain: Domain) -> Path:
        """Where the feature file of a run's domain is, whatever is there."""
        return Path(self._paths[domain] or run.record.data.domain(domain).path)

    def of(self, run: Run, domain: Domain) -> FeatureFile:
        """The feature file of a run's domain.

        Raises:
            InputError: it is gone, or the run's videos are not in it as they were.
        """
        data = run.record.data.domain(domain)
        key = domain, data.path, data.fingerprint
        if key not in self._found:
            try:
                self._found[key] = feature_file(
                    run.path, run.record, domain, self._paths[domain], logged=run.target_ids
                )
            except InputError as error:
                self._found[key] = error
        file = self._found[key]
        if isinstance(file, InputError):
            raise file
        return file
