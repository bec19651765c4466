"""One self-contained HTML file that says everything of a comparison of runs."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ... import __version__
from ...adapt.training.health import by_kind
from ...cache import InputError
from ..figures.style import Picture
from ..runs.embeddings import Loader
from ..runs.groups import Group, folder_names
from ..runs.logs import read_health
from ..runs.read import Run
from ..scores.selection import settings_of
from . import repeat
from .html_page import code, columns, facts, from_markdown, image, page, table

_PACKAGES = ("torch", "numpy", "scipy", "scikit-learn", "h5py", "av", "matplotlib")


@dataclass(frozen=True, kw_only=True)
class Content:
    """What a report shows beside what the runs say of themselves.

    Args:
        tables: as markdown, as they were printed.
        distances: likewise; empty for none.
        pictures: in their order.
        command: that makes the report; empty where it was none.
    """

    tables: Sequence[str]
    distances: str
    pictures: Sequence[Picture]
    command: str = ""


def write_report(path: Path, groups: Sequence[Group], loader: Loader, content: Content) -> None:
    """Write the file.

    Raises:
        InputError: it cannot be written.
    """
    transfers = list(dict.fromkeys(group.transfer for group in groups))
    runs = sum(len(group.runs) for group in groups)
    methods = ", ".join(dict.fromkeys(group.method for group in groups))
    lead = f"{methods}: {runs} runs in {len(groups)} settings, compared by tcon {__version__}."
    text = page(
        f"Video domain adaptation: {'; '.join(transfers)}",
        lead,
        [
            ("Results", "\n".join(map(from_markdown, content.tables))),
            ("Health", health(groups)),
            ("Figures", "\n".join(map(image, content.pictures))),
            ("Domain distance", from_markdown(content.distances)),
            ("Settings", settings(groups)),
            ("Provenance", provenance(groups, loader)),
            ("Repeat it", commands(groups, loader, content.command)),
        ],
    )
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from None


def health(groups: Sequence[Group]) -> str:
    """What looked wrong in training, once for all runs alike, and what to try."""
    found, parts = [], []
    for group, name in zip(groups, folder_names(groups), strict=True):
        for run in group.runs:
            try:
                found += [((name, run.seed), finding) for finding in read_health(run)]
            except InputError as error:
                parts.append(f'<p class="warn">{escape(str(error))}</p>')
    if not found and not parts:
        return "<p>Nothing looks wrong in any run's training.</p>"
    for runs, finding in by_kind(found):
        (name, seed), more, which = runs[0], "", ""
        if len(runs) > 1:
            more = f" and {len(runs) - 1} more"
            seeds = {name: " ".join(str(s) for n, s in runs if n == name) for name, _ in runs}
            all_of = ", ".join(f"{name} (seed {numbers})" for name, numbers in seeds.items())
            which = f'<br><span class="note">{escape(all_of)}</span>'
        parts.append(
            f'<p class="warn"><strong>{escape(name)}_seed{seed}{more}</strong>: '
            f"{escape(finding['text'])}. Try: {escape(finding['remedy'])}.{which}</p>"
        )
    return "\n".join(parts)


def settings(groups: Sequence[Group]) -> str:
    """Settings in which the runs differ, then those that all share, then each method's own."""
    each = [_settings(group.first) for group in groups]
    keys = list(dict.fromkeys(key for own in each for key in own))
    values = {key: {own[key] for own in each if key in own} for key in keys}
    everywhere = [key for key in keys if all(key in own for own in each)]
    parts = []
    if differ := [key for key in keys if len(values[key]) > 1]:
        rows = [[key, *(own.get(key, "") for own in each)] for key in differ]
        parts += ["<h3>What differs</h3>", table(["setting", *folder_names(groups)], rows)]
    equal = [(key, each[0][key]) for key in everywhere if key not in differ]
    parts += ["<h3>What is equal</h3>", columns(equal)]
    of_method = {group.method: own for group, own in zip(groups, each, strict=True)}
    for method, own in of_method.items():
        rest = [(key, own[key]) for key in own if key not in everywhere and key not in differ]
        if rest:
            parts += [f"<h3>{escape(method)} alone</h3>", columns(rest)]
    return "\n".join(parts)


def provenance(groups: Sequence[Group], loader: Loader) -> str:
    """The feature files, with hashes, and the versions of everything."""
    parts = []
    for (domain, path), group in _files(groups).items():
        data = group.first.data
        hashed = "with labels" if domain == "source" else "without labels"
        rows = [(f"sha256, {hashed}", data[f"{domain}_sha256"])]
        try:
            file = loader.file(group.first, domain)
        except InputError as error:
            rows += [("backbone", data["backbone"]), ("weights", data["weights"])]
            rows += [("note", str(error))]
        else:
            rows = [*repeat.recipe_rows(file.path, file.recipes), *rows]
        parts += [f"<h3>{escape(domain)}: {escape(Path(path).name)}</h3>", facts(rows)]
    made_by = dict.fromkeys(run.config["tool_version"] for group in groups for run in group.runs)
    rows = [
        ("runs made by", ", ".join(f"tcon {v}" for v in made_by)),
        ("evaluated by", _versions()),
    ]
    return "\n".join([*parts, "<h3>Software</h3>", facts(rows)])


def commands(groups: Sequence[Group], loader: Loader, evaluate: str) -> str:
    """What makes the features, the runs and this file again."""
    extract = []
    for (domain, path), group in _files(groups).items():
        try:
            made = loader.file(group.first, domain).recipes
        except InputError:
            continue
        extract.append(repeat.extract_command(path, made))
    tasks = dict.fromkeys(
        (group.first.data["task"], repeat.task_csv(group.first.data)) for group in groups
    )
    parts = []
    if extract:
        parts += ["<p>Features; VIDEOS is each domain's list or folder of videos:</p>"]
        parts += [code(repeat.wrapped(command)) for command in extract]
    for name, text in tasks:
        if text:
            parts += [f"<p>The task, <code>{escape(name)}.csv</code>:</p>", code(text)]
    parts += ["<p>Runs:</p>"]
    parts += [code(repeat.wrapped(command)) for command in repeat.adapt_commands(groups)]
    if evaluate:
        parts += ["<p>This file:</p>", code(repeat.wrapped(evaluate))]
    return "\n".join(parts)


def _settings(run: Run) -> dict[str, str]:
    """Everything that decided a run but its seed and what it was given."""
    values = settings_of(run) | {k: run.data[k] for k in ("task", "protocol")}
    shared = {f"{run.config['method']}.{key}": key for key in ("features", "dropout")}
    return {
        shared.get(key, key): str(value)
        for key, value in values.items()
        if key != "seed" and not key.startswith("data.")
    }


def _files(groups: Sequence[Group]) -> dict[tuple[str, str], Group]:
    """Domain and path of each feature file, and a group that was made with it."""
    found: dict[tuple[str, str], Group] = {}
    for group in groups:
        for domain in ("source", "target"):
            found.setdefault((domain, group.first.data[domain]), group)
    return found


def _versions() -> str:
    said = [f"tcon {__version__}", f"Python {platform.python_version()}"]
    for name in _PACKAGES:
        try:
            said.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return ", ".join(said)
