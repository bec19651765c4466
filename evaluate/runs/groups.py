"""Group runs that differ only in the seed, and score each group."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ...adapt.run.record import RunRecord
from ...adapt.run.seeds import group_seeds
from ...adapt.tasks.task import SHARED
from ...cache import InputError
from ..scores.intervals import accuracy_interval
from ..scores.metrics import accuracy, mean_class_accuracy
from .files import RunFiles
from .read import Run
from .truth import NewVideos, TrueClasses


@dataclass(frozen=True, eq=False)
class Scores:
    """Accuracies of one group of runs on the labelled target test videos.

    Args:
        truth: class of each of them, [n].
        predicted: class by each seed, [seeds, n].
        accuracy, mean_class: per seed, [seeds].
        interval: 95 % interval of the mean accuracy.
    """

    truth: np.ndarray = field(repr=False)
    predicted: np.ndarray = field(repr=False)
    accuracy: np.ndarray = field(repr=False)
    mean_class: np.ndarray = field(repr=False)
    interval: tuple[float, float]

    @property
    def correct(self) -> np.ndarray:
        """Which videos each seed got right, [seeds, n] bool."""
        return self.predicted == self.truth

    @property
    def videos(self) -> int:
        return len(self.truth)


@dataclass(frozen=True)
class FusionWeights:
    """How much each modality's logits count: equally in TCoN, 1 : 1.5 in TSN."""

    rgb: float = 1.0
    flow: float = 1.0

    @staticmethod
    def parse(text: str) -> FusionWeights:
        """``1:1.5`` to weights of RGB and flow.

        Raises:
            InputError: anything but two positive numbers.
        """
        try:
            rgb, flow = (float(part) for part in text.split(":"))
        except ValueError:
            rgb = flow = math.nan
        if not (0 < rgb < math.inf and 0 < flow < math.inf):
            raise InputError(
                f"cannot fuse by {text} (fuse=, --fuse): it is neither a run nor weights of RGB "
                "and flow such as 1:1.5"
            )
        return FusionWeights(rgb, flow)

    def __str__(self) -> str:
        return f"{self.rgb:g}:{self.flow:g}"


@dataclass(frozen=True)
class Fusion:
    """What a fused group was made of."""

    weights: FusionWeights
    rgb: Group
    flow: Group


@dataclass(frozen=True, eq=False, repr=False)
class Group:
    """Runs of one setting.

    Args:
        runs: by rising seed; of a fused group, runs that no folder holds.
        truth: class of each target test video, [n], -1 where unknown.
        scores: at the last epoch; None where no label is known.
        fusion: of a fused group what it was made of, else None.
        new: target videos that have come since; None of a fused group.
    """

    runs: tuple[Run, ...]
    truth: np.ndarray
    scores: Scores | None
    fusion: Fusion | None = None
    new: NewVideos | None = None

    def __repr__(self) -> str:
        seeds = " ".join(map(str, self.seeds))
        return f"<Group {self.label}, {self.modality}, K = {self.segments}, seeds {seeds}>"

    @property
    def first(self) -> Run:
        return self.runs[0]

    @property
    def folder(self) -> Path:
        """Where the runs' folders are."""
        return self.first.path.parent

    @property
    def parts(self) -> tuple[Group, ...]:
        """The groups of runs that this one was made of: itself, or those that were fused."""
        return (self.fusion.rgb, self.fusion.flow) if self.fusion else (self,)

    @property
    def record(self) -> RunRecord:
        """Of the first seed; of a fused group, of its RGB run."""
        return self.first.record

    @property
    def method(self) -> str:
        return self.record.run.method

    @property
    def modality(self) -> str:
        """``rgb``, ``flow`` ...; of a fused group ``rgb+flow``."""
        return "+".join(part.record.run.modality for part in self.parts)

    @property
    def segments(self) -> str:
        """K, or ``K_s:K_t``."""
        return self.first.segments

    @property
    def preset(self) -> str:
        return self.record.run.preset

    @property
    def normalise(self) -> str:
        """What features were standardised by: ``none``, ``source`` or ``domain``."""
        return self.record.run.train.normalise

    @property
    def task(self) -> str:
        return self.record.data.task

    @property
    def classes(self) -> tuple[str, ...]:
        return self.record.data.classes

    @property
    def protocol(self) -> str:
        """``inductive`` or ``transductive``."""
        return self.record.data.protocol

    @property
    def mode(self) -> str:
        """``cached features`` or ``end to end``."""
        return self.record.data.mode

    @property
    def backbone(self) -> str:
        """Of a fused group both, if they differ."""
        return " + ".join(dict.fromkeys(part.record.data.backbone for part in self.parts))

    @property
    def weights(self) -> tuple[str, ...]:
        """Names of the backbone's weights; of a fused group both, if they differ."""
        return tuple(dict.fromkeys(part.record.data.weights for part in self.parts))

    @property
    def label(self) -> str:
        """The method's name for people; the run's where this version does not know the method,
        with its plug-in where tcon has another method of that name."""
        record = self.record
        if record.namesake:
            return f"{self.method} ({Path(record.plugins[0].module).name})"
        return record.registered.title if record.registered else self.method

    @property
    def note(self) -> str:
        """What readers must know of the method's numbers; mostly empty."""
        return self.record.registered.note if self.record.registered else ""

    @property
    def transfer(self) -> str:
        """``source -> target`` by the feature files' names."""
        data = self.record.data
        return f"{Path(data.source.path).stem} -> {Path(data.target.path).stem}"

    @property
    def dataset(self) -> str:
        """``source -> target``, and the task where it has a name."""
        return self.transfer if self.task == SHARED else f"{self.transfer}, {self.task}"

    @property
    def seeds(self) -> tuple[int, ...]:
        return tuple(run.seed for run in self.runs)

    @property
    def reads_target_labels(self) -> bool:
        """Whether the method trains on them: an upper bound, not an adaptation.

        The record says so too, of a method that this process does not know.
        """
        known = self.record.registered
        reads = known is not None and known.method.reads_target_labels
        return reads or any(part.record.data.target_labels_sha256 for part in self.parts)

    @property
    def uses_target(self) -> bool:
        """Whether the method trains on target videos; one that this process does not know may."""
        known = self.record.registered
        return known is None or known.method.uses_target

    @property
    def conditions(self) -> dict[str, Hashable]:
        """What groups must have in common to be compared, by name."""
        labels = self.record.data.target.labels or {}
        train = {k: v for k, v in self.record.settings().items() if k.startswith("train.")}
        return {
            "source features": tuple(part.record.data.source.fingerprint for part in self.parts),
            "target features": tuple(part.record.data.target.fingerprint for part in self.parts),
            "classes": (self.classes, tuple(sorted(labels.items()))),
            "modality": self.modality,
            "segments": self.segments,
            **dict(sorted(train.items())),
        }

    @property
    def comparable(self) -> tuple[tuple[str, Hashable], ...]:
        """Groups with equal values can be compared."""
        return tuple(self.conditions.items())


def group_runs(runs: Sequence[Run], files: RunFiles | None = None) -> list[Group]:
    """Group and score runs; `source_only` comes first among comparable groups.

    Args:
        runs: of any methods and seeds.
        files: that hold the target's labels; None for those that each run was made with.

    Raises:
        InputError: two runs of a group have the same seed, or the labels cannot be found.
    """
    target = TrueClasses("target", files)
    scored = []
    for members in group_seeds(runs):
        truth = target.of(members[0], members[0].test)
        scored.append(Group(members, truth, score(members, truth), new=target.new(members[0])))
    order = {group.comparable: n for n, group in reversed(list(enumerate(scored)))}
    return sorted(scored, key=lambda g: (order[g.comparable], g.method != "source_only"))


def score(
    runs: Sequence[Run], truth: np.ndarray, epochs: Sequence[int] | None = None
) -> Scores | None:
    """Score runs on the same videos.

    Args:
        runs: one per seed.
        truth: true classes [n], -1 where unknown.
        epochs: the index of each run's evaluation that counts; None for the last.

    Returns:
        the scores; None where no label is known.
    """
    known = truth >= 0
    if not known.any():
        return None
    truth = truth[known]
    epochs = [-1] * len(runs) if epochs is None else epochs
    predicted = np.stack(
        [run.test.logits[e].argmax(1)[known] for run, e in zip(runs, epochs, strict=True)]
    )  # [seeds, n]
    return Scores(
        truth=truth,
        predicted=predicted,
        accuracy=np.array([accuracy(p, truth) for p in predicted]),
        mean_class=np.array([mean_class_accuracy(p, truth) for p in predicted]),
        interval=accuracy_interval(predicted == truth),
    )
