"""What is known of videos before they are read, by their ids: a label and a split."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from ...cache.errors import InputError
from ...cache.parts import recording_of
from ...cache.writer import FeatureWriter

Labels = Mapping[str, tuple[str, str]]


def list_sha256(labels: Labels) -> str:
    """Hash of ids, labels and splits, in whatever order."""
    rows = sorted(f"{id_}\0{label}\0{split}\n" for id_, (label, split) in labels.items())
    return hashlib.sha256("".join(rows).encode()).hexdigest()


def check_committed(labels: Labels, writer: FeatureWriter) -> None:
    """Refuse to extend a file that holds one of the videos with another label or split.

    Raises:
        InputError: names the first of them.
    """
    for id_, video in writer.committed.items():
        label, split = labels.get(id_) or labels.get(recording_of(id_)) or (None, None)
        if label is not None and (video.label, video.split) != (label, split):
            raise InputError(
                f"{writer.path} holds {id_} as label '{video.label}', split '{video.split}', "
                f"now it is '{label}', '{split}': choose another output"
            )
