"""What can be said of a target without labels: predictions and scores that need none."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...cache.common.counts import counted
from ..scores.trust.calibration import Calibration
from ..scores.trust.labels import VideoLabel
from ..scores.unlabelled import Unlabelled
from .layout import Block, Bullets, Heading, Table, Text, wrapped

_SHOWN_LABELS = 20
_HEAD = ("video", "class", "score", "seeds", "methods", "distance", "")
COLUMNS = (
    "Seeds, methods: the share of them that gives the class. Distance: the share of the source's "
    "training videos that lie nearer to the source than this one. However well scores fit the "
    "source, they are mostly too high for the target; methods that are wrong together agree too."
)


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


def label_blocks(results: Sequence[Unlabelled], *, csv: Path | None) -> list[Block]:
    """The labels of each group, those to look at first.

    Args:
        results: of groups.
        csv: that gets all labels; None where none was asked for.
    """
    holds = f"{csv} holds" if csv else "--csv FILE gets"
    blocks: list[Block] = []
    for result in results:
        group, labels = result.group, sorted(result.labels, key=lambda label: label.doubt)
        how = f"{group.transfer}, {group.modality}, K = {group.segments}"
        blocks.append(Heading(f"Labels by {result.name} ({how}), mean over seeds"))
        blocks.append(label_table(labels[:_SHOWN_LABELS]))
        if len(labels) > _SHOWN_LABELS:
            shown = f"The {_SHOWN_LABELS} most doubtful of {len(labels)} videos"
            blocks.append(Text(f"{shown}: {holds} all of them."))
        look = sum(label.look for label in labels)
        calibrated = calibration_sentence(result.calibration)
        blocks.append(
            Text(
                f"{look} of {len(labels)} {'is' if look == 1 else 'are'} worth a look. {calibrated}"
            )
        )
    return [*blocks, Text(wrapped(COLUMNS))] if blocks else []


def label_table(labels: Sequence[VideoLabel]) -> Table:
    """A row per video."""
    return Table(_HEAD, [_row(label) for label in labels])


def _row(label: VideoLabel) -> list[str]:
    shares = (label.score, label.seeds_agree, label.methods_agree, label.source_distance)
    texts = ("" if share is None else f"{share:.2f}" for share in shares)
    return [label.video, label.label, *texts, "look" if label.look else ""]


def calibration_sentence(calibration: Calibration) -> str:
    """What scores are calibrated on, or why they are not."""
    if not calibration.videos:
        return f"Scores are not calibrated: {calibration.problem.removesuffix('.')}."
    videos = counted(calibration.videos, "source validation video")
    return f"Scores are calibrated on {videos} (temperature {calibration.temperature:.2f})."
