"""What can be said of a target without labels: predictions and scores that need none."""

from __future__ import annotations

from collections.abc import Sequence

from ..scores.unlabelled import Unlabelled
from .layout import Block, Bullets, Table, Text


def unlabelled_blocks(results: Sequence[Unlabelled], notes: Sequence[str]) -> list[Block]:
    """Label-free scores of each group, mean over its seeds."""
    head = ["transfer", "method", "input", "K", "seeds", "entropy", "mutual information"]
    rows = []
    for result in results:
        group = result.group
        cells = [group.transfer, result.name, group.modality, group.segments]
        scores = (result.entropy, result.mutual_information, result.confident)
        rows.append([*cells, str(len(group.runs)), *(f"{score:.3f}" for score in scores)])
    return [
        Table([*head, "p >= 0.9"], rows),
        Text(
            "The target is unlabelled, so there is no accuracy. Entropy and mutual information in "
            "nats."
        ),
        Bullets(notes),
    ]
