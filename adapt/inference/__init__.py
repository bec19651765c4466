"""New videos, predicted by a finished run or by the seeds of a group.

`load_ensemble` reads runs' folders, `plan_features` plans how new videos get the features that they
were trained on, and `predict` takes videos through both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...cache.common.lazy import lazy_exports

if TYPE_CHECKING:
    from .ensemble import Ensemble, load_ensemble
    from .loaded_run import LoadedRun, load_run
    from .prediction import Prediction
    from .stream import predict

__all__ = ["Ensemble", "LoadedRun", "Prediction", "load_ensemble", "load_run", "predict"]

__getattr__ = lazy_exports(
    __name__,
    {
        "Ensemble": "ensemble",
        "load_ensemble": "ensemble",
        "LoadedRun": "loaded_run",
        "load_run": "loaded_run",
        "Prediction": "prediction",
        "predict": "stream",
    },
)
