"""What is known of videos before they are read, by their ids: a label and a split."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace

from ...cache.errors import InputError
from ...cache.parts import recording_of
from ...cache.writer import FeatureWriter

Labels = Mapping[str, tuple[str, str]]


def list_sha256(labels: Labels) -> str:
    """Hash of ids, labels and splits, in whatever order."""
    rows = sorted(f"{id_}\0{label}\0{split}\n" for id_, (label, split) in labels.items())
    return hashlib.sha256("".join(rows).encode()).hexdigest()


def take_over(labels: Labels, writer: FeatureWriter, *, unlabelled: bool) -> int:
    """Give the videos that a file holds already the labels and splits of a list.

    What the file does not know is added; what it knows is dropped where ``unlabelled`` says so, and
    never replaced.

    Args:
        labels: of the list.
        writer: of the file.
        unlabelled: whether the list's labels were dropped on purpose.

    Returns:
        how many videos changed.

    Raises:
        InputError: names the first video of which the file knows something else.
    """
    changed = []
    for id_, video in writer.committed.items():
        known = labels.get(id_) or labels.get(recording_of(id_))
        if known is None or (video.label, video.split) == known:
            continue
        label, split = known
        for old, new in ((video.label, label), (video.split, split)):
            if old not in ("", new) and (new or not unlabelled):
                remedy = "" if unlabelled else "drop what the file says by --unlabelled first, or "
                raise InputError(
                    f"{writer.path} holds {id_} as label '{video.label}', split '{video.split}', "
                    f"now it is '{label}', '{split}': {remedy}choose another output"
                )
        changed.append(replace(video, label=label, split=split))
    writer.relabel(changed)
    return len(changed)
