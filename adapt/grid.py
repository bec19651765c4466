"""Train the runs of a grid, which several processes may share."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import torch

from .. import __version__
from ..cache import InputError
from ..cache.common.memory import out_of_memory
from ..cache.common.plugins import plugin_errors
from ..cache.errors import printable
from .config.options import RunConfig
from .config.runs import base_of
from .data.feeds import CachedFeed
from .data.store import Store, by_data
from .methods import FittedMethod, Method, entry
from .run.folder import RunFolder, begun_record
from .run.read import load_weights
from .run.record import RunRecord
from .training.health import Diverged
from .training.loop import OnEvaluation, OnStep, fit, train, train_together
from .training.precision import choose
from .training.processes import Processes
from .training.programs import Dissolved
from .training.shape import parts, side_by_side
from .training.trainee import Trainee, new_method

State = Literal["waiting", "running", "finished", "finished before", "elsewhere", "failed"]
OnState = Callable[[RunFolder, State, str], None]
OnNote = Callable[[str], None]
Group = Sequence[tuple[RunConfig, RunFolder]]


@dataclass(frozen=True)
class Prepared:
    """Runs that are ready to start: wrong input has been refused by now."""

    store: Store
    runs: list[tuple[RunConfig, RunFolder]]


def prepare(
    store: Store,
    runs: Sequence[RunConfig],
    output: str | Path,
    *,
    device: torch.device | None = None,
    oracle: bool = False,
    command: Sequence[str] = (),
) -> Prepared:
    """Make a folder for each run, or find the one that it has already.

    Args:
        store: what the runs are trained on.
        runs: what to train.
        output: folder that gets one sub-folder per run.
        device: where they will be trained, if that is not where the store's features go.
        oracle: permit methods that train on target labels.
        command: words of the command that asks for them, which the records keep.

    Raises:
        InputError: anything that would stop a run.
    """
    check_runs(runs, store, oracle=oracle)
    begun = {run.name: begun_record(Path(output) / run.name) for run in runs}
    device = device or store.device
    runs = [_with_precision(run, runs, begun, store, device) for run in runs]
    folders = []
    for run in by_data(runs):
        path = Path(output) / run.name
        store.resume_from(run, begun[run.name])
        folders.append((run, RunFolder(path, _describe(run, runs, store, command))))
    return Prepared(store, folders)


def check_runs(runs: Sequence[RunConfig], store: Store, *, oracle: bool = False) -> None:
    """Refuse runs that could never be trained.

    Raises:
        InputError: target labels without ``oracle``, features, videos or labels that are not there,
            or a method that cannot be built for these sizes.
    """
    tried = set()
    for run in runs:
        if entry(run.method).method.reads_target_labels and not oracle:
            raise InputError(
                f"{run.method} trains on the target's labels, so its accuracy is an upper bound "
                "and no adaptation: permit it by --oracle (in Python: oracle=True)"
            )
        kind = (run.method, run.modality, run.segments, repr(run.options))
        if kind not in tried:
            tried.add(kind)
            domains = store.labelled(run, store.chosen(run))
            try:
                # On the meta device it takes no memory and no time.
                with plugin_errors(entry(run.method).plugin), torch.device("meta"):
                    new_method(run, domains)
            except InputError as error:
                raise InputError(f"{run.method} with segments={run.segments}: {error}") from None


def _with_precision(
    run: RunConfig,
    runs: Sequence[RunConfig],
    begun: Mapping[str, RunRecord | None],
    store: Store,
    device: torch.device,
) -> RunConfig:
    """The run with the precision that it has begun in, or that is chosen for it now.

    A fitted run has that of the run that it starts from. ``begun`` are records by runs' names.
    """
    fitted = issubclass(entry(run.method).method, FittedMethod)
    decides = (base_of(run, runs) if fitted else None) or run
    record = begun[decides.name] or begun[run.name]
    if run.train.precision == "auto" and record is not None:
        precision = record.run.train.precision
    else:
        precision = choose(decides, store.chosen(decides), device)
    return replace(run, train=replace(run.train, precision=precision))


def _describe(
    run: RunConfig, runs: Sequence[RunConfig], store: Store, command: Sequence[str]
) -> RunRecord:
    """Everything that decides the run; for a fitted one also the options of what it starts from."""
    known = entry(run.method)
    base = base_of(run, runs) if issubclass(known.method, FittedMethod) else None
    return RunRecord(
        run=run,
        base=None if base is None else base.options,
        data=store.describe(run),
        command=tuple(map(printable, command)),
        plugins=() if known.plugin is None else (known.plugin,),
        tool_version=__version__,
    )


def run_all(
    prepared: Prepared,
    *,
    on_state: OnState = lambda folder, state, why: None,
    on_step: OnStep = lambda folder, step, steps: None,
    on_evaluation: OnEvaluation = lambda folder, step, steps, record: None,
    on_note: OnNote = lambda text: None,
    save_seconds: float = 30.0,
    bundle: int = 1,
    only: Collection[RunConfig] | None = None,
) -> int:
    """Train every run that is not finished yet and that no other process trains.

    A run that cannot be trained, diverges or needs too much memory does not stop the others.

    Args:
        on_state: called with the folder, its new state, and why it failed.
        on_step, on_evaluation: as in `train`.
        on_note: called with what a user should know of how the runs are trained.
        save_seconds: work that a kill may cost.
        bundle: at most so many runs of one program shape are trained as one program; fewer where
            they do not fit into the memory, and one where the method does not permit more.
        only: train these of the runs; None for all.

    Returns:
        how many failed.
    """
    training = _Training(prepared, on_state, on_step, on_evaluation, on_note, save_seconds)
    runs = [each for each in prepared.runs if only is None or each[0] in only]
    waiting = deque(side_by_side(runs, bundle))
    while waiting:
        waiting.extendleft(reversed(training.train(waiting.popleft())))
    return len(training.failed)


@dataclass
class _Training:
    """Trains the runs of a grid, and counts those that fail; fields as in `run_all`."""

    prepared: Prepared
    on_state: OnState
    on_step: OnStep
    on_evaluation: OnEvaluation
    on_note: OnNote
    save_seconds: float
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
        processes = self.prepared.store.processes
        if processes.broadcast(folder.finished):
            self.on_state(folder, "finished before", "")
            return False
        mine = held.enter_context(_hold(folder, processes))
        if not mine or _base_is_elsewhere(run, self.prepared):
            self.on_state(folder, "elsewhere", "")
            return False
        if processes.broadcast(folder.finished):  # by another process, meanwhile
            self.on_state(folder, "finished before", "")
            return False
        self.on_state(folder, "running", "")
        return True

    def _train_together(self, group: Group) -> list[Group]:
        """Train runs as one program for all that are at the same step; as in `train`."""
        method, store = group[0][0].method, self.prepared.store
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
        prepared = self.prepared
        feed = prepared.store.feed(run)
        if not issubclass(entry(run.method).method, FittedMethod):
            return train(
                run,
                feed,
                folder,
                on_step=self.on_step,
                on_evaluation=self.on_evaluation,
                save_seconds=self.save_seconds,
            )
        base_run, base_folder = _base(run, prepared)
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
        alone = self.prepared.store.processes.size == 1 or isinstance(error, Diverged)
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


def _base(run: RunConfig, prepared: Prepared) -> tuple[RunConfig, RunFolder]:
    folders = dict(prepared.runs)
    base = base_of(run, folders)
    if base is None:
        raise InputError(f"{run.name} needs a source_only run of equal training options")
    return base, folders[base]


def _base_is_elsewhere(run: RunConfig, prepared: Prepared) -> bool:
    """Whether another process trains what this run starts from."""
    if not issubclass(entry(run.method).method, FittedMethod):
        return False
    with _base(run, prepared)[1].lock() as free:
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
