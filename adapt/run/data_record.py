"""What a run was given: its part of a `RunRecord`. It holds no target label."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from ...cache.common.ranges import Whole
from ...cache.recipe import Recipe
from ..tasks.names import match_labels

Domain = Literal["source", "target"]


@dataclass(frozen=True, kw_only=True)
class DomainRecord:
    """One domain's data.

    Args:
        path: its feature file.
        videos_sha256: of the run's videos (`RunVideos`); the source's labels count, the target's do
            not.
        sha256: of all videos of the file, in a run from before runs knew their videos.
        labels: class index of each label that belongs to the task; None where an old run does not
            say.
    """

    path: Annotated[str, Field(max_length=4096)]
    videos_sha256: str = ""
    sha256: str = ""
    labels: Mapping[str, Whole] | None

    @property
    def fingerprint(self) -> str:
        """Equal where the domain's data are."""
        return self.videos_sha256 or self.sha256


@dataclass(frozen=True, kw_only=True)
class VideoCounts:
    """How many videos a run trained on, validated on and tested."""

    source_train: Whole
    source_val: Whole
    target_train: Whole
    target_test: Whole


@dataclass(frozen=True, kw_only=True)
class DataRecord:
    """What a run was given.

    Args:
        source, target: the domains.
        protocol: ``inductive`` where target test videos were not adapted on, else
            ``transductive``.
        task: its name.
        classes: their names, [C].
        exact_labels: whether labels name classes as they are written, as in runs of older versions;
            else as by `match_labels`.
        backbone, weights, weights_sha256: of the features; end to end, where training began.
        mode: what the method was trained on.
        recipe: how new target videos get such features; None where an old run does not say.
        videos: how many; None where an old run does not say.
        micro_batch: images at once end to end; None for cached features.
        target_labels_sha256: of the target videos with their labels, for a method that reads them.

    Raises:
        ValueError: labels of classes that there are not.
    """

    source: DomainRecord
    target: DomainRecord
    protocol: str
    task: str
    classes: tuple[str, ...]
    exact_labels: bool = True
    backbone: str
    weights: str
    weights_sha256: str = ""
    mode: Literal["cached features", "end to end"]
    recipe: Recipe | None = None
    videos: VideoCounts | None = None
    micro_batch: Whole | None = None
    target_labels_sha256: str = ""

    def __post_init__(self) -> None:
        if not self.classes:
            raise ValueError("it has no classes")
        for name in ("source", "target"):
            labels = getattr(self, name).labels or {}
            if any(not 0 <= index < len(self.classes) for index in labels.values()):
                raise ValueError(f"the {name}'s labels name other classes than there are")

    def domain(self, name: Domain) -> DomainRecord:
        """The source or the target."""
        return self.source if name == "source" else self.target

    def classes_of(self, name: Domain, labels: Collection[str]) -> dict[str, int]:
        """Class index of each label of a domain's file; labels of no class are missing."""
        known = self.domain(name).labels or {}
        matched = match_labels(known, labels, exact=self.exact_labels)
        return {label: known[as_recorded] for label, as_recorded in matched.items()}


@dataclass(frozen=True, kw_only=True)
class Continued:
    """The finished run whose weights another has started from.

    Args:
        path: its folder.
        weights_sha256: of its weights.
        features: fingerprints of the source and the target that it was trained on.
    """

    path: Annotated[str, Field(max_length=4096)]
    weights_sha256: str
    features: tuple[str, str]
