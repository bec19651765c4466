"""A plan's file: TOML with the keys of the command line, read before anything heavy is imported.

Keys at the top hold for every ``[[grid]]``, which may override them; a plan without any
``[[grid]]`` is one grid. ``[files]`` says by which command a feature file is made. Relative paths
start at the current folder, or at ``root`` (itself relative to the plan). Plans that ship with the
project, such as ``table5``, are known by their names.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from ...cache.common.files.regular import read_regular
from ...cache.errors import InputError, shorten, unknown
from .keys import SHORT, require_mode, settings_of

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Made = TypeVar("Made")
_SHIPPED = Path(__file__).parent / "plans"
_LARGEST = 10**6
_Number = Annotated[int, Field(ge=1, le=_LARGEST)]
_Seed = Annotated[int, Field(ge=0, le=_LARGEST)]


class _Keys(TypedDict, total=False):
    """The keys of a plan or of one of its grids, and their types."""

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)  # type: ignore[misc]

    name: str
    root: str
    source: str
    target: str
    task: str
    methods: str | list[str]
    modality: str | list[str]
    segments: _Number | str | list[_Number | str]
    seeds: _Number | str | list[_Seed]
    epochs: _Number
    normalise: str
    precision: str
    preset: str
    fast: bool
    settings: str | list[str]
    output: str
    exact_labels: bool
    continue_from: str
    oracle: bool
    end_to_end: bool
    backbone: str
    weights: str
    sync_bn: bool


@dataclass(frozen=True)
class PlanFile:
    """A plan as it is written, its keys and their types checked.

    Args:
        path: as it was named.
        start: folder that its relative paths start at.
        top: keys that hold for every grid.
        grids: the keys of each.
        commands: by feature file, the command that makes it.
    """

    path: str
    start: Path
    top: Mapping[str, Any]
    grids: Sequence[Mapping[str, Any]]
    commands: Mapping[str, str]

    def each(
        self, given: Mapping[str, Any], make: Callable[[Mapping[str, Any]], Made]
    ) -> list[Made]:
        """What ``make`` makes of the keys of each grid.

        Args:
            given: keys from the command line; they override the plan's.
            make: called with all keys of a grid.

        Raises:
            InputError: as of ``make``; says of which grid.
        """
        made = []
        for number, grid in enumerate(self.grids, start=1):
            try:
                options = {**_placed({**self.top, **grid}, self.start), **given}
                settings = [s for place in (self.top, grid, given) for s in settings_of(place)]
                require_mode(options)
                plain = {key: value for key, value in options.items() if key not in SHORT}
                made.append(make(plain | {"settings": settings}))
            except InputError as error:
                raise InputError(
                    f"plan {self.path}, grid {shorten(str(grid.get('name', number)))}: {error}"
                ) from None
        return made


def read_plan_file(path: str) -> PlanFile:
    """Read a plan's file.

    Args:
        path: a TOML file, or a shipped plan's name.

    Raises:
        InputError: the file cannot be read, or a key is wrong or a value of another type.
    """
    file = _find(path)
    try:
        table = tomllib.loads(read_regular(file).decode())
    except FileNotFoundError:
        raise InputError(
            f"there is no plan {path}: write it, or name one of {', '.join(shipped())}"
        ) from None
    except OSError as error:
        raise InputError(f"cannot read the plan {path}: {error.strerror}") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"cannot read the plan {path}: {error}") from None
    except RecursionError:
        raise InputError(f"cannot read the plan {path}: it is nested too deeply") from None
    except ValueError as error:
        reason = "number too large" if "digits" in str(error) else error
        raise InputError(f"cannot read the plan {path}: {reason}") from None
    if any(abs(number) > _LARGEST for number in _integers(table)):
        raise InputError(f"plan {path}: number too large: at most {_LARGEST}")
    commands = table.pop("files", {})
    grids = table.pop("grid", [{}])
    if not isinstance(grids, list) or not isinstance(commands, dict):
        raise InputError(f"plan {path}: write grids as [[grid]] and commands as [files]")
    for part in (table, *grids):
        _check(part, path)
    root = Path(table["root"]) if "root" in table else None
    start = file.parent / root if root else Path()
    return PlanFile(
        path, start, table, grids, {str(start / name): text for name, text in commands.items()}
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
    """Refuse keys that no plan has, and values of another type."""
    try:
        _adapter.validate_python(part)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = str(first["loc"][0])
        known = list(_Keys.__annotations__)
        if key not in known:
            raise InputError(
                f"plan {path}: {unknown('key', key, [*known, 'grid', 'files'])}"
            ) from None
        if first["type"] == "greater_than_equal":
            raise InputError(f"plan {path}: {key} must be at least 1") from None
        value = shorten(repr(part[key]))
        raise InputError(f"plan {path}: {key} = {value} has the wrong type") from None


def _integers(value: object) -> Iterator[int]:
    """All whole numbers in nested tables and lists."""
    if isinstance(value, int):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _integers(inner)


def _placed(options: Mapping[str, Any], start: Path) -> dict[str, Any]:
    """The same with paths that start at ``start``."""
    placed = dict(options)
    for key in ("source", "target", "output", "continue_from"):
        if key in placed:
            placed[key] = str(start / placed[key])
    if Path(placed.get("task", "")).suffix:  # else a shipped task's name
        placed["task"] = str(start / placed["task"])
    return placed


_adapter = TypeAdapter(_Keys)
