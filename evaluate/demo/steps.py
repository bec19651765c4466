"""The steps of the demo: what is made, trained and scored, without a word about it."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ...adapt.config.runs import RunConfig, make_runs
from ...cache import InputError
from ...cache.common.files.writing import write_errors, write_whole
from ...cache.common.records import from_json, to_data, to_json
from ...extract.lists.videos import read_videos
from ...extract.synthetic import World, write_pair
from ..evaluation import Evaluation, evaluate

_WORLD = "world.json"  # in the clips' folder
SEGMENTS = 4
SNIPPETS = 8  # of each clip
# Shorter runs and smaller batches than the defaults: quick on two CPU cores.
_TRAIN = ("train.epochs=1", "train.batch_size=32")
STEPS: Mapping[str, int] = {"task": 300, "control": 200}
# Folder of the runs, methods and settings: what the source alone gives, before the target's
# statistics and videos are used.
_STAGES = (
    ("as_extracted", ("source_only",), ("train.normalise=none",)),
    ("standardised", ("source_only", "tcon", "tcon+"), ()),
)


@dataclass(frozen=True)
class Clips:
    """The synthetic clips.

    Args:
        folder: that holds them.
        domains: list of each domain's clips, by "source" and "target".
        tasks: csv of each task's classes, by its title.
        count: of the clips of both domains.
    """

    folder: Path
    domains: Mapping[str, Path]
    tasks: Mapping[str, Path]
    count: int

    @property
    def one_per_class(self) -> dict[str, list[Path]]:
        """The first clip of each class, in both domains."""
        rows: dict[str, list[Path]] = {}
        for path in self.domains.values():
            first: dict[str, Path] = {}
            with path.open(newline="") as file:
                for row in csv.DictReader(file):
                    first.setdefault(row["label"], path.parent / row["path"])
            for label, video in first.items():
                rows.setdefault(label, []).append(video)
        return rows


@dataclass(frozen=True, eq=False)
class MethodAccuracy:
    """The target accuracy of one method.

    Args:
        label: its name, and whether features were standardised.
        accuracy: of each seed, [seeds].
        interval: 95 % interval of the mean.
    """

    label: str
    accuracy: np.ndarray = field(repr=False)
    interval: tuple[float, float]


@dataclass(frozen=True)
class TaskAccuracies:
    """The accuracies of all methods on a task, and ``chance``, that of guessing."""

    methods: Sequence[MethodAccuracy]
    chance: float


def make_clips(output: Path, *, world: World, on_progress: Callable[[int, int], None]) -> Clips:
    """Draw and encode the clips of two domains, anew each time.

    Args:
        output: folder of the demo.
        world: what the clips are like.
        on_progress: called with the clips done and those in all.

    Raises:
        InputError: the folder holds the demo of another world, or is unwritable.
    """
    folder = output / "clips"
    with write_errors(output):
        _require_same_world(output, folder / _WORLD, world)
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / _WORLD, to_json(world, indent=2).encode())
        pair = write_pair(folder, world=world, progress=on_progress)
    domains = {"source": pair.source_list, "target": pair.target_list}
    tasks = {"actions": pair.task, "order only (control)": pair.control}
    count = sum(1 for path in domains.values() for _ in read_videos(path))
    return Clips(folder, domains, tasks, count)


def _require_same_world(output: Path, recorded: Path, world: World) -> None:
    """Refuse clips and features of another world: they would be kept as if they were of this one.
    A demo that was stopped before its first clip has neither."""
    features = [output / f"{name}.h5" for name in ("source", "target")]
    clips = (p for name in ("source", "target") for p in (recorded.parent / name).rglob("*.*"))
    if not any(path.exists() for path in features) and not any(clips):
        return
    try:
        there = to_data(from_json(World, recorded.read_bytes()))
    except FileNotFoundError:
        differ = "their world is not recorded"
    except ValueError as error:
        differ = f"{recorded} is damaged or of another version: {error}"
    else:
        differ = ", ".join(
            f"{name} was {there[name]}, not {value}"
            for name, value in to_data(world).items()
            if value != there[name]
        )
    if differ:
        raise InputError(
            f"{output} holds the demo of other clips ({differ}): name another folder by --output, "
            "or delete it"
        )


def demo_runs(*, seeds: int, steps: int) -> dict[str, list[RunConfig]]:
    """The runs on a task, by the name of the folder that they go to."""
    train = (*_TRAIN, f"train.min_steps={steps}")
    return {
        stage: make_runs(methods, (*train, *settings), segments=SEGMENTS, seeds=seeds, fast=True)
        for stage, methods, settings in _STAGES
    }


def score(folder: Path) -> Evaluation:
    """The finished runs in a folder, evaluated."""
    return evaluate(folder, provenance=False)


def accuracies(evaluation: Evaluation) -> TaskAccuracies:
    """What the picture of the results shows of a task."""
    methods = []
    for result in evaluation.results:
        group, scores = result.group, result.scores
        label = f"{group.label}\n{'as extracted' if group.normalise == 'none' else 'standardised'}"
        methods.append(MethodAccuracy(label, scores.accuracy, scores.interval))
    return TaskAccuracies(methods, 1 / len(evaluation.groups[0].classes))


def missing_package(error: ImportError) -> InputError:
    """The error for a package of the demo that is not installed."""
    return InputError(f"the demo needs the package {error.name}: pip install 'tcon[demo]'")
