"""How many videos a task's domains have per class and split, and whether a file holds them."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from ...cache import Video
from ...cache.errors import unknown
from ...cache.schema import SPLITS
from .agreement import taken_labels, taken_note
from .task import VERIFIED, Side, Task

_FILE = Path(__file__).parent / "video_counts.csv"


@dataclass(frozen=True)
class Known:
    """How many videos some labels of a dataset have.

    Args:
        videos: of each split.
        status: ``verified``, or what is not certain.
        source: where they were counted.
    """

    videos: Mapping[str, int]
    status: str
    source: str

    @property
    def verified(self) -> bool:
        return self.status == VERIFIED

    def renamed(self, names: Mapping[str, str]) -> Known:
        """The same with other names of splits; those of one name are added."""
        videos: Counter[str] = Counter()
        for split, n in self.videos.items():
            videos[names[split]] += n
        return replace(self, videos=videos)


@dataclass(frozen=True)
class ClassCount:
    """Videos of one class, or of all.

    Args:
        name: of the class.
        found: videos of each split of the file; 0 where it has none.
        known: what they should be; None where nothing is known.
    """

    name: str
    found: Mapping[str, int]
    known: Known | None

    @property
    def difference(self) -> str:
        """``"2 missing in train"``, where nothing is known ``"none in train"``; empty if equal."""
        if self.known is None:
            return ", ".join(
                f"none in {split}" for split, n in self.found.items() if split and not n
            )
        excess = Counter(self.found)
        excess.subtract(self.known.videos)
        off = {split: excess[split] for split in SPLITS if excess[split]}
        if len(off) == 2 and sum(off.values()) == 0:
            to, origin = sorted(off, key=off.__getitem__, reverse=True)
            return f"{off[to]} moved from {origin or 'no split'} to {to or 'no split'}"
        return ", ".join(
            f"{abs(n)} {'more' if n > 0 else 'missing'}{f' in {split}' if split else ''}"
            for split, n in off.items()
        )

    @property
    def wrong(self) -> bool:
        """Whether it differs, and not just from an unverified number."""
        return bool(self.difference) and (self.known is None or self.known.verified)


@dataclass(frozen=True)
class DomainCount:
    """One domain's videos beside what is known of its dataset.

    Args:
        classes: those with a label in this domain; empty if no target video is labelled.
        total: of all of them and, in the target, of unlabelled videos.
        lost: labels of the task that no video has, nor another for their class.
        others: videos of each label that the task does not have in this domain.
        unlabelled: videos without a label.
        remarks: on the dataset and its splits.
        differs: whether a label or the splits are missing, or a class or the total is wrong.
    """

    classes: tuple[ClassCount, ...]
    total: ClassCount
    lost: tuple[str, ...]
    others: Mapping[str, int]
    unlabelled: int
    remarks: tuple[str, ...]
    differs: bool


def known_count(dataset: str, labels: Collection[str]) -> Known | None:
    """Videos that have one of the labels; None where they are not known.

    Args:
        dataset: as ``data/video_counts.csv`` names it.
        labels: of the dataset.
    """
    table = _known()
    if whole := table.get((dataset, frozenset(labels))):
        return whole
    each = [known for label in labels if (known := table.get((dataset, frozenset({label}))))]
    if not each or len(each) < len(labels):
        return None
    videos: Counter[str] = Counter()
    for known in each:
        videos.update(known.videos)
    least = next((known for known in each if not known.verified), each[0])
    return Known(videos, least.status, least.source)


def known_total(task: Task, side: Side) -> Known | None:
    """`known_count` of all labels that the task has in a domain."""
    return known_count(dataset_of(task, side), getattr(task, side))


def dataset_of(task: Task, side: Side) -> str:
    """Whose counts are known; empty where the task does not say."""
    return task.source_dataset if side == "source" else task.target_dataset


def labels_of(task: Task, side: Side) -> dict[str, list[str]]:
    """Labels of each class in a domain; none for a class that it lacks."""
    classes: dict[str, list[str]] = {name: [] for name in task.classes}
    for label, index in getattr(task, side).items():
        classes[task.classes[index]].append(label)
    return classes


def count_domain(
    task: Task, side: Side, videos: Sequence[Video], *, exact_labels: bool = False
) -> DomainCount:
    """Count a domain's videos per class and split, beside what is known.

    Args:
        task: whose dataset and labels.
        side: of the task.
        videos: of the domain's file; it may be the other domain's too.
        exact_labels: labels name classes as they are written.
    """
    own, dataset = getattr(task, side), dataset_of(task, side)
    number = Counter((video.label, video.split) for video in videos)
    present = {video.label for video in videos}
    mine = task.labels_in(side, present, exact=exact_labels)
    taken = {label: index for label, index in mine.items() if label not in own}
    in_file = {video.split for video in videos}
    # Where no target video has a label, only all of them together can be compared.
    classes = labels_of(task, side) if present != {""} or side == "source" else {}
    known = {name: known_count(dataset, labels) for name, labels in classes.items()}
    total = known_count(dataset, own)
    official = {split for each in (*known.values(), total) if each for split in each.videos}
    names = _split_names(official, in_file)
    splits = [split for split in SPLITS if split in in_file | set(names.values())]

    def count(name: str, labels: Collection[str], known: Known | None) -> ClassCount:
        found = {split: sum(number[label, split] for label in labels) for split in splits}
        return ClassCount(name, found, known and known.renamed(names))

    unlabelled = {""} if side == "target" else set()  # training takes them for the task's
    instead = {
        name: [label for label, n in taken.items() if task.classes[n] == name] for name in classes
    }
    counts = [
        count(name, [*labels, *instead[name]], known[name])
        for name, labels in classes.items()
        if labels
    ]
    whole = count("total", mine.keys() | unlabelled, total)
    lost = tuple(
        label
        for name, labels in classes.items()
        for label in labels
        if label not in present and not instead[name]
    )
    others = Counter(video.label for video in videos if video.label not in mine)
    return DomainCount(
        classes=tuple(counts),
        total=whole,
        lost=lost,
        unlabelled=others.pop("", 0),
        others=dict(sorted(others.items())),
        remarks=tuple(
            _remarks(
                dataset,
                names,
                taken_labels(task, side, {n: i for n, i in mine.items() if n in present}),
            )
        ),
        differs=bool(lost) or "" in names.values() or any(c.wrong for c in (*counts, whole)),
    )


def _split_names(official: set[str], in_file: set[str]) -> dict[str, str]:
    """How the file names each of the official splits; "" where it has no splits at all."""
    if in_file == {""}:
        return dict.fromkeys(official, "")
    names = {split: split for split in official}
    for split, other in (("test", "val"), ("val", "test")):  # `adapt` tests on either
        if split in official and split not in in_file and other in in_file:
            names[split] = other
    return names


def _remarks(dataset: str, names: Mapping[str, str], taken: Mapping[str, str]) -> Iterator[str]:
    datasets = {name for name, _ in _known()}
    if dataset not in ("", *datasets):
        yield str(unknown("dataset with known counts", dataset, sorted(datasets)))
    if taken:
        yield f"the {taken_note(taken)}"
    if "" in names.values():
        yield "it has no splits, but the benchmark has: extract it from a list with splits"
    for split, name in names.items():
        if name not in ("", split):
            yield f"{name} is taken for the benchmark's {split}"


@cache
def _known() -> dict[tuple[str, frozenset[str]], Known]:
    """The shipped counts by dataset and labels: one, or several that were counted together."""
    with _FILE.open(newline="", encoding="utf-8") as file:
        return {
            (row["dataset"], frozenset(row["label"].split("|"))): Known(
                {split: int(row[split]) for split in SPLITS if row.get(split)},
                row["status"],
                row["source"],
            )
            for row in csv.DictReader(file)
        }
