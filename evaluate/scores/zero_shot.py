"""Accuracy of class names as texts: no run, no training, and target labels for scoring alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ...adapt.run.data_record import Domain
from ...cache import FeatureFile, InputError
from ...cache.prompts import TextPrototypes, prototypes_path, read_prototypes, zero_shot_logits
from ..runs.files import RunFiles
from ..runs.groups import Group
from .intervals import wilson
from .metrics import accuracy, mean_class_accuracy

_MODALITY = "rgb"  # that shares a space with texts
_DOMAINS: tuple[Domain, ...] = ("source", "target")  # the source has labels of all classes


@dataclass(frozen=True, kw_only=True)
class ZeroShot:
    """What the texts reach on the test videos of a dataset.

    Args:
        transfer: ``source -> target``.
        dataset: and the task where it has a name.
        task: its name.
        modality: of the features.
        backbone: that made these.
        templates: of the texts.
        videos: labelled test videos.
        accuracy: share of them that is right.
        interval: Wilson's 95 % interval of it.
        mean_class: mean of the classes' accuracies.
    """

    transfer: str
    dataset: str
    task: str
    modality: str
    backbone: str
    templates: tuple[str, ...]
    videos: int
    accuracy: float
    interval: tuple[float, float]
    mean_class: float

    @property
    def note(self) -> str:
        """What readers must know of the numbers."""
        texts = ", ".join(f"'{template}'" for template in self.templates)
        return f"class names as {texts} by {self.backbone}; nothing was trained, no label was used"


def zero_shot_of(groups: Sequence[Group], files: RunFiles) -> tuple[list[ZeroShot], list[str]]:
    """The row of each dataset whose target or source has texts beside its features.

    Args:
        groups: with scores.
        files: feature files of their runs.

    Returns:
        the rows, and why others that have texts get none, in sentences.
    """
    first: dict[tuple[str, str, tuple[str, ...]], Group] = {}
    for group in groups:
        if group.modality == _MODALITY and group.mode == "cached features":
            data = group.record.data
            first.setdefault((group.dataset, data.target.fingerprint, group.first.test.ids), group)
    rows: list[ZeroShot] = []
    notes: list[str] = []
    for group in first.values():
        try:
            rows += _rows(group, files)
        except InputError as error:
            notes.append(f"{group.dataset}, zero_shot: {error}.")
    return rows, notes


def _rows(group: Group, files: RunFiles) -> Iterator[ZeroShot]:
    """One row, or none where there are no texts.

    Raises:
        InputError: the texts do not fit the features or the classes, or a file cannot be read.
    """
    domain = next(
        (d for d in _DOMAINS if prototypes_path(files.path(group.first, d)).exists()), None
    )
    if domain is None:
        return
    path = files.path(group.first, domain)
    prototypes, target = read_prototypes(path), files.of(group.first, "target")
    recipe = target.recipes[_MODALITY]
    if prototypes is None or not prototypes.fit(recipe):
        raise InputError(
            f"{prototypes_path(path)} is of other features than {target.path}: repeat tcon extract "
            "--prompts"
        )
    labels = group.record.data.classes_of(domain, prototypes.prompts.classes)
    if missing := set(range(len(group.classes))) - {*labels.values()}:
        name = group.classes[min(missing)]
        raise InputError(
            f"{prototypes_path(path)} has no text of {name}: repeat tcon extract --prompts"
        )
    probabilities = _probabilities(target, group.first.test.ids, prototypes, labels)  # [n, C]
    # Where test videos are predicted among the target's classes alone, these are for all methods.
    probabilities[np.isneginf(group.first.test.logits[-1])] = -1
    known = group.truth >= 0
    truth, predicted = group.truth[known], probabilities.argmax(1)[known]
    yield ZeroShot(
        transfer=group.transfer,
        dataset=group.dataset,
        task=group.task,
        modality=_MODALITY,
        backbone=recipe.backbone,
        templates=prototypes.prompts.templates,
        videos=len(truth),
        accuracy=accuracy(predicted, truth),
        interval=wilson(int((predicted == truth).sum()), len(truth)),
        mean_class=mean_class_accuracy(predicted, truth),
    )


def _probabilities(
    file: FeatureFile, ids: Sequence[str], prototypes: TextPrototypes, labels: dict[str, int]
) -> np.ndarray:
    """Of each class, the mean of a video's snippets, [n, C]; labels of one class add up.

    Args:
        file: of the features; of several views the first counts.
        ids: of the videos, [n].
        prototypes: of the labels, and maybe of others.
        labels: class of each label of the task.
    """
    rows, start = file.rows(_MODALITY), file.starts(_MODALITY)
    stop = start + file.counts(_MODALITY)
    place = {video.id: n for n, video in enumerate(file.videos)}
    columns = [n for n, label in enumerate(prototypes.prompts.classes) if label in labels]
    classes = [labels[prototypes.prompts.classes[n]] for n in columns]
    found = np.zeros((len(ids), max(classes) + 1))  # [n, C]
    for row, id_ in zip(found, ids, strict=True):
        n = place[id_]
        snippets = rows.between(start[n], stop[n])[:: rows.views]  # [s, D]
        logits = zero_shot_logits(torch.from_numpy(snippets), prototypes)[:, columns]  # [s, L]
        np.add.at(row, classes, logits.softmax(1).mean(0).numpy())
    return found
