"""What predicts, and how its scores are calibrated: as those of ``tcon eval``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from ...adapt.inference.ensemble import Ensemble, load_ensemble
from ...adapt.inference.loaded_run import LoadedRun
from ...adapt.run.folder import is_finished
from ...adapt.run.seeds import named_folders, without_seed
from ..runs.files import RunFiles
from ..runs.read import read_run
from ..runs.truth import TrueClasses
from ..scores.trust.calibration import Calibration, calibrate


@dataclass(frozen=True)
class Calibrated:
    """Runs that predict together, with the calibration of their scores or why there is none."""

    runs: Ensemble
    calibration: Calibration


def load_calibrated(
    path: str | Path,
    *,
    features: Path | None = None,
    source_features: Path | None = None,
    on_note: Callable[[str], None] = lambda note: None,
) -> Calibrated:
    """Load a run, or the seeds of a group with the temperature that `calibrate` fits to them.

    Args:
        path, features, on_note: as in `load_ensemble`.
        source_features: the source's feature file, if it has moved.

    Raises:
        InputError: as `load_ensemble`; or the logits of a group's run are damaged.
    """
    runs = load_ensemble(path, features=features, on_note=on_note)
    if len(runs.runs) == 1:
        return Calibrated(runs, Calibration(problem=_of_one(runs.first)))
    bare = [run.path for run in runs.runs if not is_finished(run.path)]
    if bare:
        return Calibrated(runs, Calibration(problem=f"{bare[0]} holds no logits.h5"))
    source = TrueClasses("source", RunFiles(source_features=source_features))
    calibration = calibrate([read_run(run.path) for run in runs.runs], source)
    temperature = calibration.temperature if calibration.videos else None
    return Calibrated(replace(runs, temperature=temperature), calibration)


def _of_one(run: LoadedRun) -> str:
    """Why the scores of one run are not calibrated."""
    group = without_seed(run.path)
    if run.config.end_to_end or group.exists() or len(named_folders(group)) < 2:
        return "they are of one run, not the mean of several seeds"
    return f"they are of one run (tcon predict {group} averages its seeds and calibrates them)"
