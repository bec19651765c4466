"""The labels of an unlabelled target as a report shows them: with pictures, doubtful ones first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from ...cache import InputError
from ..figures.data.roots import parse_roots
from ..hand_labels.cards import Card, make_cards
from ..runs.embeddings import Loader
from ..scores.trust.labels import VideoLabel
from ..scores.unlabelled import Unlabelled
from .content import Content

_MOST = 60  # videos with pictures, which make the file large


@dataclass(frozen=True)
class LabelCards:
    """The labels of a group, the most doubtful first.

    Args:
        result: the group.
        cards: the first videos with their pictures.
        rest: labels of the others.
        attention: to the segments of a video by the group's first seed, [K], by id; empty where
            all segments weigh the same or the features cannot be read.
        problem: why there are no cards; else empty.
    """

    result: Unlabelled
    cards: Sequence[Card[VideoLabel]]
    rest: Sequence[VideoLabel]
    attention: dict[str, np.ndarray] = field(repr=False)
    problem: str = ""


def label_cards(content: Content, *, roots: Sequence[str] = ()) -> Iterator[LabelCards]:
    """Read pictures and attention of the groups that label unlabelled targets.

    Args:
        content: of runs.
        roots: folders that the videos' paths start at, if they have moved.
    """
    loader = Loader(content.files)
    root = parse_roots(roots).get("target")
    for result in content.labelling:
        labels = sorted(result.labels, key=lambda label: label.doubt)
        most = _MOST // len(content.labelling)
        try:
            file = loader.file(result.group.first, "target")
        except InputError as error:
            yield LabelCards(result, (), labels, {}, str(error))
            continue
        videos = {video.id: video for video in file.videos}
        cards = list(make_cards(labels[:most], videos, root))
        yield LabelCards(result, cards, labels[most:], _attention(result, loader))


def _attention(result: Unlabelled, loader: Loader) -> dict[str, np.ndarray]:
    run = loader.load_if_readable(result.group.first)
    return run.attention(run.domains.target_test) if run else {}
