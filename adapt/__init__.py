"""Features to adapted classifiers.

From the command to a step of training:

    commands.py         options of ``tcon adapt``
    api.py              `adapt`, `train_grids`: data is opened, runs are trained, `Runs` come back
    grid.py             `prepare` and `run_all`: which runs there are, and which train together
    runner.py           trains them; locks; failures
    training/programs/  `train`: the loop, batches, draws, losses; several runs as one program
    methods/NAME.py     `losses`, `predict`

What they work on: ``config/`` has options, presets, settings and plans; ``data/`` domains and
batches of cached features; ``end_to_end/`` the same of clips, with the backbone trained too;
``layers/`` what methods are made of; ``tasks/`` classes. What they leave is ``run/``: its folder,
its record (config.json) and the finished run as an object, with which ``inference/`` predicts new
videos. ``progress/`` shows it all to people.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..cache.common.lazy import lazy_exports

if TYPE_CHECKING:
    from .api import adapt
    from .end_to_end.decoding import Decoding
    from .end_to_end.options import EndToEnd
    from .run.finished import FailedRun, FinishedRun, Runs

__all__ = ["Decoding", "EndToEnd", "FailedRun", "FinishedRun", "Runs", "adapt"]

__getattr__ = lazy_exports(
    __name__,
    {
        "adapt": "api",
        "Decoding": "end_to_end.decoding",
        "EndToEnd": "end_to_end.options",
        "FailedRun": "run.finished",
        "FinishedRun": "run.finished",
        "Runs": "run.finished",
    },
)
