"""What came out, in one sentence for each target."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ...cache.common.counts import counted
from ..scores.results import Result
from ..scores.unlabelled import Unlabelled
from .cells import named
from .layout import Statement, Table, percent, points

_SHOWN_CLASSES = 5


def accuracy_statements(results: Sequence[Result]) -> list[Statement]:
    """For each transfer the most accurate method, beside the baseline."""
    counts = Counter(result.group.transfer for result in results)
    return [Statement(_accuracy(r, counts[r.group.transfer])) for r in most_accurate(results)]


def most_accurate(results: Sequence[Result]) -> list[Result]:
    """One result for each transfer; none that was trained on target labels where there is
    another."""
    transfers: dict[str, list[Result]] = {}
    for result in results:
        transfers.setdefault(result.group.transfer, []).append(result)
    return [
        max(found, key=lambda r: (not r.group.reads_target_labels, r.scores.accuracy.mean()))
        for found in transfers.values()
    ]


def label_statements(results: Sequence[Unlabelled]) -> list[Statement]:
    """What each group labels the videos of its target."""
    return [Statement(_labels(result)) for result in results]


def class_count_table(result: Unlabelled) -> Table:
    """How many videos get each class, the most frequent first."""
    counts = Counter(label.label for label in result.labels)
    look = Counter(label.label for label in result.labels if label.look)
    rows = [
        [named(name), str(n), percent(n / len(result.labels)), str(look[name])]
        for name, n in counts.most_common()
    ]
    rows += [
        [named(name), "0", percent(0), "0"] for name in result.group.classes if not counts[name]
    ]
    return Table(["class", "videos", "%", "worth a look"], rows)


def _accuracy(result: Result, compared: int) -> str:
    scores, group = result.scores, result.group
    low, high = (percent(bound) for bound in scores.interval)
    best = f", the most accurate of {compared}," if compared > 1 else ""
    said = (
        f"{group.transfer}: {result.name}{best} is right on {percent(scores.accuracy.mean())} % of "
        f"{scores.videos} test videos (95 % {low} to {high})"
    )
    if comparison := result.comparison:
        low, high = (points(bound) for bound in comparison.interval)
        said += (
            f", {points(comparison.difference)} points against {comparison.baseline.label} "
            f"({low} to {high})"
        )
    return f"{said}."


def _labels(result: Unlabelled) -> str:
    group, videos = result.group, len(result.labels)
    counts = Counter(label.label for label in result.labels).most_common()
    shown = [f"{named(name)} {n}" for name, n in counts[:_SHOWN_CLASSES]]
    if len(counts) > _SHOWN_CLASSES:
        shown.append(counted(len(counts) - _SHOWN_CLASSES, "other class"))
    look = sum(label.look for label in result.labels)
    return (
        f"{group.transfer}: {result.name} labels {counted(videos, 'video')} ({', '.join(shown)}); "
        f"{look} of them {'is' if look == 1 else 'are'} worth a look."
    )
