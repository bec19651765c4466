"""Accuracies over seeds, and the comparison with the baseline."""

from __future__ import annotations

from collections.abc import Sequence

from ..scores.choices.validators import DEFAULT
from ..scores.paired import Comparison
from ..scores.results import Result
from ..scores.zero_shot import ZeroShot
from .layout import Block, Heading, Table, Text, clips, mean_std, percent, points

_HOW = f"""\
Accuracy in percent on the target's test videos, mean ± std over seeds. last epoch: no epoch was
chosen by target labels; 95 % is its interval (Wilson's for one seed, or where every seed gets all
or none of the videos right; else bootstrap over videos and seeds), mean-class the mean of the
classes' accuracies. label-free: at the epoch that {DEFAULT} chooses without target labels. (oracle
best): at the epoch of the highest test accuracy, which target labels chose: not a result."""
_HOW_COMPARED = """\
vs: difference of the last epochs' accuracies on the same videos, paired by seed, in points and in
videos (mean over seeds). 95 %: bootstrap over videos and seeds. McNemar: exact, each seed alone."""


def accuracy_blocks(results: Sequence[Result], zero_shot: Sequence[ZeroShot] = ()) -> list[Block]:
    """For each dataset its accuracies and the comparison with the baseline; then how to read them.

    Args:
        results: at least one.
        zero_shot: of their datasets.
    """
    datasets: dict[str, list[Result]] = {}
    for result in results:
        datasets.setdefault(result.group.dataset, []).append(result)
    blocks: list[Block] = []
    for dataset, members in datasets.items():
        counts = dict.fromkeys(str(result.scores.videos) for result in members)
        videos = "test video" if [*counts] == ["1"] else "test videos"
        blocks.append(Heading(f"{dataset}: {' or '.join(counts)} {videos}"))
        texts = [one for one in zero_shot if one.dataset == dataset]
        blocks.append(accuracy_table(members, texts))
        blocks += [Text(f"zero_shot: {one.note}.") for one in texts]
        if any(result.comparison for result in members):
            blocks.append(comparison_table(members))
    blocks.append(Text(_HOW))
    if any(result.comparison for result in results):
        blocks.append(Text(_HOW_COMPARED))
    return blocks


def accuracy_table(results: Sequence[Result], zero_shot: Sequence[ZeroShot] = ()) -> Table:
    """A row per group, and one for texts."""
    head = ["method", "input", "K", "seeds", "last epoch", "95 %", "mean-class", "label-free"]
    rows = []
    for result in results:
        scores, epochs = result.scores, result.epochs
        rows.append(
            [
                *_sizes(result),
                str(len(result.group.runs)),
                mean_std(scores.accuracy),
                f"{percent(scores.interval[0])} - {percent(scores.interval[1])}",
                mean_std(scores.mean_class),
                "" if epochs.label_free is None else mean_std(epochs.label_free),
                f"({mean_std(epochs.oracle)})",
            ]
        )
    for one in zero_shot:
        low, high = (percent(bound) for bound in one.interval)
        texts = [percent(one.accuracy), f"{low} - {high}", percent(one.mean_class)]
        rows.append(["zero_shot", one.modality, "", "", *texts, "", ""])
    return Table([*head, "(oracle best)"], rows)


def comparison_table(results: Sequence[Result]) -> Table:
    """A row per group that is compared with the baseline."""
    rows: list[list[str]] = []
    names: set[str] = set()
    for result in results:
        if (comparison := result.comparison) is None:
            continue
        names.add(comparison.baseline.label)
        low, high = comparison.interval
        rows.append(
            [
                *_sizes(result),
                f"{points(comparison.difference)} = {clips(comparison.clips)} of "
                f"{comparison.videos} clips",
                f"{points(low)} to {points(high)}",
                p_values(comparison),
            ]
        )
    [name] = names
    return Table(["method", "input", "K", f"vs {name}", "95 %", "McNemar p"], rows)


def p_values(comparison: Comparison) -> str:
    """Of one seed, or the smallest and the largest of several."""
    values = sorted(test.p for test in comparison.tests)
    return " to ".join(dict.fromkeys(f"{p:.2g}" for p in (values[0], values[-1])))


def _sizes(result: Result) -> list[str]:
    return [result.name, result.group.modality, result.group.segments]
