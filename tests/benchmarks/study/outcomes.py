"""What became of the rows of a case, as records that fit into one small JSON file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class AttentionOnAction:
    """How much of a trained run's attention lies on the segments that show the action.

    Means over the videos in which some segments show it and some do not.

    Args:
        share: of the segments that show the action: what uniform attention would put there.
        weight: of the attention on them.
    """

    share: float
    weight: float


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One trained row on one case.

    Args:
        row: its text in the plan.
        modality: "rgb", "flow" or, fused, "rgb+flow".
        settings: all that its run was given.
        correct: of each target test video in the order of ids, "1" or "0", after the last step.
        label_free: accuracy at the epoch that the default validator chooses.
        oracle: accuracy at the best epoch; target labels chose it.
        validators: its score among all rows of the case, by validator.
        health: kinds of warnings.
        attention: by "source" and "target"; empty where there is none, or it was not asked for.
        seconds: processor time of training, with start and evaluations; 0 if it was interrupted.
    """

    row: str
    modality: str
    settings: tuple[str, ...]
    correct: str
    label_free: float
    oracle: float
    validators: Mapping[str, float] = field(default_factory=dict)
    health: tuple[str, ...] = ()
    attention: Mapping[str, AttentionOnAction] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def accuracy(self) -> float:
        """After the last step."""
        return self.correct.count("1") / len(self.correct)


@dataclass(frozen=True, kw_only=True)
class CaseOutcome:
    """All rows of one case.

    Args:
        world, seed, knobs: of the case.
        outcomes: of its rows, in each modality.
        among: the rows of ``--method recommended``; empty where no choice was asked for.
        recommended: which of them was chosen; empty where none was asked for.
        failed: why, in a line, by the rows that have no outcome because a run of theirs failed.
        segments, snippets: K, and of each clip; 0 where an earlier version did not record them.
    """

    world: str
    seed: int
    knobs: Mapping[str, float]
    outcomes: tuple[Outcome, ...]
    among: tuple[str, ...] = ()
    recommended: str = ""
    failed: Mapping[str, str] = field(default_factory=dict)
    segments: int = 0
    snippets: int = 0

    def of(self, row: str, modality: str = "rgb") -> Outcome:
        """A row's.

        Raises:
            KeyError: there is none.
        """
        for outcome in self.outcomes:
            if (outcome.row, outcome.modality) == (row, modality):
                return outcome
        raise KeyError(f"{row} in {modality}")


@dataclass(frozen=True, kw_only=True)
class PartOutcome:
    """A whole part, as docs/results/ keeps it.

    Args:
        part: its name.
        command: that made it.
        machine: what ran it, in words.
        cases: of all worlds and seeds.
    """

    part: str
    command: str
    machine: str
    cases: tuple[CaseOutcome, ...]
