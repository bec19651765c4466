"""The commands that make runs again, from what their folders say."""

from __future__ import annotations

import csv
import io
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ...adapt.config.runs import MATCHED, make_runs
from ...adapt.end_to_end.options import EndToEnd
from ...adapt.methods import entry, names
from ...adapt.run_folder import flatten
from ...adapt.tasks.task import read_task, shipped_tasks
from ...cache import Recipe
from ...cache.errors import InputError
from ...cache.recipe import Sampling, Views
from ..runs.groups import Group

_SHARED = "shared classes"  # the task's name without --task
_DECISIVE = ("backbone", "weights")  # of `usual_settings`


@dataclass(frozen=True)
class _Grid:
    """All combinations of methods, modalities, segments and seeds: what one command makes.

    Args:
        words: of the command that no axis is in.
        output: the runs' folder.
        methods: names, each with its own settings.
        modalities, segments: values.
        seeds: how many.
    """

    words: tuple[str, ...]
    output: str
    methods: tuple[tuple[str, tuple[str, ...]], ...]
    modalities: tuple[str, ...]
    segments: tuple[str, ...]
    seeds: int

    @property
    def command(self) -> str:
        settings = dict.fromkeys(setting for _, own in self.methods for setting in own)
        words = ["tcon", "adapt", "--method", ",".join(name for name, _ in self.methods)]
        if self.modalities != ("rgb",):
            words += ["--modality", ",".join(self.modalities)]
        words += ["--segments", ",".join(self.segments), "--seeds", str(self.seeds), *self.words]
        words += [word for setting in settings for word in ("--set", setting)]
        return shlex.join([*words, "-o", self.output])


def adapt_commands(groups: Sequence[Group]) -> list[str]:
    """The ``tcon adapt`` commands that make the runs of all groups and no others, but for seeds
    that a group lacks among its first ones."""
    # A fitted method's preset adds the source_only that it starts from under a preset of its own.
    added = {f"{group.method}-{group.first.config['preset']}" for group in groups}
    return _commands(
        [
            _grid(group.first.config, group)
            for group in groups
            if group.first.config["preset"] not in added
        ]
    )


def commands_like(wanted: Sequence[tuple[str, str]], like: Sequence[Group]) -> list[str]:
    """The ``tcon adapt`` commands that make other runs as those that are there.

    Args:
        wanted: methods and modalities. Those that cannot be trained as the runs ``like`` were have
            no command.
        like: groups whose feature files, K, seeds, training and end-to-end options are taken:
            of the first one of equal modality, else of the first; a method that is there keeps
            its own options.
    """
    grids = []
    for method, modality in wanted:
        near = next((g for g in like if g.first.config["modality"] == modality), like[0])
        own = next((g.first.config for g in like if g.method == method), None)
        try:
            grids.append(_grid(_config_like(method, modality, near.first.config, own), near))
        except InputError:
            continue
    return _commands(grids)


def _config_like(
    method: str, modality: str, like: Mapping[str, Any], own: Mapping[str, Any] | None
) -> dict[str, Any]:
    """The configuration of a run that is trained as the run ``like``, with the method's options of
    the run ``own``."""
    roots = {"train": like["train"], "e2e": like.get("end_to_end") or {}}
    settings = [
        f"{root}.{key}={v}" for root, part in roots.items() for key, v in flatten(part).items()
    ]
    if own:
        settings += [f"{method}.{key}={value}" for key, value in flatten(own["options"]).items()]
    presets = {MATCHED, *entry(method).presets}
    made = make_runs(
        [method],
        settings,
        modality=modality,
        segments=like["segments"],
        preset=like["preset"] if like["preset"] in presets else MATCHED,
        end_to_end=bool(roots["e2e"]),
    )
    return asdict(made[-1]) | {"data": like["data"]}


def _commands(grids: Sequence[_Grid]) -> list[str]:
    for axis in ("methods", "modalities", "segments"):
        grids = _merged(grids, axis)
    return [grid.command for grid in grids]


def _grid(config: Mapping[str, Any], group: Group) -> _Grid:
    """Of a configuration, with the seeds and the output of a group."""
    data, method = config["data"], config["method"]
    general, own = changed_settings(config)
    words = ["--source", data["source"], "--target", data["target"]]
    if data["task"] != _SHARED:
        words += ["--task", _shipped(data) or f"{data['task']}.csv"]
    if config["preset"] != MATCHED:
        words += ["--preset", config["preset"]]
    if config.get("end_to_end"):
        words += ["--end-to-end"]
    if method in names() and entry(method).method.reads_target_labels:
        words += ["--oracle"]
    words += [word for setting in general for word in ("--set", setting)]
    return _Grid(
        words=tuple(words),
        output=str(group.first.path.parent),
        methods=((method, tuple(own)),),
        modalities=(config["modality"],),
        segments=(str(config["segments"]),),
        seeds=1 + max(group.seeds),
    )


def _merged(grids: Sequence[_Grid], axis: str) -> list[_Grid]:
    """Grids that differ along one axis alone as one."""
    alike: dict[_Grid, list[Any]] = {}
    for grid in grids:
        alike.setdefault(replace(grid, **{axis: ()}), []).extend(getattr(grid, axis))
    return [replace(grid, **{axis: tuple(values)}) for grid, values in alike.items()]


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
    """Training and end-to-end settings, and the method's own, that are not those of its preset, as
    ``key=value``; a fitted method's with those of the `source_only` that it starts from."""
    method, e2e = config["method"], config.get("end_to_end")
    # Before all else: what is usual end to end depends on them.
    first = _changed("e2e", asdict(EndToEnd()), {k: e2e[k] for k in _DECISIVE}) if e2e else []
    try:
        (*_, run) = make_runs(
            [method],
            first,
            modality=config["modality"],
            preset=config["preset"],
            end_to_end=bool(e2e),
        )
        usual = asdict(run)
    except InputError:  # a method or preset of another version: say everything
        usual = {"train": {}, "options": {}, "end_to_end": e2e and {k: e2e[k] for k in _DECISIVE}}
    own = _changed(method, usual["options"], config["options"])
    if "source_only" in config:
        usual_base = asdict(make_runs(["source_only"])[0].options)
        own += _changed("source_only", usual_base, config["source_only"])
    general = _changed("train", usual["train"], config["train"])
    return [*first, *(_changed("e2e", usual["end_to_end"], e2e) if e2e else []), *general], own


def _changed(root: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    usual = flatten(before)
    return [
        f"{root}.{key}={value}"
        for key, value in flatten(now).items()
        if usual.get(key, "") != value
    ]


def extract_command(path: str, recipes: Mapping[str, Recipe]) -> str:
    """The ``tcon extract`` or ``tcon import`` that makes such a feature file, or such a table of
    videos without features.

    Its list of videos is not recorded, and of a checkpoint its name without the folder.
    """
    if not recipes:
        return shlex.join(["tcon", "extract", "VIDEOS", "-o", path, "--modality", "none"])
    first = next(iter(recipes.values()))
    if kind := first.imported:
        words = ["tcon", "import", kind, "FEATURES", "-o", path, "--backbone", first.backbone]
        return shlex.join(words + (["--weights", first.weights] if first.weights else []))
    sampling = first.sampling or Sampling("uniform", 32)
    words = ["tcon", "extract", "VIDEOS", "-o", path, "--modality", ",".join(recipes)]
    words += [
        "--backbone",
        first.backbone,
        "--snippets" if sampling.rule == "uniform" else "--stride",
        str(sampling.value),
    ]
    for modality, option in (("rgb", "--weights"), ("flow", "--flow-weights")):
        weights = recipes[modality].weights if modality in recipes else ""
        if weights == "random" or Path(weights).suffix:  # else the published ones
            words += [option, weights]
    if first.views != Views():
        words += ["--views", str(first.views)]
    return shlex.join([*words, "--precision", first.precision])


def task_csv(data: Mapping[str, Any]) -> str:
    """The task of a run as a csv for ``--task``; empty where it is the classes that both share, or
    a task that ships."""
    if data["task"] == _SHARED or _shipped(data):
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


def _shipped(data: Mapping[str, Any]) -> str:
    """The name for ``--task`` of the task that ships, if a run has it unchanged; else empty."""
    for name in shipped_tasks():
        task = read_task(name)
        if (task.name, list(task.classes), task.source, task.target) == (
            *(data["task"], data["classes"]),
            *(data.get(f"{domain}_map") for domain in ("source", "target")),
        ):
            return name
    return ""


def recipe_rows(path: Path, recipes: Mapping[str, Recipe]) -> list[tuple[str, str]]:
    """What is known of how a feature file was made, as names and values."""
    rows = [("file", str(path))]
    for modality, recipe in recipes.items():
        rows += [(f"{modality}: {name}", value) for name, value in recipe.rows()]
    return rows
