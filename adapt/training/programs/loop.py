"""The training loop. It knows nothing of any method."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from ....cache import InputError
from ...config.options import RunConfig
from ...data.feeds import CachedFeed, Feed
from ...methods import FittedMethod, Method
from ...run.folder import RunFolder
from ..health import Diverged
from ..new_method import new_method, seeded
from ..recorder import Recorder
from ..resume import Saver
from .program import dissolving, make_program
from .trainee import Trainee

T = TypeVar("T")
OnStep = Callable[[RunFolder, int, int], None]
OnEvaluation = Callable[[RunFolder, int, int, dict[str, float]], None]
OnFailure = Callable[[RunFolder, Exception], None]


def train(
    config: RunConfig,
    feed: Feed,
    folder: RunFolder,
    *,
    on_step: OnStep = lambda folder, step, steps: None,
    on_evaluation: OnEvaluation = lambda folder, step, steps, record: None,
    save_seconds: float = 30.0,
) -> Method:
    """Train one run and write its folder; an interrupted one continues where it was stored.

    Args:
        config: the run.
        feed: its batches; no target labels.
        folder: where it is recorded.
        on_step: called with the folder, the steps done and those in all.
        on_evaluation: called with these and the record that was logged.
        save_seconds: work that a kill may cost.

    Returns:
        the trained method.

    Raises:
        InputError: the method cannot be built for these sizes.
        Diverged: the loss or a logit is not finite at an evaluation.
    """

    def fail(_: RunFolder, error: Exception) -> None:
        raise error

    trainee = Trainee(config, feed, folder)
    train_together(
        [trainee],
        on_step=on_step,
        on_evaluation=on_evaluation,
        on_failure=fail,
        save_seconds=save_seconds,
    )
    return trainee.method


def train_together(
    trainees: Sequence[Trainee],
    *,
    on_step: OnStep,
    on_evaluation: OnEvaluation,
    on_failure: OnFailure,
    save_seconds: float,
    recorded: bool = False,
) -> list[Trainee]:
    """Train runs of one program shape, all at the same step, to their end.

    One that fails leaves, and the others go on.

    Args:
        trainees: the runs.
        on_step, on_evaluation, save_seconds: as in `train`.
        on_failure: called with the folder of a run that diverges or cannot be recorded, and why.
        recorded: record a step on a GPU as a CUDA graph, and replay it.

    Returns:
        those that have finished.

    Raises:
        Dissolved: they cannot go on as one program, or cannot be recorded.
        InputError: no run can go on with this input.
    """
    training, saver = list(trainees), Saver(save_seconds)

    def of_each(act: Callable[[Trainee], T]) -> list[tuple[Trainee, T]]:
        """What ``act`` gives for each run; those that fail at it leave."""
        results = []
        for trainee in tuple(training):
            try:
                results.append((trainee, act(trainee)))
            except (Diverged, InputError) as error:
                training.remove(trainee)
                on_failure(trainee.folder, error)
        return results

    while training and training[0].step < training[0].steps:
        size = len(training)
        alone = size == 1 and not recorded
        with dissolving(alone=alone):
            program = make_program(training, recorded=recorded)
        while len(training) == size and training[0].step < training[0].steps:
            with dissolving(alone=alone):
                program.step()
            for trainee in training:
                on_step(trainee.folder, trainee.step, trainee.steps)
            with dissolving(alone=alone):
                evaluated = of_each(Trainee.evaluate)
            for trainee, record in evaluated:
                if record is not None:
                    on_evaluation(trainee.folder, trainee.step, trainee.steps, record)
            if training and training[0].feed.writes and saver.due:
                with saver.timed():
                    of_each(lambda trainee: saver.save(trainee.folder, trainee.snapshot()))
        with dissolving(alone=alone):
            program.close()
    of_each(Trainee.finish)
    return training


def fit(
    config: RunConfig,
    feed: CachedFeed,
    folder: RunFolder,
    *,
    base: Method,
    on_evaluation: OnEvaluation = lambda folder, step, steps, record: None,
) -> Method:
    """`train` for a `FittedMethod`: an evaluation after each iteration. It is not resumed.

    Args:
        base: the trained `source_only` that it starts from.
    """
    folder.begin()
    with seeded(config.seed):
        method = new_method(config, feed.domains).to(feed.device)
        recorder = Recorder(folder, feed)
        assert isinstance(method, FittedMethod)
        logged = method.fit(base, *feed.all_central(method.snippets))
        for step, logs in enumerate(logged, start=1):
            recorder.add(logs)
            on_evaluation(folder, step, 0, recorder.evaluate(method, step))
    recorder.finish(method)
    return method
