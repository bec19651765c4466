"""New videos, predicted by a finished run.

`load_run` reads a run's folder, `plan_features` plans how new videos get the features that it was
trained on, and `predict` takes videos through both.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .loaded_run import LoadedRun, load_run
    from .prediction import Prediction
    from .stream import predict

__all__ = ["LoadedRun", "Prediction", "load_run", "predict"]

_HOMES = {
    "LoadedRun": "loaded_run",
    "load_run": "loaded_run",
    "Prediction": "prediction",
    "predict": "stream",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
