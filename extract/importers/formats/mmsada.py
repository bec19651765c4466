"""One pickle of a list of actions' features: the egocentric-vision courses' MM-SADA features.

::

    {"features": [{"uid": 12917, "video_name": "P08_01", "features_RGB": [n, D], ...}, ...]}

as ``<name>_D1_train.pkl``, from the course code of Politecnico di Torino and its forks. Labels are
in MM-SADA's annotations, ``D1_train.pkl``; forks for other datasets put a ``label`` here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from ....cache.errors import InputError
from ....cache.schema import Snippets
from ...lists import Entry
from ...lists.forms.lines import check_length
from ...pickles import Array, check_size, read_pickle
from .arrays import as_snippets, damaged
from .epic100 import modalities
from .source import FeatureSource

_PREFIX = "features_"


class MMSada(FeatureSource):
    """``{"features": [sample, ...]}``; a video is an action, named ``<video_name>_<uid>`` as the
    annotations' actions are. Arguments and errors are those of `Epic100`.
    """

    kind = "mmsada"

    def __init__(self, path: Path, *, trust_pickle: bool = False) -> None:
        super().__init__(path)
        content = read_pickle(path, trust=trust_pickle)
        samples = content.get("features") if isinstance(content, dict) else None
        if not isinstance(samples, list) or not samples:
            raise InputError(
                f"{path} is not a dict with a list of features: name its kind, epic100 where they "
                "are by modality, mmaction2 for one video"
            )
        self._samples: dict[str, dict] = {}
        found: list[Array] = []
        for number, sample in enumerate(samples, start=1):
            with damaged(f"{path} sample {number}"):
                name = _name(sample)
                if name in self._samples:
                    raise InputError(f"is the second of {ascii(name[:80])}")
                self._samples[name] = sample
                found += modalities(sample, prefix=_PREFIX).values()
        check_size(path, found)

    def names(self) -> Iterable[str]:
        return self._samples

    def read(self, name: str) -> Mapping[str, Snippets]:
        snippets = {}
        for modality, array in modalities(self._samples[name], prefix=_PREFIX).items():
            with damaged(f"{_PREFIX}{modality}"):
                snippets[modality] = as_snippets(array.numpy())
        return snippets

    def entries(self) -> list[Entry]:
        labels = {name: sample.get("label") for name, sample in self._samples.items()}
        if not all(isinstance(label, (int, str)) for label in labels.values()):
            return []
        with damaged(f"{self.path} has labels that"):
            for label in labels.values():
                check_length("are not names: one", label if isinstance(label, str) else "")
            return [Entry(name, label=str(label)) for name, label in labels.items()]


def _name(sample: object) -> str:
    if not isinstance(sample, dict) or not {"uid", "video_name"} <= sample.keys():
        raise InputError("has no uid and video_name, by which its labels could be found")
    uid, video = sample["uid"], sample["video_name"]
    if type(uid) not in (int, str) or not isinstance(video, str) or not video:
        raise InputError("has a uid or video_name that is neither a number nor text")
    check_length("video_name", video)
    check_length("uid", uid if isinstance(uid, str) else "")
    return f"{video}_{uid}"
