"""Each seed, each class and the confusions of a result: ``tcon eval --details``."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..scores.results import Result
from .cells import named
from .layout import Block, Heading, Table, Text, clips, percent, points

_SHOWN_CLASSES = 12  # a confusion matrix of more is too wide to print
_SHOWN_CONFUSIONS = 15


def details_blocks(results: Sequence[Result]) -> list[Block]:
    """Three tables for each result: seeds, classes, confusions."""
    blocks: list[Block] = []
    for result in results:
        group = result.group
        title = f"{group.dataset}: {result.name}, {group.modality}, K = {group.segments}"
        blocks += [Heading(title), seed_table(result), class_table(result)]
        blocks += confusion_blocks(result)
    return blocks


def seed_table(result: Result) -> Table:
    """A row per seed."""
    scores, epochs, comparison = result.scores, result.epochs, result.comparison
    head = ["seed", "last epoch", "mean-class", "label-free", "(oracle best)"]
    if comparison:
        head += [f"vs {comparison.baseline.label}", "won", "lost", "McNemar p"]
    rows = []
    for n, seed in enumerate(result.group.seeds):
        cells = [str(seed), percent(scores.accuracy[n]), percent(scores.mean_class[n]), ""]
        if epochs.label_free is not None and epochs.label_free_steps is not None:
            cells[-1] = f"{percent(epochs.label_free[n])} (step {epochs.label_free_steps[n]})"
        cells.append(f"({percent(epochs.oracle[n])}, step {epochs.oracle_steps[n]})")
        if comparison and seed in comparison.seeds:
            s = comparison.seeds.index(seed)
            test = comparison.tests[s]
            cells += [points(comparison.differences[s]), str(test.gained), str(test.lost)]
            cells.append(f"{test.p:.2g}")
        rows.append(cells + [""] * (len(head) - len(cells)))
    return Table(head, rows)


def class_table(result: Result) -> Table:
    """A row per class; of a class without test videos there is nothing to say."""
    comparison, videos = result.comparison, result.class_videos
    head = ["class", "videos", "accuracy"]
    if comparison:
        head += [f"vs {comparison.baseline.label}", "in clips"]
    rows = []
    for c, name in enumerate(result.group.classes):
        cells = [named(name), str(videos[c]), percent(result.class_accuracy[c])]
        if comparison:
            change = comparison.class_differences[c]
            cells += [points(change), clips(change * videos[c]) if videos[c] else ""]
        rows.append(cells)
    return Table(head, rows)


def confusion_blocks(result: Result) -> list[Block]:
    """The matrix of few classes, the most frequent mistakes of many."""
    counts, classes = result.confusion, [named(name) for name in result.group.classes]
    over = f"summed over {len(result.group.runs)} seeds" if len(result.group.runs) > 1 else "counts"
    if len(classes) <= _SHOWN_CLASSES:
        head = ["true \\ predicted", *map(str, range(len(classes)))]
        rows = [[f"{c} {classes[c]}", *map(str, row)] for c, row in enumerate(counts)]
        shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)  # of each true class
        shades = [[0.0, *row] for row in shares.tolist()]
        return [Text(f"Confusion matrix, {over}:"), Table(head, rows, shades)]
    wrong = counts.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:_SHOWN_CONFUSIONS]
    pairs = [np.unravel_index(n, wrong.shape) for n in order]
    rows = [[classes[t], classes[p], str(wrong[t, p])] for t, p in pairs if wrong[t, p]]
    return [
        Text(f"Most frequent confusions, {over}; --json has all:"),
        Table(["true", "predicted", "videos"], rows),
    ]
