"""Read finished runs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import h5py
import numpy as np

from ...adapt.run.folder import LOGITS, is_finished, run_folders
from ...adapt.run.record import RunRecord, read_record
from ...cache import InputError
from ...cache.common.files.hdf5 import open_hdf5
from ...cache.parts import in_time


@dataclass(frozen=True, eq=False, repr=False)
class Predictions:
    """Logits of some videos after each evaluation, [E, n, C], in the order of their ids [n]."""

    ids: tuple[str, ...]
    logits: np.ndarray

    def __repr__(self) -> str:
        return f"<Predictions of {len(self.ids)} videos after {len(self.logits)} evaluations>"


@dataclass(frozen=True, eq=False, repr=False)
class Run:
    """One finished run.

    Args:
        path: its folder.
        record: everything that decided it.
        steps: that it was evaluated after, [E].
        predictions: by the names of the videos' sets: ``target_test``, ``target_train`` and mostly
            ``source_val``.
    """

    path: Path
    record: RunRecord
    steps: tuple[int, ...]
    predictions: dict[str, Predictions]

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"

    @property
    def seed(self) -> int:
        return self.record.run.seed

    @property
    def classes(self) -> tuple[str, ...]:
        """Their names, [C]."""
        return self.record.data.classes

    @property
    def segments(self) -> str:
        """K, or ``K_s:K_t``."""
        return str(self.record.run.segments)

    @property
    def test(self) -> Predictions:
        return self.predictions["target_test"]

    @property
    def target_ids(self) -> frozenset[str]:
        """Of all target videos that it was made with."""
        return frozenset(self.predictions["target_train"].ids).union(self.test.ids)


def find_runs(
    paths: Iterable[str | Path], *, shared_classes: bool = False
) -> tuple[list[Run], list[Path]]:
    """Read run folders, or folders that hold run folders at any depth.

    Args:
        paths: of them.
        shared_classes: test videos are never predicted as a class that the target has no label
            for (ambiguity B27): its logit is minus infinity.

    Returns:
        the finished runs, and the folders of unfinished ones.

    Raises:
        InputError: a path holds no run, or none that is finished.
    """
    folders: dict[Path, bool] = {}  # finished?
    for path in map(Path, paths):
        if not path.exists():
            raise InputError(f"no such folder: {path}")
        found = run_folders(path)
        finished = {folder: is_finished(folder) for folder in found}
        if not any(finished.values()):
            what = "no finished run" if found else "no run"
            make = f"make one with tcon adapt -o {path}"
            if not path.is_dir():
                what, make = "no run", "it is a file, and runs are folders that tcon adapt makes"
            raise InputError(f"{path} holds {what}: {make}")
        folders |= finished
    runs = [read_run(folder) for folder, is_finished in folders.items() if is_finished]
    if shared_classes:
        runs = [_among_shared(run) for run in runs]
    return runs, [folder for folder, is_finished in folders.items() if not is_finished]


def read_run(folder: Path) -> Run:
    """Read a finished run's folder.

    Raises:
        InputError: it is damaged, or the run diverged.
    """
    record = read_record(folder)
    try:
        with open_hdf5(folder / LOGITS) as h5:
            classes, steps = tuple(h5.attrs["classes"]), tuple(h5["step"][()].tolist())
            if classes != record.data.classes:
                raise ValueError("its logits are of other classes")
            if not steps or not all(type(step) is int for step in steps):
                raise ValueError("it has no evaluation steps")
            if steps[0] < 0 or any(a >= b for a, b in pairwise(steps)):
                raise ValueError("its evaluation steps do not rise")
            groups = {name: group for name, group in h5.items() if isinstance(group, h5py.Group)}
            shape = len(steps), len(classes)
            predictions = {name: _predictions(group, shape) for name, group in groups.items()}
            run = Run(folder, record, steps, predictions)
        _ = run.test, run.predictions["target_train"]
    except InputError:
        raise
    except PermissionError as error:
        raise InputError(f"cannot read {folder / LOGITS}: {error.strerror}") from None
    except Exception as error:  # HDF5 raises anything for damaged files
        raise damaged_run(folder, error) from None
    if not np.isfinite(run.test.logits[-1]).all():
        raise InputError(f"the run {folder} diverged (its logits are not finite): lower train.lr")
    return run


def damaged_run(folder: Path, error: Exception) -> InputError:
    """The error for a run whose files are not as `adapt` writes them."""
    reason = f"{type(error).__name__}: {error}"[:200].strip()
    return InputError(f"the run {folder} is damaged ({reason}): delete it and repeat it")


def _among_shared(run: Run) -> Run:
    labels = run.record.data.target.labels or {}
    shared = np.isin(np.arange(len(run.classes)), list(labels.values()))  # [C]
    test = Predictions(run.test.ids, np.where(shared, run.test.logits, -np.inf))
    return replace(run, predictions=run.predictions | {"target_test": test})


def _predictions(group: h5py.Group, shape: tuple[int, int]) -> Predictions:
    """In the order of ids, and of time where they are windows: runs whose feature file held the
    videos in another order agree.

    Args:
        group: of the file.
        shape: evaluations and classes, (E, C).
    """
    ids, logits = group["id"].asstr()[()], group["logits"][()]
    order = sorted(range(len(ids)), key=lambda n: in_time(ids[n]))
    if logits.shape != (shape[0], len(set(ids)), shape[1]) or logits.dtype != np.float32:
        raise ValueError(f"its logits have the shape {list(logits.shape)}")
    return Predictions(tuple(ids[order]), logits[:, order])
