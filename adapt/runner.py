"""Train runs, alone or several as one program; what fails does not stop the others."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import torch

from ..cache import InputError
from ..cache.common.files.writing import DiskError
from ..cache.common.machine.memory import out_of_memory
from ..cache.common.plugins import plugin_errors
from .config.options import RunConfig
from .config.runs import base_of
from .data.feeds import CachedFeed
from .data.store import Store
from .methods import FittedMethod, Method, entry
from .run.folder import RunFolder
from .run.read import load_method
from .training.health import Diverged
from .training.new_method import sizes_of
from .training.processes import Processes
from .training.programs.loop import OnEvaluation, OnStep, fit, train, train_together
from .training.programs.program import Dissolved
from .training.programs.recorded import can_record
from .training.programs.shape import parts, shape_of
from .training.programs.trainee import Trainee

State = Literal["waiting", "running", "finished", "finished before", "elsewhere", "failed"]
OnState = Callable[[RunFolder, State, str], None]
OnNote = Callable[[str], None]
Group = Sequence[tuple[RunConfig, RunFolder]]  # trained together, by one process


@dataclass
class Runner:
    """Trains the runs of a grid, and knows which have failed.

    Args:
        store: what they are trained on.
        folders: of all runs.
        on_state, on_step, on_evaluation, on_note, save_seconds, cuda_graphs: as in `grid.run_all`.
    """

    store: Store
    folders: Mapping[RunConfig, RunFolder]
    on_state: OnState
    on_step: OnStep
    on_evaluation: OnEvaluation
    on_note: OnNote
    save_seconds: float
    cuda_graphs: bool
    failed: set[Path] = field(default_factory=set)
    # Of shapes: how many runs are one program, where it had to be fewer, and which cannot be
    # recorded.
    at_once: dict[RunConfig | None, int] = field(default_factory=dict)
    unrecorded: set[RunConfig | None] = field(default_factory=set)

    def train(self, group: Group) -> list[Group]:
        """Train runs of one shape; returns those that must be tried again, by other programs."""
        shape = shape_of(group[0][0])
        most = self.at_once.get(shape, len(group))
        if most < len(group):
            return parts(group, most)
        with ExitStack() as held:
            ours = [each for each in group if self._take(*each, held)]
            if len(ours) > 1 or self._records(shape):
                return self._train_together(ours)
            for run, folder in ours:
                with self._failing(run, folder):
                    self._train_alone(run, folder)
                    self.on_state(folder, "finished", "")
        return []

    def _records(self, shape: RunConfig | None) -> bool:
        """Whether the steps of runs of this shape are recorded."""
        wanted = self.cuda_graphs and can_record(self.store.device)
        return wanted and shape is not None and shape not in self.unrecorded

    def _take(self, run: RunConfig, folder: RunFolder, held: ExitStack) -> bool:
        """Whether the run is ours to train; it is locked until ``held`` ends."""
        processes = self.store.processes
        if processes.broadcast(folder.finished):
            self.on_state(folder, "finished before", "")
            return False
        mine = held.enter_context(_hold(folder, processes))
        if not mine or _base_is_elsewhere(run, self.folders):
            self.on_state(folder, "elsewhere", "")
            return False
        if processes.broadcast(folder.finished):  # by another process, meanwhile
            self.on_state(folder, "finished before", "")
            return False
        self.on_state(folder, "running", "")
        return True

    def _train_together(self, group: Group) -> list[Group]:
        """Train runs as one program for all that are at the same step; as in `train`."""
        trainees = self._trainees(group)
        again: list[Group] = []
        while trainees:  # no name here may keep those that are trained
            left = self._train_as_one(trainees.pop(min(trainees)))
            if left:  # what holds their program's memory refers to each other
                gc.collect()
                torch.cuda.empty_cache()
            again += left
        return again

    def _trainees(self, group: Group) -> dict[int, list[Trainee]]:
        """Runs as they were stored, by their steps; without those that cannot be trained."""
        found: dict[int, list[Trainee]] = {}
        for run, folder in group:
            with self._failing(run, folder):
                trainee = Trainee(run, self.store.feed(run), folder)
                found.setdefault(trainee.step, []).append(trainee)
        return found

    def _train_as_one(self, together: Sequence[Trainee]) -> list[Group]:
        """Train runs that are at the same step; as in `train`."""
        shape = shape_of(together[0].config)
        recorded = self._records(shape)
        try:
            finished = train_together(
                together,
                on_step=self.on_step,
                on_evaluation=self.on_evaluation,
                on_failure=self._fail,
                save_seconds=self.save_seconds,
                recorded=recorded,
            )
        except InputError as error:
            for one in together:
                if one.folder.path not in self.failed:
                    self._fail(one.folder, error)
            return []
        except Dissolved as error:
            runs, method = len(together), together[0].config.method
            if recorded and (runs == 1 or not error.memory):
                self.unrecorded.add(shape)
                most = runs
                self.on_note(f"Steps of {method} are not recorded as CUDA graphs ({error.why}).")
            else:
                most = self.at_once[shape] = -(-runs // 2) if error.memory else 1
                self.on_note(_smaller(method, runs, most, error))
            left = [(one.config, one.folder) for one in together]
            return parts([each for each in left if each[1].path not in self.failed], most)
        for trainee in finished:
            self.on_state(trainee.folder, "finished", "")
        return []

    def _train_alone(self, run: RunConfig, folder: RunFolder) -> Method:
        feed = self.store.feed(run)
        if not issubclass(entry(run.method).method, FittedMethod):
            return train(
                run,
                feed,
                folder,
                on_step=self.on_step,
                on_evaluation=self.on_evaluation,
                save_seconds=self.save_seconds,
            )
        base_run, base_folder = _base(run, self.folders)
        if not base_folder.finished:
            raise InputError(
                f"it starts from {base_folder.path.name}, which is not finished: repeat the command"
            )
        base, _ = load_method(base_folder.path, base_run, sizes_of(base_run, feed.domains))
        base = base.to(feed.device)
        assert isinstance(feed, CachedFeed)  # fitted methods are refused end to end
        return fit(run, feed, folder, base=base, on_evaluation=self.on_evaluation)

    @contextmanager
    def _failing(self, run: RunConfig, folder: RunFolder) -> Iterator[None]:
        """What goes wrong in the block is the run's, and does not stop the others."""
        try:
            with plugin_errors(entry(run.method).plugin, keep=(Diverged, MemoryError)):
                yield
        except (InputError, RuntimeError, MemoryError) as error:
            self._fail(folder, error)

    def _fail(self, folder: RunFolder, error: Exception) -> None:
        alone = self.store.processes.size == 1 or isinstance(error, Diverged)
        if isinstance(error, DiskError):
            raise error  # no other run could be written either
        if not alone or (why := _expected(error, folder)) is None:
            raise error  # the others wait for this process: all must end
        if isinstance(error, Diverged):
            folder.forget()  # it would diverge again: other settings may take its place
        self.failed.add(folder.path)
        self.on_state(folder, "failed", why)


@contextmanager
def _hold(folder: RunFolder, processes: Processes) -> Iterator[bool]:
    """Whether the run is ours to train; of processes that train together the first locks it."""
    with folder.lock() if processes.rank == 0 else nullcontext(False) as mine:
        yield processes.broadcast(mine)


def _smaller(method: str, runs: int, most: int, error: Dissolved) -> str:
    """Why runs are tried in smaller groups, in a line."""
    if error.memory:
        return f"{runs} runs of {method} at once do not fit into the memory: now {most} at once."
    return f"Runs of {method} cannot be one program ({error.why}): they train one by one."


def _base(run: RunConfig, folders: Mapping[RunConfig, RunFolder]) -> tuple[RunConfig, RunFolder]:
    base = base_of(run, folders)
    if base is None:
        raise InputError(f"{run.name} needs a source_only run of equal training options")
    return base, folders[base]


def _base_is_elsewhere(run: RunConfig, folders: Mapping[RunConfig, RunFolder]) -> bool:
    """Whether another process trains what this run starts from."""
    if not issubclass(entry(run.method).method, FittedMethod):
        return False
    with _base(run, folders)[1].lock() as free:
        return not free


def _expected(error: Exception, folder: RunFolder) -> str | None:
    """Why a run failed and what to do, in a line; None for a fault of ours."""
    if isinstance(error, InputError | Diverged):
        return str(error)
    if out_of_memory(error):
        torch.cuda.empty_cache()
        if at_once := folder.record.data.micro_batch:
            return (
                f"out of memory: lower e2e.micro_batch (it was {at_once}), and it continues; or "
                "train.batch_size"
            )
        return "out of memory: lower train.batch_size, or the method's widths and pair.max_pairs"
    return None
