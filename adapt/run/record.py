"""The record of a run: everything that decided it, saved as ``config.json``.

Read back it is the object that was written. It holds no target label, only which of the target's
label names belong to which class.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ConfigDict

from ...cache.common.plugins import PluginRecord, require_plugin
from ...cache.common.records import from_data, to_json
from ...cache.errors import InputError, printable, shorten
from ..config.options import MethodOptions, RunConfig, UnknownOptions
from ..methods import Entry, entry, names
from .data_record import Continued, DataRecord
from .files import may_be_damaged, parse_json, read_text, reason_of
from .legacy import current_layout, with_what_was_fixed
from .plugins import another_plugin, has_namesake, without_namesake

CONFIG = "config.json"
OF_A_SEED = ("seed", "data.continued.weights")  # keys in which runs of a group differ
_MAY_BE_UNKNOWN = ("data.source.labels", "data.videos")  # runs of older versions


class Difference(NamedTuple):
    """A setting, by its dotted key, that two runs do not have in common."""

    key: str
    ours: Any
    theirs: Any


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """Everything that decided a run.

    Args:
        run: its options.
        base: options of the `source_only` that a fitted method starts from.
        data: what it was given.
        continued: what it has started from; None where it began from scratch.
        command: words of the command that made it; empty for the Python API and for old runs.
        plugins: what the method needs beside this package.
        tool_version: of this package.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    run: RunConfig
    base: MethodOptions | None = None
    data: DataRecord
    continued: Continued | None = None
    command: tuple[str, ...] = ()
    plugins: tuple[PluginRecord, ...] = ()
    tool_version: str

    def __repr__(self) -> str:
        run, data = self.run, self.data
        return (
            f"RunRecord({run.method}, {run.modality}, K={run.segments}, seed={run.seed}: "
            f"{data.source.path} to {data.target.path})"
        )

    def settings(self) -> dict[str, Any]:
        """Every setting by the key that ``--set`` takes: ``train.lr``, ``tcon.pair.rule``."""
        roots = {"train": self.run.train, self.run.method: self.run.options}
        if self.run.end_to_end is not None:
            roots["e2e"] = self.run.end_to_end
        if self.base is not None:
            roots["source_only"] = self.base
        return dict(_leaves(roots))

    def decisive(self, *, without: Collection[str] = ()) -> dict[str, Any]:
        """Everything that decides the result, by dotted keys; all values are hashable.

        Left out is what does not count: where the feature files lie and how they were made (hashes
        of the videos count), the command, the version, and the micro-batch, which is what the
        memory allows.

        Args:
            without: keys to leave out too, such as ``seed``.
        """
        data, e2e = self.data, self.run.end_to_end
        found: dict[str, Any] = {
            name: getattr(self.run, name)
            for name in ("method", "modality", "segments", "seed", "preset")
        }
        found |= self.settings()
        found |= {
            "data.source.features": data.source.fingerprint,
            "data.target.features": data.target.fingerprint,
            "data.source.labels": _hashable(data.source.labels),
            "data.target.labels": _hashable(data.target.labels),
            "data.videos": data.videos,
            "plugins": tuple(plugin.sha256 for plugin in self.plugins),
        }
        keys = ("protocol", "task", "classes", "backbone", "mode", "target_labels_sha256")
        found |= {f"data.{key}": getattr(data, key) for key in keys}
        if self.continued is not None:
            found["data.continued.features"] = self.continued.features
            found["data.continued.weights"] = self.continued.weights_sha256
        if e2e is not None:
            found |= {"data.weights": data.weights, "data.weights_sha256": data.weights_sha256}
            found["data.flow"] = None if data.recipe is None else data.recipe.flow
            found["data.clip_rate"] = None if data.recipe is None else data.recipe.clip_rate
        return {k: v for k, v in found.items() if k != "e2e.micro_batch" and k not in without}

    def differences(self, other: RunRecord) -> list[Difference]:
        """What tells the results of two runs apart, by rising keys; [] for the same run."""
        ours, theirs = self.decisive(), other.decisive()
        each = [Difference(k, ours.get(k), theirs.get(k)) for k in sorted(ours.keys() | theirs)]
        return [
            d
            for d in each
            if d.ours != d.theirs and not (d.key in _MAY_BE_UNKNOWN and None in (d.ours, d.theirs))
        ]

    @property
    def registered(self) -> Entry | None:
        """The run's method as it is registered here; None where it is not."""
        unknown = isinstance(self.run.options, UnknownOptions) or self.run.method not in names()
        return None if unknown else entry(self.run.method)

    @property
    def namesake(self) -> str:
        """Why the method registered by the name of the run's is another one, in a sentence; else
        empty."""
        if not has_namesake(self.run.method, self.plugins):
            return ""
        module = shorten(printable(self.plugins[0].module))
        return (
            f"the run is of the plug-in {module}, whose method {self.run.method} has the name of "
            "one of tcon's own now: tcon eval scores the run as it is; for all else, give the "
            "plug-in's method another name and train it again"
        )

    def require_method(self) -> None:
        """Make sure that the run's method can be built.

        Raises:
            InputError: it is not registered here; says which plug-in to give.
        """
        if self.namesake:
            raise InputError(self.namesake)
        if isinstance(self.run.options, UnknownOptions):
            for plugin in self.plugins:
                require_plugin(plugin)
            raise InputError(
                f"the method {self.run.method} is not known here: name the plug-in that registers "
                "it by --plugin FILE"
            )


def read_record(folder: Path) -> RunRecord:
    """The record in a run's folder, whatever version wrote it.

    Where its method is not registered, or is a plug-in's whose name is tcon's own by now, its
    options are `UnknownOptions`: no code that a record names is run.

    Raises:
        InputError: there is none, or it is damaged.
    """
    path = folder / CONFIG
    with may_be_damaged(path):
        values = parse_json(read_text(path))
        try:
            return _record_of(values)
        except ValueError as error:
            if not (plugin := another_plugin(values)):
                raise
            reason = reason_of(error)
    raise InputError(
        f"{path} does not fit the method of the plug-in {plugin} ({reason}), which has changed "
        "since: give the file that the run was made with by --plugin FILE"
    )


def _record_of(values: Any) -> RunRecord:
    """The record that JSON holds.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(values, dict):
        raise ValueError("it is not a JSON object")
    if "run" not in values:
        values = current_layout(values)
    values = with_what_was_fixed(values)
    record = from_data(RunRecord, without_namesake(values))
    if record.run.train.precision == "auto":
        raise ValueError("run.train.precision: must be fp32 or bf16 in a run that has begun")
    return record


def write_record(record: RunRecord) -> bytes:
    """The content of ``config.json``."""
    return (to_json(record, indent=2) + "\n").encode()


def _leaves(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Leaves of nested dataclasses and mappings by their dotted keys."""
    if isinstance(value, UnknownOptions):
        value = value.values
    if is_dataclass(value):
        value = {f.name: getattr(value, f.name) for f in fields(value)}
    if not isinstance(value, Mapping):
        yield prefix, _frozen(value)
        return
    for key, inner in value.items():
        yield from _leaves(inner, f"{prefix}.{key}" if prefix else key)


def _frozen(value: Any) -> Any:
    """Lists and tables at any depth as tuples, which can be compared and hashed."""
    if isinstance(value, list | tuple):
        return tuple(map(_frozen, value))
    if isinstance(value, Mapping):
        return tuple((str(key), _frozen(inner)) for key, inner in value.items())
    return value


def _hashable(labels: Mapping[str, int] | None) -> tuple[tuple[str, int], ...] | None:
    return None if labels is None else tuple(sorted(labels.items()))
