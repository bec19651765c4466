"""Where runs come from: their feature files, versions, and the commands that repeat them."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version

from ... import __version__
from ...adapt.inference.feature_files import Domain
from ...adapt.tasks.task import SHARED, read_task, shipped_tasks
from ...cache import FeatureFile, InputError
from .groups import Group
from .read import Run

_PACKAGES = ("torch", "numpy", "scipy", "scikit-learn", "h5py", "av", "matplotlib")
_DOMAINS: tuple[Domain, ...] = ("source", "target")


@dataclass(frozen=True)
class FeatureOrigin:
    """A feature file that runs were made with.

    Args:
        domain: whose videos it holds.
        path: where the runs found it.
        fingerprint: of the runs' videos, their features, and the source's labels.
        made: how its features were made, as names and values.
        problem: why that is not known in full; else empty.
    """

    domain: Domain
    path: str
    fingerprint: str
    made: tuple[tuple[str, str], ...] = field(repr=False)
    problem: str


@dataclass(frozen=True)
class TaskFile:
    """A task of the user's own, as ``tcon adapt --task`` reads it.

    Args:
        name: of the task.
        rows: class, source labels and target labels, joined by ``|``, and class index.
    """

    name: str
    rows: tuple[tuple[str, str, str, int], ...]


@dataclass(frozen=True, repr=False)
class Provenance:
    """Where all runs of a comparison come from.

    Args:
        files: the feature files.
        tasks: that do not ship.
        made_by: versions of this tool that made the runs.
        evaluated_by: versions of this tool and of the packages that it uses.
        commands: words of the commands that made the runs, each command once.
        unrecorded: folders of runs that do not say by which command they were made.
    """

    files: tuple[FeatureOrigin, ...]
    tasks: tuple[TaskFile, ...]
    made_by: tuple[str, ...]
    evaluated_by: tuple[tuple[str, str], ...]
    commands: tuple[tuple[str, ...], ...]
    unrecorded: tuple[str, ...]

    def __repr__(self) -> str:
        return f"<Provenance: {len(self.files)} feature files, {len(self.commands)} commands>"


def provenance_of(
    groups: Sequence[Group], file_of: Callable[[Run, Domain], FeatureFile]
) -> Provenance:
    """Where runs come from.

    Args:
        groups: of runs, none of them fused.
        file_of: finds and checks a feature file; its `InputError` is recorded.
    """
    files: dict[tuple[Domain, str], FeatureOrigin] = {}
    tasks: dict[TaskFile, None] = {}
    for group in groups:
        for domain in _DOMAINS:
            key = domain, group.record.data.domain(domain).path
            if key not in files:
                files[key] = _origin(group.first, domain, file_of)
        if task := _task_file(group.first):
            tasks[task] = None
    runs = [run for group in groups for run in group.runs]
    without_command = [run.path.parent for run in runs if not run.record.command]
    return Provenance(
        files=tuple(files.values()),
        tasks=tuple(tasks),
        made_by=tuple(
            dict.fromkeys(run.record.tool_version or "of an unknown version" for run in runs)
        ),
        evaluated_by=tuple(_versions()),
        commands=tuple(dict.fromkeys(run.record.command for run in runs if run.record.command)),
        unrecorded=tuple(dict.fromkeys(map(str, without_command))),
    )


def _origin(
    run: Run, domain: Domain, file_of: Callable[[Run, Domain], FeatureFile]
) -> FeatureOrigin:
    data = run.record.data
    found = data.domain(domain)
    made: tuple[tuple[str, str], ...]
    try:
        file = file_of(run, domain)
    except InputError as error:
        made, problem = (("backbone", data.backbone), ("weights", data.weights)), str(error)
    else:
        made, problem = (("file", str(file.path)), *_rows(file)), ""
    return FeatureOrigin(domain, found.path, found.fingerprint, made, problem)


def _rows(file: FeatureFile) -> list[tuple[str, str]]:
    return [
        (f"{modality}: {name}", value)
        for modality, recipe in file.recipes.items()
        for name, value in recipe.rows()
    ]


def _task_file(run: Run) -> TaskFile | None:
    """None where the task is the classes that both files share, or one that ships."""
    data = run.record.data
    if data.task == SHARED:
        return None
    source, target = data.source.labels or {}, data.target.labels or {}
    for name in shipped_tasks():
        task = read_task(name)
        if (task.name, task.classes) == (data.task, data.classes) and (
            (task.source, task.target) == (source, target)
        ):
            return None

    def labels(index: int, of: Mapping[str, int]) -> str:
        return "|".join(label for label, n in of.items() if n == index)

    rows = ((c, labels(n, source), labels(n, target), n) for n, c in enumerate(data.classes))
    return TaskFile(data.task, tuple(rows))


def _versions() -> list[tuple[str, str]]:
    found = [("tcon", __version__), ("Python", platform.python_version())]
    for name in _PACKAGES:
        try:
            found.append((name, version(name)))
        except PackageNotFoundError:
            continue
    return found
