"""Runs to numbers, tables, figures and predictions.

    run folders --> runs/    find, read, check, group and name them
                --> scores/  metrics, intervals, paired tests, fusion, choices without labels
                --> evaluation.py: `evaluate` puts all of it into one `Evaluation`
                --> tables/  its parts as tables, and the paper's tables with ours beside
                --> report/  all of it as markdown, HTML, csv, json and LaTeX

``figures/`` draws, ``predict/`` and ``export/`` take a finished run to new videos and other tools,
``demo/`` is what ``tcon demo`` does, ``commands/`` has the commands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..cache.common.lazy import lazy_exports

if TYPE_CHECKING:
    from .evaluation import Evaluation, evaluate

__all__ = ["Evaluation", "evaluate"]

__getattr__ = lazy_exports(__name__, {"Evaluation": "evaluation", "evaluate": "evaluation"})
