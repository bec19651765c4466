"""Train runs, alone or several as one program; what fails does not stop the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import torch

from ..cache import InputError
from ..cache.common.memory import out_of_memory
from ..cache.common.plugins import plugin_errors
from .config.options import RunConfig
from .config.runs import base_of
from .data.feeds import CachedFeed
from .data.store import Store
from .methods import FittedMethod, Method, entry
from .run.folder import RunFolder
from .run.read import load_weights
from .training.health import Diverged
from .training.new_method import new_method
from .training.processes import Processes
from .training.programs.loop import OnEvaluation, OnStep, fit, train, train_together
from .training.programs.program import Dissolved
from .training.programs.shape import parts
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
    at_once: dict[str, int] = field(default_factory=dict)  # by method, where it had to be fewer

    def train(self, group: Group) -> list[Group]:
        """Train runs of one shape; returns those that must be tried again, in smaller groups."""
        most = self.at_once.get(group[0][0].method, len(group))
        if most < len(group):
            return parts(group, most)
        with ExitStack() as held:
            ours = [each for each in group if self._take(*each, held)]
            if len(ours) > 1:
                return self._train_together(ours)
            for run, folder in ours:
                with self._failing(run, folder):
                    self._train_alone(run, folder)
                    self.on_state(folder, "finished", "")
        return []

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
        method, store = group[0][0].method, self.store
        trainees: dict[int, list[Trainee]] = {}
        for run, folder in group:
            with self._failing(run, folder):
                trainee = Trainee(run, store.feed(run), folder)
                trainees.setdefault(trainee.step, []).append(trainee)
        again: list[Group] = []
        for together in trainees.values():
            try:
                finished = train_together(
                    together,
                    on_step=self.on_step,
                    on_evaluation=self.on_evaluation,
                    on_failure=self._fail,
                    save_seconds=self.save_seconds,
                    cuda_graphs=self.cuda_graphs,
                )
            except Dissolved as error:
                most = -(-len(together) // 2) if error.memory else 1
                self.at_once[method] = most
                self.on_note(_smaller(method, len(together), most, error))
                left = [(one.config, one.folder) for one in together]
                again += parts([each for each in left if each[1].path not in self.failed], most)
            else:
                for trainee in finished:
                    self.on_state(trainee.folder, "finished", "")
        return again

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
        base = new_method(base_run, feed.domains)
        load_weights(base_folder.path, base)
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
