"""Which videos to label by hand: some drawn for an honest estimate, and the doubtful ones."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Literal

import numpy as np

from ...cache import InputError
from ...cache.common.files.writing import write_output
from ...cache.errors import visible
from ..scores.trust.labels import VideoLabel

Drawn = Literal["random", "doubtful"]
COLUMNS = ("video", "label", "drawn")
_RANDOM_SHARE = 2 / 3
_FEWEST = 3  # below, one of both kinds would be missing


@dataclass(frozen=True)
class Question:
    """A video to label.

    Args:
        video: its id.
        drawn: at random, which an estimate of the accuracy needs, or because its label is doubtful.
    """

    video: str
    drawn: Drawn


def choose_questions(
    labels: Sequence[VideoLabel], count: int, *, seed: int = 0
) -> tuple[Question, ...]:
    """Choose the videos whose labels would tell most.

    Two thirds are a systematic random sample in the order of the score: one of each stretch of
    equally many videos, so that certain and doubtful ones have their share and every video has the
    same chance. The others are the most doubtful of the rest.

    Args:
        labels: of a group.
        count: how many; all where there are fewer.
        seed: of the draw.

    Returns:
        in a random order, so that nobody sees which is which.

    Raises:
        InputError: too few are asked for.
    """
    if count < _FEWEST:
        raise InputError(f"to ask for {count} videos tells nothing: ask for {_FEWEST} or more")
    rng = np.random.default_rng(seed)
    count = min(count, len(labels))
    at_random = count if count == len(labels) else round(_RANDOM_SHARE * count)
    by_score = sorted(labels, key=lambda label: (label.score, label.video))
    first, step = rng.random(), len(labels) / at_random
    drawn = [by_score[int((first + n) * step)] for n in range(at_random)]
    taken = {label.video for label in drawn}
    rest = [label for label in labels if label.video not in taken]
    rest.sort(key=lambda label: label.doubt)
    questions = [Question(label.video, "random") for label in drawn]
    questions += [Question(label.video, "doubtful") for label in rest[: count - at_random]]
    return tuple(questions[n] for n in rng.permutation(len(questions)))


def write_questions(questions: Sequence[Question], path: Path) -> None:
    """Write a csv with an empty column for the labels, in which every video is one line.

    Raises:
        InputError: it cannot be written.
    """
    text = StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows((visible(question.video), "", question.drawn) for question in questions)
    write_output(path, text.getvalue())
