"""Videos to features.

A csv row becomes a row of features on this way::

    lists/ reads the row -> `api.extract` -> `features.plan` loads the backbone ->

    `features.pipeline` joins

    decoding/ (frames), snippets/ and flow/ (snippets), backbones/ on machine/ (features), and the
    writer of `tcon.cache`

``api``        `extract`, what ``tcon extract`` calls; ``like`` repeats a file's recipe
``features/``  what decides the features, the pipeline, and what a classifier sees
``machine/``   the rest: devices, workers, limits
``lists/``     which videos: lists, folders and official datasets
``importers/`` `import_features`: features that others made; ``pickles/`` reads theirs
``synthetic/`` the clips of the demo
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api import extract
    from .importers.api import import_features
    from .machine.machine import Machine

__all__ = ["Machine", "extract", "import_features"]

_MODULES = {
    "Machine": "machine.machine",
    "extract": "api",
    "import_features": "importers.api",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for, so that ``tcon --help`` waits for nothing."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f".{_MODULES[name]}", __name__), name)
