"""What can be said of a target without labels: predictions and scores that need none."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.special import softmax

from ..runs.groups import Group
from ..scores import label_free
from .accuracy import notes_of, row_name, write_rows
from .layout import bullets, markdown_table

_COLUMNS = ["transfer", "method", "modality", "segments", "video", "class", "probability"]
_SCORES = {
    "entropy": label_free.mean_entropy,
    "mutual information": label_free.mutual_information,
    "p >= 0.9": label_free.confident_share,
}


def unlabelled_markdown(groups: Sequence[Group]) -> str:
    """Label-free scores of each group, mean over its seeds."""
    rows = []
    for group in groups:
        config = group.first.config
        logits = [run.test.logits[-1] for run in group.runs]
        means = [np.mean([measure(one) for one in logits]) for measure in _SCORES.values()]
        name = row_name(group, groups)
        cells = [group.transfer, name, config["modality"], str(config["segments"])]
        rows.append([*cells, str(len(group.runs)), *(f"{mean:.3f}" for mean in means)])
    head = ["transfer", "method", "input", "K", "seeds", *_SCORES]
    note = (
        "The target is unlabelled, so there is no accuracy. Entropy and mutual information in nats."
    )
    return "\n".join([markdown_table(head, rows), "", note, "", bullets(notes_of(groups))])


def predictions(group: Group) -> list[dict[str, object]]:
    """Each target video's class by the mean probability over seeds."""
    p = np.mean([softmax(run.test.logits[-1], axis=1) for run in group.runs], axis=0)  # [n, C]
    common = {
        "transfer": group.transfer,
        "method": group.method,
        "modality": group.first.config["modality"],
        "segments": group.first.config["segments"],
    }
    return [
        common
        | {
            "video": id_,
            "class": group.first.classes[row.argmax()],
            "probability": float(row.max()),
        }
        for id_, row in zip(group.first.test.ids, p, strict=True)
    ]


def write_predictions(groups: Sequence[Group], path: str | Path) -> None:
    """The predictions of every group as csv."""
    write_rows(path, _COLUMNS, [row for group in groups for row in predictions(group)])
