"""Where videos go once their features are computed, and the counts of how far that is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from ...cache import Failure, Snippets, Video

LONG = 60.0  # seconds, of which a run sees few moments: 6 segments are 10 s apart


@dataclass(frozen=True)
class Progress:
    """How far an extraction is: videos to do, done (of them damaged), failed; images run."""

    todo: int
    before: int  # videos that were in the file already
    unlisted: int = 0  # of them, those that the list does not name
    relabelled: int = 0  # of them, those that got or lost a label or split
    done: int = 0
    damaged: int = 0
    failed: int = 0
    images: int = 0
    early_stopped: int = 0  # pairs of frames whose flow ran out of iterations
    videos: int = 0  # handed on: one of each that was left whole, every window of the others
    untimed: int = 0  # videos without time stamps whose clips would be taken at a rate
    long: int = 0  # videos of more than `LONG` seconds that were left whole


class Sink(Protocol):
    """Where videos go once their features are computed: a `FeatureWriter`, or a predictor."""

    def add(self, video: Video, snippets: Mapping[str, Snippets]) -> None:
        """Take a video and, by modality, its features."""

    def fail(self, failure: Failure) -> None:
        """Take a video that cannot be read."""

    def commit_if_due(self) -> None:
        """Called every second or so."""
