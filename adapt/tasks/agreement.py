"""How the labels of two files agree with the classes of a task: what was matched, what is left."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from ...cache.common.counts import counted
from ...cache.errors import visible
from .task import SHARED, Side, Task, fitting_tasks, near_labels, some

_SHOWN = 20  # labels


@dataclass(frozen=True)
class Agreement:
    """What the labels of both domains' files are taken for.

    Args:
        taken: per domain, the class of each label that neither a csv names for it nor the class
            itself is called.
        left_out: per domain, the videos of each label of no class, most first; unlabelled videos
            are not among them.
    """

    taken: Mapping[Side, Mapping[str, str]]
    left_out: Mapping[Side, Mapping[str, int]]

    def notes(self, *, all_targets: bool = False) -> list[str]:
        """Both, in sentences.

        Args:
            all_targets: whether target videos of no class are adapted on all the same.
        """
        said = []
        for side, taken in self.taken.items():
            if taken:
                said.append(f"The {side}'s {taken_note(taken)}.")
        for side, videos in self.left_out.items():
            if not videos:
                continue
            how = "Adapted on, but of no class" if side == "target" and all_targets else "Left out"
            said.append(
                f"{how}: {counted(sum(videos.values()), f'{side} video')} of "
                f"{counted(len(videos), 'label')} that "
                f"{'is' if len(videos) == 1 else 'are'} no class: {label_counts(videos)}."
            )
        return said

    def warnings(self, *, exact: bool) -> list[str]:
        """Labels left out of both files that may be the same, where the files share classes.

        Args:
            exact: whether similar labels are meant to be different classes.
        """
        source, target = self.left_out["source"], self.left_out["target"]
        near = {} if exact else near_labels(source, target)
        said = [
            f"the source's label {label} is left out, and so is the target's {other}: if they are "
            "one class, map them by --task FILE.csv"
            for label, other in near.items()
        ]
        for name, shared in list(fitting_tasks(source, target, more_than=1).items())[:1]:
            said.append(f"{shared} labels that are left out are classes of --task {name}")
        return said


def agreement(
    task: Task, listed: Task, source: Mapping[str, int], target: Mapping[str, int]
) -> Agreement:
    """Compare files with a task.

    Args:
        task: of these files (`Task.of_files`).
        listed: the same as the csv has it, or the classes that the files share.
        source, target: videos of each label in the files; those of "" are unlabelled.
    """
    files: dict[Side, Mapping[str, int]] = {"source": source, "target": target}
    taken: dict[Side, dict[str, str]] = {}
    left_out: dict[Side, dict[str, int]] = {}
    for side, videos in files.items():
        index = getattr(task, side)
        taken[side] = taken_labels(listed, side, {n: index[n] for n in videos if n in index})
        others = {label: n for label, n in videos.items() if label and label not in index}
        left_out[side] = dict(Counter(others).most_common())
    return Agreement(taken, left_out)


def taken_labels(listed: Task, side: Side, index: Mapping[str, int]) -> dict[str, str]:
    """The class of each label that neither a csv names for it nor the class itself is called.

    Args:
        listed: as the csv has it, or the classes that files share.
        side: of the task.
        index: class index of labels.
    """
    named = {label: listed.classes[n] for label, n in sorted(index.items())}
    if listed.name == SHARED:
        return {label: name for label, name in named.items() if label != name}
    return {label: name for label, name in named.items() if label not in getattr(listed, side)}


def taken_note(taken: Mapping[str, str]) -> str:
    """Which labels are taken for which classes, without a subject."""
    pairs = some([_pair(label, name) for label, name in taken.items()], _SHOWN)
    if len(taken) == 1:
        return f"label {pairs} is taken for a class of the task"
    return f"labels {pairs} are taken for the task's classes"


def label_counts(videos: Mapping[str, int], shown: int = _SHOWN) -> str:
    """``run (4 videos), sit (1 video)``, with how many more labels there are."""
    return some([f"{visible(label)} ({counted(n, 'video')})" for label, n in videos.items()], shown)


def _pair(label: str, name: str) -> str:
    """``'run ' (Run)``; the letters' codes where the two look the same."""
    if label == name:
        return visible(label)
    alike = unicodedata.normalize("NFC", label) == unicodedata.normalize("NFC", name)
    return f"{ascii(label) if alike else repr(label)} ({visible(name)})"
