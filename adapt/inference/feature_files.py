"""The feature files that a run was made with, found again and checked."""

from __future__ import annotations

from pathlib import Path

from ...cache import FeatureFile, InputError
from ...cache.errors import MissingFile
from ..run.record import Domain, RunRecord

_OPTION = {"source": "--source-features", "target": "--features"}


def feature_file(
    folder: Path, record: RunRecord, domain: Domain, features: str | Path | None = None
) -> FeatureFile:
    """The feature file of a domain that a run was made with.

    Args:
        folder: the run's.
        record: of the run.
        domain: whose file.
        features: where it is now; None for where it was.

    Raises:
        InputError: the file is gone or holds other videos, features or source labels than the run
            saw.
    """
    seen_by_run = record.data.domain(domain)
    path = Path(features or seen_by_run.path)
    try:
        file = FeatureFile(path)
    except MissingFile:
        raise InputError(
            f"the {domain}'s feature file {path} is gone: name it with {_OPTION[domain]} FILE"
        ) from None
    except OSError as error:
        raise InputError(
            f"the {domain}'s feature file {path} cannot be read ({error.strerror}): name it with "
            f"{_OPTION[domain]} FILE"
        ) from None
    # A run's hash of the target is without labels, which `adapt` must not depend on.
    labelled = domain == "source"
    seen = None if record.run.end_to_end else record.run.modality
    if file.sha256(seen, labels=labelled) != seen_by_run.sha256:
        what = "videos, labels or features" if labelled else "videos or features"
        raise InputError(f"{path} holds other {what} than {folder} was trained with")
    return file
