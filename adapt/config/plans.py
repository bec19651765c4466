"""Plans: grids of runs written down in TOML, with the keys of the command line.

Keys at the top hold for every ``[[grid]]``, which may override them; a plan without any
``[[grid]]`` is one grid. ``[files]`` says by which command a feature file is made. Relative paths
start at the current folder, or at ``root`` (itself relative to the plan). Plans that ship with the
project, such as ``table5``, are known by their names.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...cache.errors import InputError, MissingFile, shorten, unknown
from ...cache.sources import sources_of
from ..grid import Grid
from .runs import MATCHED, make_runs

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_SHIPPED = Path(__file__).parent / "plans"
_DEFAULTS: dict[str, Any] = {
    "methods": "source_only,tcon",
    "modality": "rgb",
    "segments": 6,
    "seeds": 1,
    "preset": MATCHED,
    "output": "runs",
}
_LARGEST = 10**6
_SWITCHES = ("oracle", "end_to_end", "sync_bn")
# Short for settings; those of the same place come after them.
_SHORT = {
    "epochs": "train.epochs",
    "normalise": "train.normalise",
    "backbone": "e2e.backbone",
    "weights": "e2e.weights",
    "sync_bn": "e2e.sync_bn",
}
_KINDS: dict[str, type | tuple[type, ...]] = {
    **{key: (str, list) for key in ("methods", "modality", "settings")},
    "segments": (int, str, list),
    **{key: int for key in ("seeds", "epochs")},
    **{key: str for key in ("source", "target", "task", "preset", "normalise", "output")},
    **{key: str for key in ("name", "root", "backbone", "weights")},
    **{key: bool for key in _SWITCHES},
}


@dataclass(frozen=True)
class Plan:
    """Grids in the order written, and per feature file the command that makes it."""

    grids: tuple[Grid, ...]
    commands: Mapping[str, str]

    def missing(self, grid: Grid) -> str | None:
        """Which feature file of a grid is not there, and how to make it; None if both are."""
        for path in (grid.source, grid.target):
            try:
                there = any(source.exists() for source in sources_of(path))
            except MissingFile:
                there = False
            if not there:
                command = self.commands.get(str(path), f"tcon extract VIDEOS -o {path}")
                return f"{path} is missing; make it with: {command}"
        return None


def read_plan(path: str, given: Mapping[str, Any]) -> Plan:
    """Read a plan.

    Args:
        path: a TOML file, or a shipped plan's name.
        given: keys from the command line; they override the plan's.

    Raises:
        InputError: the file cannot be read, or a key or value is wrong.
    """
    file = _find(path)
    try:
        table = tomllib.loads(file.read_text())
    except FileNotFoundError:
        raise InputError(
            f"there is no plan {path}: write it, or name one of {', '.join(shipped())}"
        ) from None
    except OSError as error:
        raise InputError(f"cannot read the plan {path}: {error.strerror}") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"cannot read the plan {path}: {error}") from None
    except (ValueError, RecursionError):  # thousands of digits, or of brackets
        raise InputError(f"cannot read the plan {path}: an absurd number or depth") from None
    if any(abs(number) > _LARGEST for number in _integers(table)):
        raise InputError(f"plan {path}: a number is above {_LARGEST}")
    commands = table.pop("files", {})
    grids = table.pop("grid", [{}])
    if not isinstance(grids, list) or not isinstance(commands, dict):
        raise InputError(f"plan {path}: write grids as [[grid]] and commands as [files]")
    for part in (table, *grids):
        _check(part, path)
    root = Path(table["root"]) if "root" in table else None
    start = file.parent / root if root else Path()
    made = []
    for number, grid in enumerate(grids, start=1):
        try:
            options = _placed({**table, **grid}, start) | given
            settings = [s for place in (table, grid, given) for s in _settings(place)]
            _require_mode(options)
            plain = {key: value for key, value in options.items() if key not in _SHORT}
            made.append(make_grid(plain | {"settings": settings}))
        except InputError as error:
            raise InputError(
                f"plan {path}, grid {shorten(str(grid.get('name', number)))}: {error}"
            ) from None
    _check_apart(made, path)
    return Plan(tuple(made), {str(start / name): text for name, text in commands.items()})


def make_grid(given: Mapping[str, Any]) -> Grid:
    """A grid from the keys of a plan or of the command line; defaults where a key is missing.

    Raises:
        InputError: no source or target, or anything `make_runs` refuses.
    """
    options = {**_DEFAULTS, **given}
    for key in ("source", "target"):
        if not options.get(key):
            raise InputError(f"no {key}: name its feature file by --{key}, or a plan by --plan")
    _require_mode(options)
    runs = make_runs(
        _words(options, "methods"),
        _settings(options),
        modality=",".join(_words(options, "modality")),
        segments=",".join(_words(options, "segments")),
        seeds=options["seeds"],
        preset=options["preset"],
        end_to_end=options.get("end_to_end", False),
    )
    return Grid(
        source=Path(options["source"]),
        target=Path(options["target"]),
        runs=tuple(runs),
        output=Path(options["output"], options.get("name", "")),
        task=options.get("task"),
        oracle=options.get("oracle", False),
    )


def shipped() -> list[str]:
    """Names of the plans that ship with the project."""
    return sorted(file.stem for file in _SHIPPED.glob("*.toml"))


def _find(path: str) -> Path:
    if Path(path).suffix or Path(path).exists():
        return Path(path)
    if path not in shipped():
        raise unknown("plan", path, shipped())
    return _SHIPPED / f"{path}.toml"


def _check(part: Mapping[str, Any], path: str) -> None:
    for key, value in part.items():
        if key not in _KINDS:
            raise InputError(f"plan {path}: {unknown('key', key, [*_KINDS, 'grid', 'files'])}")
        # bool is an int in Python, but never a number here
        if not isinstance(value, _KINDS[key]) or (key not in _SWITCHES and isinstance(value, bool)):
            raise InputError(f"plan {path}: {key} = {shorten(repr(value))} is of the wrong kind")
        if key in ("seeds", "epochs") and value < 1:
            raise InputError(f"plan {path}: {key} must be at least 1")


def _integers(value: object) -> Iterator[int]:
    """All whole numbers in nested tables and lists."""
    if isinstance(value, int):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _integers(inner)


def _require_mode(options: Mapping[str, Any]) -> None:
    """Refuse what end-to-end runs alone have."""
    given = [f"--{key}" for key, full in _SHORT.items() if full[:4] == "e2e." and options.get(key)]
    if given and not options.get("end_to_end"):
        raise InputError(f"{given[0]} needs --end-to-end (in a plan: end_to_end = true)")


def _words(options: Mapping[str, Any], key: str) -> list[str]:
    """A list, or a text with commas, as a list; settings hold no commas."""
    value = options.get(key) or []
    parts = value if isinstance(value, list | tuple) else str(value).split(",")
    return [str(part).strip() for part in parts]


def _settings(options: Mapping[str, Any]) -> list[str]:
    """What the short keys and ``settings`` of one place set, in the order in which they apply."""
    short = [f"{full}={options[key]}" for key, full in _SHORT.items() if options.get(key)]
    return short + _words(options, "settings")


def _placed(options: Mapping[str, Any], start: Path) -> dict[str, Any]:
    """The same with paths that start at ``start``."""
    placed = dict(options)
    for key in ("source", "target", "output"):
        if key in placed:
            placed[key] = str(start / placed[key])
    if Path(placed.get("task", "")).suffix:  # else a shipped task's name
        placed["task"] = str(start / placed["task"])
    return placed


def _check_apart(grids: list[Grid], path: str) -> None:
    folders = [grid.output / run.name for grid in grids for run in grid.runs]
    twice = next((folder for folder in folders if folders.count(folder) > 1), None)
    if twice:
        raise InputError(f"plan {path}: two grids write {twice}: give each [[grid]] its own name")
