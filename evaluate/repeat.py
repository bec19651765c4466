"""The commands that make runs again, from what their folders say."""

from __future__ import annotations

import csv
import io
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..adapt.config import MATCHED, make_runs
from ..adapt.methods import entry
from ..adapt.run_folder import flatten
from ..cache import Provenance
from ..cache.errors import InputError
from .summary import Group

_SHARED = "shared classes"  # the task's name without --task


def adapt_commands(groups: Sequence[Group]) -> list[str]:
    """One ``tcon adapt`` for all groups that differ in the method alone."""
    methods: dict[tuple[str, ...], list[str]] = {}
    settings: dict[tuple[str, ...], list[str]] = {}
    for group in groups:
        config, data = group.first.config, group.first.data
        train, own = changed_settings(config)
        words = ["--source", data["source"], "--target", data["target"]]
        if data["task"] != _SHARED:
            words += ["--task", f"{data['task']}.csv"]
        if config["modality"] != "rgb":
            words += ["--modality", config["modality"]]
        words += ["--segments", str(config["segments"])]
        words += ["--seeds", str(1 + max(run.seed for run in group.runs))]
        if config["preset"] != MATCHED:
            words += ["--preset", config["preset"]]
        if entry(group.method).method.reads_target_labels:
            words += ["--oracle"]
        words += [word for setting in train for word in ("--set", setting)]
        key = *words, "-o", str(group.first.path.parent)
        methods.setdefault(key, []).append(group.method)
        settings.setdefault(key, []).extend(own)
    return [
        shlex.join(
            [
                *("tcon", "adapt", "--method", ",".join(dict.fromkeys(methods[key]))),
                *key[:-2],
                *(word for setting in settings[key] for word in ("--set", setting)),
                *key[-2:],
            ]
        )
        for key in methods
    ]


def wrapped(command: str, width: int = 80) -> str:
    """A command on several lines, broken before options."""
    lines: list[list[str]] = [[]]
    for word in shlex.split(command):
        line = [*lines[-1], shlex.quote(word)]
        if word.startswith("-") and len(" ".join(line)) > width // 2:
            lines.append([shlex.quote(word)])
        else:
            lines[-1] = line
    return " \\\n    ".join(" ".join(line) for line in lines)


def changed_settings(config: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Training settings and the method's own that are not those of its preset, as ``key=value``."""
    method = config["method"]
    try:
        usual = asdict(make_runs([method], preset=config["preset"])[-1])
    except InputError:  # a method or preset of another version: say everything
        usual = {"train": {}, "options": {}}
    changed = []
    for root, part in (("train", "train"), (method, "options")):
        before = flatten(usual[part])
        changed.append(
            [
                f"{root}.{key}={value}"
                for key, value in flatten(config[part]).items()
                if before.get(key, "") != value
            ]
        )
    return changed[0], changed[1]


def extract_command(path: str, provenance: Mapping[str, Provenance]) -> str:
    """The ``tcon extract`` that makes such a feature file.

    Its list of videos is not recorded, and of a checkpoint its name without the folder.
    """
    first = next(iter(provenance.values()))
    rule, _, value = first.sampling.partition(":")
    words = ["tcon", "extract", "VIDEOS", "-o", path, "--modality", ",".join(provenance)]
    words += [
        "--backbone",
        first.backbone,
        "--snippets" if rule == "uniform" else "--stride",
        value,
    ]
    for modality, option in (("rgb", "--weights"), ("flow", "--flow-weights")):
        weights = provenance[modality].weights if modality in provenance else ""
        if weights == "random" or Path(weights).suffix:  # else the published ones
            words += [option, weights]
    if first.views != "centre":
        words += ["--views", first.views]
    return shlex.join([*words, "--precision", first.precision])


def task_csv(data: Mapping[str, Any]) -> str:
    """The task of a run as a csv for ``--task``; empty where it is the classes that both share."""
    if data["task"] == _SHARED:
        return ""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["task", "class", "source_label", "target_label", "class_index"])
    for index, name in enumerate(data["classes"]):
        labels = [
            "|".join(label for label, n in data.get(f"{domain}_map", {}).items() if n == index)
            for domain in ("source", "target")
        ]
        writer.writerow([data["task"], name, *labels, index])
    return text.getvalue()


def provenance_rows(path: Path, provenance: Mapping[str, Provenance]) -> list[tuple[str, str]]:
    """What is known of how a feature file was made, as names and values."""
    rows = [("file", str(path))]
    for modality, made in provenance.items():
        values = {key: value for key, value in asdict(made).items() if value != ""}
        rows += [(f"{modality}: {key.replace('_', ' ')}", str(v)) for key, v in values.items()]
    return rows
