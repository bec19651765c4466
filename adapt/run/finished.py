"""Finished runs as objects: what `adapt` gives back, and what `evaluate` takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from ...cache.common.counts import counted
from ...cache.errors import InputError
from .folder import is_finished, run_folders
from .record import RunRecord, read_record

if TYPE_CHECKING:
    from ..inference.stream import Result

_NAMED = 4  # runs in a repr


@dataclass(frozen=True)
class FailedRun:
    """A run that could not be trained, and why."""

    path: Path
    why: str


class FinishedRun:
    """A finished run. Its record is read when it is asked for.

    Args:
        path: its folder.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    @cached_property
    def record(self) -> RunRecord:
        """Everything that decided the run.

        Raises:
            InputError: it is damaged.
        """
        return read_record(self.path)

    @property
    def method(self) -> str:
        """The name of its method."""
        return self.record.run.method

    @property
    def seed(self) -> int:
        """Its seed."""
        return self.record.run.seed

    def predict(self, videos: Any, **options: Any) -> list[Result]:
        """Predict the classes of new videos.

        Args:
            videos: files, folders of videos and lists, or one of these.
            options: those of `tcon.adapt.inference.predict`.

        Returns:
            a `Prediction` for each video, or a `Failure` that says why there is none.
        """
        from ..inference import predict

        return predict(self.path, videos, **options)

    def __repr__(self) -> str:
        return f"FinishedRun({str(self.path)!r})"


@dataclass(frozen=True, repr=False)
class Runs(Sequence[FinishedRun]):
    """What became of some runs; a sequence of those that are finished.

    ``runs["tcon", 0]`` is the run of a method and a seed, ``runs["tcon"]`` all runs of a method.

    Args:
        finished: in the order in which they were asked for.
        failed: those that failed.
        elsewhere: folders of those that another process is training.
        left_out: why, by the output folder of the grids that could not be started.
        unreadable: why, by the videos of lists that could not be read.
        warnings: what may be wrong with the data, in sentences.
    """

    finished: tuple[FinishedRun, ...]
    failed: tuple[FailedRun, ...] = ()
    elsewhere: tuple[Path, ...] = ()
    left_out: Mapping[Path, str] = field(default_factory=dict)
    unreadable: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @classmethod
    def open(cls, *paths: str | Path) -> Runs:
        """All finished runs in folders, at any depth.

        Raises:
            InputError: a folder is not there or holds no finished run.
        """
        found: dict[Path, None] = {}
        for path in map(Path, paths):
            finished = [folder for folder in run_folders(path) if is_finished(folder)]
            if not finished:
                raise InputError(f"{path} holds no finished run: make one with tcon adapt")
            found |= dict.fromkeys(finished)
        return cls(tuple(map(FinishedRun, found)))

    @overload
    def __getitem__(self, key: int) -> FinishedRun: ...
    @overload
    def __getitem__(self, key: tuple[str, int]) -> FinishedRun: ...
    @overload
    def __getitem__(self, key: slice) -> Runs: ...
    @overload
    def __getitem__(self, key: str) -> Runs: ...
    def __getitem__(self, key: int | slice | str | tuple[str, int]) -> FinishedRun | Runs:
        if isinstance(key, int):
            return self.finished[key]
        if isinstance(key, slice):
            return Runs(self.finished[key])
        method, seed = (key, None) if isinstance(key, str) else key
        found = [run for run in self if run.method == method and (seed is None or run.seed == seed)]
        if not found:
            raise KeyError(f"no run of {key} among {', '.join(self.names) or 'no runs'}")
        if isinstance(key, str):
            return Runs(tuple(found))
        if len(found) > 1:
            names = ", ".join(run.path.name for run in found)
            raise KeyError(f"several runs are of {key}: choose by number among {names}")
        return found[0]

    def __len__(self) -> int:
        return len(self.finished)

    def __iter__(self) -> Iterator[FinishedRun]:
        return iter(self.finished)

    @property
    def names(self) -> list[str]:
        """Names of the runs' folders."""
        return [run.path.name for run in self]

    def __repr__(self) -> str:
        counts = [f"{len(self)} finished"]
        if self.failed:
            counts.append(f"{len(self.failed)} failed")
        if self.warnings:
            counts.append(counted(len(self.warnings), "warning"))
        names = [*self.names[:_NAMED], *(["..."] if len(self) > _NAMED else [])]
        return f"Runs({', '.join(counts)}{': ' if names else ''}{', '.join(names)})"
