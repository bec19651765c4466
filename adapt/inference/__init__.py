"""New videos, predicted by a finished run.

`load_run` reads a run's folder, `plan_features` plans how new videos get the features that it was
trained on, and `predict` takes videos through both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...cache.common.lazy import lazy_exports

if TYPE_CHECKING:
    from .loaded_run import LoadedRun, load_run
    from .prediction import Prediction
    from .stream import predict

__all__ = ["LoadedRun", "Prediction", "load_run", "predict"]

__getattr__ = lazy_exports(
    __name__,
    {
        "LoadedRun": "loaded_run",
        "load_run": "loaded_run",
        "Prediction": "prediction",
        "predict": "stream",
    },
)
