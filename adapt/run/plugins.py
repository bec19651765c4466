"""Whether the method registered by a run's name is the one that it was made with.

A record's plug-ins are its method's; that of a backbone is in the recipe of its features.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ..config.options import UnknownOptions
from ..methods import entry, is_built_in, names


def has_namesake(method: object, plugins: Collection[object]) -> bool:
    """Whether a run's method was a plug-in's and has the name of one of tcon's own."""
    return bool(plugins) and isinstance(method, str) and is_built_in(method)


def without_namesake(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """The values of a `RunRecord`, which keeps a plug-in's options as they are where tcon's own
    method of that name would read them."""
    run, plugins = values.get("run"), values.get("plugins")
    if not isinstance(run, dict) or not isinstance(plugins, list):
        return values
    options = run.get("options")
    if isinstance(options, dict) and has_namesake(run.get("method"), plugins):
        run = {**run, "options": UnknownOptions(values=options)}
    return {**values, "run": run}


def another_plugin(values: Any) -> str:
    """The plug-in that has registered a run's method here, if the run was made by other code."""
    run = values.get("run") if isinstance(values, dict) else None
    method = run.get("method") if isinstance(run, dict) else None
    if not isinstance(method, str) or method not in names():
        return ""
    plugin = entry(method).plugin
    recorded = values.get("plugins")
    same = plugin is None or any(
        isinstance(known, dict) and known.get("sha256") == plugin.sha256
        for known in (recorded if isinstance(recorded, list) else ())
    )
    return "" if same or plugin is None else plugin.module
