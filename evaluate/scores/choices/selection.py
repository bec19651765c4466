"""Choose an epoch, or among groups of runs, without target labels."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter

import numpy as np

from ....cache import InputError
from ....cache.errors import unknown
from ...runs.groups import Group
from ...runs.read import Run
from ...runs.settings import Value, settings_of
from ...runs.truth import TrueClasses
from ..metrics import accuracy
from .validators import VALIDATORS, Validator, highest

_NO_SETTING = ("method", "modality", "plugins")


@dataclass(frozen=True, eq=False)
class Candidate:
    """A candidate: an epoch of a run, or the runs of one method or with one value of a setting.

    Args:
        value: of the setting, the step of the evaluation, or the name of the method's row.
        runs: with this value, one per seed.
        epochs: the index of each run's evaluation that counts.
    """

    value: Value
    runs: tuple[Run, ...]
    epochs: tuple[int, ...]


@dataclass(frozen=True, eq=False, repr=False)
class Selection:
    """Candidates that differ in one thing only, and their scores.

    Args:
        groups: that the candidates come from.
        key: what they differ in: "step", "method" or a setting.
        candidates: M of them, of equal seeds: by rising value, of methods with source_only last.
        scores: of each validator [M], the mean over seeds; NaN where logits are not finite.
        left_out: per validator that has no scores, why.
        accuracy: on the target's test videos, [M], the mean over seeds; None where unlabelled.
        dropped_seeds: that not every candidate has, so that none is scored with them.
    """

    groups: tuple[Group, ...]
    key: str
    candidates: tuple[Candidate, ...]
    scores: dict[str, np.ndarray]
    left_out: dict[str, str]
    accuracy: np.ndarray | None
    dropped_seeds: tuple[int, ...]

    def __repr__(self) -> str:
        return f"<Selection among {len(self.candidates)} values of {self.key}, {self.group.label}>"

    @property
    def group(self) -> Group:
        """The first of the groups."""
        return self.groups[0]

    def chosen(self, validator: str) -> Candidate:
        """The candidate that a validator chooses."""
        return self.candidates[self.best(validator)[0]]

    def best(self, validator: str) -> tuple[int, int]:
        """Index of the candidate that a validator chooses, and how many have its score."""
        return VALIDATORS[validator].best(self.scores[validator])

    def tied(self, validator: str) -> list[Candidate]:
        """The other candidates with the score of the chosen one, the last of them first."""
        rising = VALIDATORS[validator].all_best(self.scores[validator])
        return [self.candidates[m] for m in reversed(rising[:-1])]

    @property
    def oracle(self) -> Candidate:
        """The candidate of the highest test accuracy: not a result, chosen by target labels.

        Raises:
            ValueError: the target has no labels.
        """
        if self.accuracy is None:
            raise ValueError("the target has no labels")
        return self.candidates[highest(self.accuracy)[-1]]


def select_epochs(
    groups: Sequence[Group], source: TrueClasses, validators: Collection[str] = tuple(VALIDATORS)
) -> list[Selection]:
    """Within each run, score its evaluation epochs.

    Args:
        groups: of runs.
        source: the source's true classes.
        validators: to score by.

    Raises:
        InputError: a run whose logits are not finite at any epoch.
    """
    return [
        _selection([group], "step", _epochs(run), source=source, validators=validators)
        for group in groups
        for run in group.runs
    ]


def select_setting(groups: Sequence[Group], key: str, source: TrueClasses) -> list[Selection]:
    """Among groups that differ in one setting alone, score its values at the last epoch.

    Args:
        groups: of runs.
        key: "segments" or a key of ``--set``.
        source: the source's true classes.

    Raises:
        InputError: no such key, no groups that differ in it alone, no seed that they share, or
            logits that are not finite for any value.
    """
    settings = [settings_of(group.first) for group in groups]
    known = {k for s in settings for k in s if k not in _NO_SETTING and not k.startswith("data.")}
    if key not in known:
        raise unknown("setting", key, ["epoch", "method", "segments", *sorted(known)])
    alike: dict[Hashable, list[tuple[Value, Group]]] = {}  # all but the key
    for group, setting in zip(groups, settings, strict=True):
        if key in setting:
            value = setting.pop(key)
            others = tuple(sorted(setting.items(), key=itemgetter(0)))
            alike.setdefault(others, []).append((value, group))
    contests = [members for members in alike.values() if len(members) > 1]
    if not contests:
        raise InputError(
            f"there are no runs that differ in {key} alone: make some with tcon adapt, each value "
            "in an output folder of its own"
        )
    # None, then numbers, then names: values of one setting need not have one type.
    for members in contests:
        members.sort(key=lambda m: (m[0] is not None, isinstance(m[0], str), m[0]))
    return [select_among(key, members, source) for members in contests]


def select_among(
    key: str,
    members: Sequence[tuple[Value, Group]],
    source: TrueClasses,
    validators: Collection[str] = tuple(VALIDATORS),
) -> Selection:
    """Score groups at the last epoch, on the seeds that all of them have.

    Args:
        key: what they differ in.
        members: each group after what it is called; a tie goes to the last of them.
        source: the source's true classes.
        validators: to score by.

    Raises:
        InputError: no seed that they share, or logits that are not finite for any group.
    """
    seeds = [{run.seed for run in group.runs} for _, group in members]
    shared = set.intersection(*seeds)
    if not shared:
        raise InputError(
            f"the runs in {members[0][1].first.path.parent} and those with another {key} have no "
            "seed in common: repeat tcon adapt with equal --seeds"
        )
    candidates = []
    for value, group in members:
        runs = tuple(run for run in group.runs if run.seed in shared)
        candidates.append(Candidate(value, runs, (-1,) * len(runs)))
    dropped = tuple(sorted(set.union(*seeds) - shared))
    groups = [group for _, group in members]
    return _selection(
        groups, key, candidates, source=source, validators=validators, dropped_seeds=dropped
    )


def _epochs(run: Run) -> list[Candidate]:
    return [Candidate(step, (run,), (epoch,)) for epoch, step in enumerate(run.steps)]


def _selection(
    groups: Sequence[Group],
    key: str,
    candidates: Sequence[Candidate],
    *,
    source: TrueClasses,
    validators: Collection[str] = tuple(VALIDATORS),
    dropped_seeds: tuple[int, ...] = (),
) -> Selection:
    first, scores, left_out = candidates[0].runs[0], {}, {}
    for name in validators:
        validator, truth = VALIDATORS[name], None
        if validator.reads == "source_val":
            try:
                truth = _source_truth(first, source)
            except InputError as error:
                left_out[name] = str(error)
                continue
        scores[name] = _scores(validator, candidates, truth)
        if np.isnan(scores[name]).all():
            raise InputError(
                f"no candidate of {first.path} has finite logits of {validator.reads}: "
                "lower train.lr"
            )
    return Selection(
        groups=tuple(groups),
        key=key,
        candidates=tuple(candidates),
        scores=scores,
        left_out=left_out,
        accuracy=_accuracies(candidates, groups[0].truth),
        dropped_seeds=dropped_seeds,
    )


def _source_truth(run: Run, source: TrueClasses) -> np.ndarray:
    if "source_val" not in run.predictions:
        raise InputError(f"no videos of {run.record.data.source.path} were kept for validation")
    return source.of(run, run.predictions["source_val"])


def _scores(
    validator: Validator, candidates: Sequence[Candidate], truth: np.ndarray | None
) -> np.ndarray:
    """[M]; all runs are scored together, then averaged over seeds."""
    logits = np.stack(
        [run.predictions[validator.reads].logits[e] for run, e in _members(candidates)]
    )  # [M S, n, C]
    finite = np.isfinite(logits).all((1, 2))
    scores = np.full(len(logits), np.nan)
    if finite.any():
        scores[finite] = validator.score(logits[finite], truth)
    return scores.reshape(len(candidates), -1).mean(1)


def _accuracies(candidates: Sequence[Candidate], truth: np.ndarray) -> np.ndarray | None:
    known = truth >= 0
    if not known.any():
        return None
    right = [
        accuracy(run.test.logits[epoch].argmax(1)[known], truth[known])
        for run, epoch in _members(candidates)
    ]
    return np.reshape(right, (len(candidates), -1)).mean(1)


def _members(candidates: Sequence[Candidate]) -> Iterator[tuple[Run, int]]:
    """Each run of each candidate, and its epoch."""
    for candidate in candidates:
        yield from zip(candidate.runs, candidate.epochs, strict=True)
