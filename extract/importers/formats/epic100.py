"""One pickle of all actions' features: EPIC-KITCHENS-100's UDA challenge and what follows it.

::

    {"features": {"RGB": [N, 25, D], "Flow": [N, 25, D], "Audio": [N, 25, D]},
     "narration_ids": ["P01_01_0", ...]}

Features of MM-SADA's domains (``D1-D1_train.pkl``) are handed round in this form too, with 5
snippets. Labels are in other files, the annotations.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from ....cache.errors import InputError
from ....cache.schema import Snippets
from ...lists.forms.lines import check_length
from ...pickles import Array, check_size, read_pickle
from .arrays import as_snippets, damaged
from .source import FeatureSource, modality_of


class Epic100(FeatureSource):
    """``{"features": ..., "narration_ids": ...}``; a video is an action, named by its id.

    Arrays are read when they are asked for, so the file must not change in the meantime.

    Args:
        path: the pickle.
        trust_pickle: the user knows where it comes from.

    Raises:
        InputError: the pickle is not trusted, not there, or in another format.
    """

    kind = "epic100"

    def __init__(self, path: Path, *, trust_pickle: bool = False) -> None:
        super().__init__(path)
        content = read_pickle(path, trust=trust_pickle)
        if not (isinstance(content, dict) and {"features", "narration_ids"} <= content.keys()):
            raise InputError(
                f"{path} is not a dict of features and narration_ids: name its kind, mmsada for a "
                "list of samples, mmaction2 for one video"
            )
        with damaged(f"{path}"):
            ids = _ids(content["narration_ids"])
            self._place = {name: place for place, name in enumerate(ids)}
            if len(self._place) < len(ids):
                raise InputError("names an action twice in narration_ids")
            found = modalities(content["features"])
            check_size(path, found.values())
            self._features = {m: array.numpy() for m, array in found.items()}  # [N, n, D] each
            if wrong := [m for m, a in self._features.items() if len(a) != len(ids)]:
                raise InputError(f"does not have one row per narration_id in {', '.join(wrong)}")

    def names(self) -> Iterable[str]:
        return self._place

    def read(self, name: str) -> Mapping[str, Snippets]:
        place = self._place[name]
        return {modality: as_snippets(all_[place]) for modality, all_ in self._features.items()}


def modalities(features: object, *, prefix: str = "") -> dict[str, Array]:
    """Arrays by modality: rgb, flow, audio ..., of what a dict calls RGB, Flow, Audio ...

    Args:
        features: the dict.
        prefix: before the names that count, such as "features_".

    Raises:
        InputError: it is not a dict of such arrays, or one is called what no modality can be.
    """
    if not isinstance(features, dict):
        raise InputError("has no dict of features by modality")
    found = {
        modality_of(name.removeprefix(prefix)): array
        for name, array in features.items()
        if name.startswith(prefix)
    }
    if not found or not all(isinstance(array, Array) for array in found.values()):
        raise InputError("has no arrays of features by modality")
    return found


def _ids(ids: object) -> Collection[str]:
    ids = ids.numpy().tolist() if isinstance(ids, Array) else ids
    if not isinstance(ids, list) or not ids or not all(isinstance(i, str) and i for i in ids):
        raise InputError("has no list of text as narration_ids")
    for name in ids:
        check_length("a narration_id", name)
    return ids
