"""What a few labels by hand say of each group of runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...cache import InputError
from ..runs.groups import Group
from ..scores.choices.recommendation import Recommendation
from ..scores.intervals import wilson
from ..scores.unlabelled import Unlabelled, require_unlabelled
from .answers import Answers, read_answers


@dataclass(frozen=True)
class Checked:
    """How many of the hand labels a group gives too, each by the mean of its seeds.

    Args:
        group: of runs.
        name: its row's.
        right: of the videos drawn at random.
        asked: how many these are.
        doubtful_right: of the doubtful ones.
        doubtful_asked: how many these are.
        unanswered: how many more were drawn at random, and got no label.
    """

    group: Group
    name: str
    right: int
    asked: int
    doubtful_right: int
    doubtful_asked: int
    unanswered: int = 0

    @property
    def accuracy(self) -> float | None:
        """Estimated on the videos drawn at random; None where there are none."""
        return self.right / self.asked if self.asked else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Wilson's, 95 %: a systematic sample is mostly a little more exact."""
        return wilson(self.right, self.asked) if self.asked else None


def check_groups(results: Sequence[Unlabelled], path: Path) -> list[Checked]:
    """Compare the labels of groups with those in a csv.

    Args:
        results: of groups.
        path: of the csv, as `read_answers` takes it.

    Raises:
        InputError: the csv cannot be used, the target has labels of its own, or the groups have
            several sets of classes or test videos.
    """
    require_unlabelled(results)
    first = results[0].group

    def alike(group: Group) -> bool:
        return group.classes == first.classes and group.first.test.ids == first.first.test.ids

    if not all(alike(result.group) for result in results):
        raise InputError(
            "the runs have several sets of classes or test videos: name those of one target, so "
            "that hand labels (hand_labels=, --labels) are of all of them"
        )
    answers = read_answers(path, videos=set(first.first.test.ids), classes=first.classes)
    return [_check(result, answers) for result in results]


def _check(result: Unlabelled, answers: Answers) -> Checked:
    given = {label.video: label.label for label in result.labels}

    def right(known: Mapping[str, str | None]) -> int:
        return sum(given[id_] == label for id_, label in known.items())

    return Checked(
        group=result.group,
        name=result.name,
        right=right(answers.at_random),
        asked=len(answers.at_random),
        doubtful_right=right(answers.doubtful),
        doubtful_asked=len(answers.doubtful),
        unanswered=answers.unanswered,
    )


def taken_groups(
    checked: Sequence[Checked], recommendations: Sequence[Recommendation]
) -> set[Group]:
    """The groups to take: what hand labels say comes before what is recommended without them, which
    decides where they tie; empty where neither says anything."""
    recommended = {one.group for one in recommendations}
    winners = {one.group for one in best(checked)} if checked else set()
    return winners & recommended or winners or recommended


def best(checked: Sequence[Checked]) -> list[Checked]:
    """The groups that are right most often on the videos drawn at random; of these, on the doubtful
    ones. Several where they tie in both.

    The two are not added up: the doubtful videos are those of one group, which is wrong on more of
    them than an equally accurate group is.
    """

    def right(one: Checked) -> tuple[int, int]:
        return one.right, one.doubtful_right

    most = max(map(right, checked))
    return [one for one in checked if right(one) == most]
