"""The feature files that a run was made with, found again and checked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from ...cache import FeatureFile, InputError
from ...cache.errors import MissingFile

Domain = Literal["source", "target"]
_OPTION = {"source": "--source-features", "target": "--features"}


def feature_file(
    folder: Path, config: Mapping[str, Any], domain: Domain, features: str | Path | None = None
) -> FeatureFile:
    """The feature file of a domain that a run was made with.

    Args:
        folder: the run's.
        config: its configuration.
        domain: whose file.
        features: where it is now; None for where it was.

    Raises:
        InputError: the file is gone or holds other videos, features or source labels than the run
            saw.
    """
    data = config["data"]
    path = Path(features or data[domain])
    try:
        file = FeatureFile(path)
    except MissingFile:
        raise InputError(
            f"the {domain}'s feature file {path} is gone: name it with {_OPTION[domain]} FILE"
        ) from None
    # A run's hash of the target is without labels, which `adapt` must not depend on.
    labelled = domain == "source"
    seen = None if config.get("end_to_end") else config["modality"]
    if file.sha256(seen, labels=labelled) != data[f"{domain}_sha256"]:
        what = "videos, labels or features" if labelled else "videos or features"
        raise InputError(f"{path} holds other {what} than {folder} was trained with")
    return file
