"""All that is computed of runs, which every renderer of this folder takes and none adds to."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ..hand_labels.checked import Checked, taken_groups
from ..runs.files import RunFiles
from ..runs.groups import Group
from ..runs.logs import Health
from ..runs.provenance import Provenance
from ..runs.settings import SettingsTable
from ..scores.choices.outcomes import Outcome
from ..scores.choices.recommendation import Recommendation
from ..scores.choices.selection import Selection
from ..scores.results import Result
from ..scores.unlabelled import Unlabelled
from ..scores.zero_shot import ZeroShot
from ..tables.paper import TaskTable

if TYPE_CHECKING:
    from ..scores.distances import Distance  # it needs scikit-learn


@dataclass(frozen=True)
class RunDistances:
    """How far the domains of one run are apart.

    Args:
        transfer: ``source -> target``.
        name: of the run.
        distances: before and after G_f, of segments and of videos; empty where unknown.
        problem: why they are unknown; else empty.
    """

    transfer: str
    name: str
    distances: tuple[Distance, ...]
    problem: str = ""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Content:
    """Numbers, and the sentences that they need.

    Args:
        groups: of runs, in the order of every table; `source_only` first among comparable ones.
        fused: groups that were made of two of them.
        results: of the groups whose target has labels, fused ones last.
        notes: on the results.
        zero_shot: class names as texts on the same test videos; empty where there are no texts.
        unlabelled: predictions and label-free scores of the other groups.
        unlabelled_notes: on these.
        checked: what hand labels say of them; empty where none were given.
        remarks: which groups could not be fused and why, and what fused ones differ in.
        shared_classes: whether test videos were predicted among the target's classes alone.
        unfinished: folders of runs that were left out.
        paper: the tasks of one of the paper's tables; empty where none was asked for.
        selections: what validators choose among; empty where nothing is chosen.
        outcomes: what the choices reach.
        recommendations: which method to take, of several on an unlabelled target or where methods
            are chosen among; else empty.
        selection_notes: on the outcomes.
        left_out: methods and validators that choose nothing or are not chosen among, and why, in
            sentences.
        distances: per run; empty where they were not asked for.
        health: what looked wrong in training.
        settings: in which the groups differ, and those that they share.
        provenance: where the runs come from; None where it was not asked for.
        files: the feature files that the runs were made with.
    """

    groups: tuple[Group, ...]
    fused: tuple[Group, ...] = ()
    results: tuple[Result, ...] = ()
    notes: tuple[str, ...] = ()
    zero_shot: tuple[ZeroShot, ...] = ()
    unlabelled: tuple[Unlabelled, ...] = ()
    unlabelled_notes: tuple[str, ...] = ()
    checked: tuple[Checked, ...] = ()
    remarks: tuple[str, ...] = ()
    shared_classes: bool = False
    unfinished: tuple[Path, ...] = ()
    paper: tuple[TaskTable, ...] = ()
    selections: tuple[Selection, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    recommendations: tuple[Recommendation, ...] = ()
    selection_notes: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    distances: tuple[RunDistances, ...] = ()
    health: Health = Health()
    settings: SettingsTable | None = None
    provenance: Provenance | None = None
    files: RunFiles = field(default_factory=RunFiles)

    @property
    def taken(self) -> set[Group]:
        """The groups to take, by hand labels or by what is recommended without; may be empty."""
        return taken_groups(self.checked, self.recommendations)

    @property
    def labelling(self) -> tuple[Unlabelled, ...]:
        """What labels unlabelled targets: the groups to take, or all where nothing says which."""
        taken = self.taken
        return tuple(r for r in self.unlabelled if not taken or r.group in taken)
