"""Two feature files beside a task: which videos they have, and how many are known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ...cache import FeatureFile, InputError
from .counts import DomainCount, Side, count_domain
from .names import plain_name
from .task import Task, read_task, shared_classes, shipped_tasks


@dataclass(frozen=True)
class FileComparison:
    """What two feature files have of a task.

    Args:
        task: the task; of the class names that both files share if none was given.
        files, counts: of each domain.
        fitting: shipped tasks all of whose labels the files have, where no task was given.
    """

    task: Task
    files: Mapping[Side, FeatureFile]
    counts: Mapping[Side, DomainCount]
    fitting: tuple[str, ...] = ()

    @property
    def differs(self) -> bool:
        """Whether something is missing, moved or more than is known."""
        return any(count.differs for count in self.counts.values())


def compare_files(
    path: str | Path | None, source: Path, target: Path, *, exact_labels: bool = False
) -> FileComparison:
    """Count both files' videos per class and split.

    Args:
        path: a csv or a shipped task's name; None for the class names that both files share.
        source, target: feature files.
        exact_labels: labels name classes as they are written.

    Raises:
        InputError: a file cannot be read, the task is wrong, or no class is shared.
    """
    files: dict[Side, FeatureFile] = {"source": FeatureFile(source), "target": FeatureFile(target)}
    fitting: list[str] = []
    if path:
        task = read_task(path)
    else:
        labels = [{video.label for video in file.videos} for file in files.values()]
        fitting = [name for name in shipped_tasks() if _fits(read_task(name), *labels)]
        try:
            task = shared_classes(*labels, exact=exact_labels)
        except InputError as error:
            if not fitting:
                raise
            fits = ", ".join(fitting)
            raise InputError(f"The files have all labels of {fits}. But {error}") from None
    counts = {
        side: count_domain(task, side, file.videos, exact_labels=exact_labels)
        for side, file in files.items()
    }
    return FileComparison(task, files, counts, tuple(fitting))


def _fits(task: Task, source_labels: set[str], target_labels: set[str]) -> bool:
    sides = ((task.source, source_labels), (task.target, target_labels))
    return all({*map(plain_name, own)} <= {*map(plain_name, labels)} for own, labels in sides)
