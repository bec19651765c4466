"""Modules of the user's own that register methods or backbones: ``--plugin`` and entry points.

A plug-in is a Python file (``mine.py``) or an importable module (``package.module``). Running it
is all that is asked of it: its decorators register what it brings. What was registered remembers
its `PluginRecord`, so that a run or a feature file can name the plug-in it needs.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import logging
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType

from ..errors import InputError, printable, shorten
from .files.regular import read_regular

_loading: ContextVar[PluginRecord | None] = ContextVar("loading", default=None)
_loaded: dict[PluginRecord, ModuleType] = {}


@dataclass(frozen=True)
class PluginRecord:
    """Which plug-in: enough to find it again and to know that it is still the same.

    Args:
        module: a file's absolute path, or the name of an importable module.
        sha256: hash of its source.
    """

    module: str
    sha256: str


def load_plugin(plugin: str | Path) -> PluginRecord:
    """Run a plug-in, unless this very source has been run before.

    Args:
        plugin: a Python file, or the dotted name of a module that can be imported.

    Raises:
        InputError: there is none, or it fails; names the line.
    """
    file = _file_of(str(plugin))
    is_file = _is_file_name(str(plugin))
    record = PluginRecord(str(file.resolve()) if is_file else str(plugin), _sha256(file))
    if record not in _loaded:
        with _attributed_to(record), _errors_in_one_line(str(plugin), file):
            _loaded[record] = (
                _run_file(file, record) if is_file else importlib.import_module(str(plugin))
            )
    return record


def require_plugin(record: PluginRecord) -> None:
    """See that a plug-in which a run or a feature file names has been loaded here.

    Such a file may come from anybody, so the code that it names is run only if the user names it
    too, or has installed it as a package with an entry point.

    Raises:
        InputError: it has not been loaded; says what to give.
    """
    if any(known.sha256 == record.sha256 for known in _loaded):
        return
    module, state = shorten(printable(record.module)), ""
    if _is_file_name(record.module):  # to look for a module would run the packages that it is in
        try:
            same = _sha256(_file_of(record.module)) == record.sha256
            state = "" if same else " and has changed since"
        except InputError:
            state = " and is gone"
    raise InputError(
        f"the plug-in {module} is needed{state}: if you trust it, give it by --plugin FILE (from "
        "Python: plugins=[FILE])"
    )


@cache
def load_entry_points(group: str) -> None:
    """Import what installed packages offer under ``tcon.methods`` or ``tcon.backbones``, once.

    A broken one is logged as a warning that names its package; the others are still loaded.
    """
    for point in entry_points(group=group):
        name = point.value.partition(":")[0]
        try:
            load_plugin(name)
        except InputError as error:
            package = point.dist.name if point.dist else "an unknown package"
            logging.getLogger("tcon").warning(
                "Left out %s of %s (entry point %s): %s", point.name, package, group, error
            )


@contextmanager
def plugin_errors(
    record: PluginRecord | None, *, keep: tuple[type[BaseException], ...] = ()
) -> Iterator[None]:
    """Turn whatever a plug-in's code raises in the block into an `InputError` that names its line.

    Args:
        record: of the plug-in; None where the code is tcon's own, whose errors pass.
        keep: errors that pass.
    """
    if record is None:
        yield
        return
    passing: tuple[type[BaseException], ...] = (InputError, *keep)
    try:
        yield
    except passing:
        raise
    except (Exception, SystemExit) as error:
        raise InputError(_in_one_line(error, record.module, Path(record.module))) from None


def current_plugin() -> PluginRecord | None:
    """The plug-in that is being run, for the registries; None outside of one."""
    return _loading.get()


def plugin_of(module: str) -> PluginRecord | None:
    """The plug-in that a module is, or is a part of.

    A package that is imported before tcon registers what it brings after its entry point has been
    loaded, so that `current_plugin` knows nothing of it.

    Args:
        module: ``__module__`` of what was registered.
    """
    for record, loaded in _loaded.items():
        if module == loaded.__name__ or module.startswith(f"{loaded.__name__}."):
            return record
    return None


def forget_plugin(record: PluginRecord) -> None:
    """Take a plug-in as not loaded, so that the next `load_plugin` runs it again."""
    _loaded.pop(record, None)


def _is_file_name(plugin: str) -> bool:
    return plugin.endswith(".py") or "/" in plugin


def _file_of(plugin: str) -> Path:
    """The source of a plug-in."""
    if _is_file_name(plugin):
        if not Path(plugin).is_file():
            raise InputError(f"there is no plug-in {plugin}: name a Python file or a module")
        return Path(plugin)
    try:
        spec = importlib.util.find_spec(plugin)
    except (ImportError, ValueError):
        spec = None
    if spec is None or spec.origin is None or not Path(spec.origin).is_file():
        raise InputError(
            f"there is no module {plugin} to import as a plug-in: install it, or name its file, "
            f"as in {plugin.rpartition('.')[2]}.py"
        )
    return Path(spec.origin)


def _sha256(file: Path) -> str:
    try:
        return hashlib.sha256(read_regular(file)).hexdigest()
    except OSError as error:
        raise InputError(f"cannot read the plug-in {file}: {error.strerror}") from None
    except ValueError as error:
        raise InputError(f"cannot read the plug-in {file}: {error}") from None


def _run_file(file: Path, record: PluginRecord) -> ModuleType:
    name = f"tcon_plugin_{record.sha256[:16]}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise InputError(f"{file} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


@contextmanager
def _attributed_to(record: PluginRecord) -> Iterator[None]:
    token = _loading.set(record)
    try:
        yield
    finally:
        _loading.reset(token)


@contextmanager
def _errors_in_one_line(plugin: str, file: Path) -> Iterator[None]:
    """Turn whatever the user's code raises into an `InputError` that names its line."""
    try:
        yield
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise InputError(_in_one_line(error, plugin, file)) from None


def _in_one_line(error: BaseException, plugin: str, file: Path) -> str:
    """``the plug-in mine.py, line 3: ValueError: why``."""
    try:
        text = str(error)
    except Exception:  # its __str__ is the user's, too
        text = "an error without a text"
    if isinstance(error, SyntaxError) and error.filename == str(file):
        line, reason = error.lineno, error.msg
    else:
        frames = traceback.extract_tb(error.__traceback__)
        lines = [f.lineno for f in frames if Path(f.filename).resolve() == file.resolve()]
        line, reason = (lines[-1] if lines else None), f"{type(error).__name__}: {text}"
    where = f", line {line}" if line else ""
    return f"the plug-in {plugin}{where}: {' '.join(reason.split())}"
