"""Which of several named arrays are features: of an ``.npz``, a ``.mat`` or an HDF5 group."""

from __future__ import annotations

from collections.abc import Collection

from ....cache.errors import InputError, shorten
from .source import UNNAMED

MODALITIES = ("rgb", "flow")
FEATURES = ("features", "feature", "feats", "feat")


def choose_features(names: Collection[str]) -> dict[str, str]:
    """The arrays that hold features, by modality: those named rgb or flow in whatever case, else
    the one named features, else the only one.

    Raises:
        InputError: none of these, as where several arrays have names of their own.
    """
    lower = {name.lower(): name for name in names}
    if found := {modality: lower[modality] for modality in MODALITIES if modality in lower}:
        return found
    for name in (*FEATURES, *(names if len(names) == 1 else ())):
        if name in lower or name in names:
            return {UNNAMED: lower.get(name, name)}
    raise InputError(
        f"holds {shorten(', '.join(sorted(names))) or 'no array'}: the features must be named "
        "features, rgb or flow, or be alone"
    )
