"""The settings of runs: all that decided them, and in what groups differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...adapt.run.record import OF_A_SEED
from .groups import Group
from .names import folder_names
from .read import Run
from .values import Value, as_text


@dataclass(frozen=True, repr=False)
class SettingsTable:
    """The settings of several groups, those first in which they differ.

    Args:
        names: of the groups, [G].
        differing: by key, the value of each group [G]; "" where a group has no such setting.
        equal: by key, the value that all share.
        alone: by method, the settings that not all groups have and that do not differ.
    """

    names: tuple[str, ...]
    differing: Mapping[str, tuple[Value, ...]]
    equal: Mapping[str, Value]
    alone: Mapping[str, Mapping[str, Value]]

    def __repr__(self) -> str:
        return f"<SettingsTable of {len(self.names)} groups, {len(self.differing)} differing>"


def settings_of(run: Run) -> dict[str, Value]:
    """All that decided a run but the seed, by the keys of ``--set``; that of its data by keys that
    start with ``data.``."""
    segments = run.record.run.segments
    k = segments.source if segments.source == segments.target else str(segments)
    return run.record.decisive(without=OF_A_SEED) | {"segments": k}


def compare_settings(groups: Sequence[Group]) -> SettingsTable:
    """Sort the settings of groups into those that differ, those that are equal and the rest."""
    each = [_shown(group.first) for group in groups]
    keys = list(dict.fromkeys(key for own in each for key in own))
    values = {key: {as_text(own[key]) for own in each if key in own} for key in keys}
    differing = [key for key in keys if len(values[key]) > 1]
    everywhere = {key for key in keys if all(key in own for own in each)}
    of_method = {group.method: own for group, own in zip(groups, each, strict=True)}
    alone = {
        method: {k: v for k, v in own.items() if k not in everywhere and k not in differing}
        for method, own in of_method.items()
    }
    return SettingsTable(
        names=tuple(folder_names(groups)),
        differing={key: tuple(own.get(key, "") for own in each) for key in differing},
        equal={key: each[0][key] for key in keys if key in everywhere and key not in differing},
        alone={method: own for method, own in alone.items() if own},
    )


def _shown(run: Run) -> dict[str, Value]:
    """Without the seed and the data's hashes; what every method has goes by one name."""
    data = run.record.data
    values = settings_of(run) | {"task": data.task, "protocol": data.protocol}
    shared = {f"{run.record.run.method}.{key}": key for key in ("features", "dropout")}
    return {
        shared.get(key, key): value
        for key, value in values.items()
        if key != "plugins" and not key.startswith("data.")
    }
