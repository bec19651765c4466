"""What to know of runs before they start, in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..cache.common.counts import counted
from .config.options import RunConfig
from .data.store import Store
from .grid import Prepared
from .methods import FittedMethod, entry
from .tasks.task import VERIFIED

_SINGLE_SEED = (
    "a single seed does not tell how far seeds agree, which is one of the grounds of a "
    "recommendation: train three by --seeds 3 (in Python seeds=3)"
)


@dataclass(frozen=True)
class Briefing:
    """What was understood of a grid.

    Args:
        notes: sentences.
        warnings: what may be wrong with it, in sentences.
        steps: how many each run has, by its name; of fitted ones nobody knows.
    """

    notes: tuple[str, ...]
    warnings: tuple[str, ...]
    steps: Mapping[str, int]


def brief(prepared: Prepared, devices: Sequence[str], *, recommended: bool = False) -> Briefing:
    """Videos, classes, steps, and warnings; each sentence once.

    Args:
        prepared: the grid.
        devices: where it is trained.
        recommended: whether one of its methods is to be chosen (`Grid.recommended`).
    """
    runs, store = [run for run, _ in prepared.runs], prepared.store
    said: dict[str, None] = dict.fromkeys(_videos(prepared, runs, ", ".join(devices)))
    if store.task.status not in ("", VERIFIED):
        said[f"Classes of {store.task.name}: {store.task.status}."] = None
    steps: dict[str, int] = {}
    faster: dict[str, None] = {}  # fitted methods compute in float32 always
    for run in runs:
        known = entry(run.method)
        if known.note:
            said[f"{known.title}: {known.note}."] = None
        if issubclass(known.method, FittedMethod):
            said[f"{run.method} starts from source_only, which is trained for it."] = None
        else:
            videos = len(store.chosen(run).source_train)
            steps[run.name] = run.train.steps(videos)
            said[_steps(run, videos)] = None
            if run.train.precision == "bf16":
                faster[run.method] = None
    if faster:
        said[f"Matrix products of {', '.join(faster)} are in bf16 (--precision)."] = None
    said |= {text: None for run in runs for text in store.notes(run)}
    if str(store.device) in devices:  # else processes of their own load the features
        said |= dict.fromkeys(memory_notes(store, runs))
    warnings = {text: None for run in runs for text in store.warnings(run)}
    if recommended and len({run.seed for run in runs}) == 1:
        warnings[_SINGLE_SEED] = None
    return Briefing(tuple(said), tuple(warnings), steps)


def memory_notes(
    store: Store, runs: Sequence[RunConfig], *, short_of_memory: bool = False
) -> list[str]:
    """Where the runs' features lie, a sentence for each modality.

    Args:
        store: has the features.
        runs: that train on them.
        short_of_memory: only of features that do not fit on the device.
    """
    places = {run.modality: store.placement(run) for run in runs}
    return [
        place.note(f"{modality} features")
        for modality, place in places.items()
        if place and not (short_of_memory and place.place == "device")
    ]


def _videos(prepared: Prepared, runs: list[RunConfig], devices: str) -> list[str]:
    """A sentence per way of choosing videos."""
    said = []
    for way in dict.fromkeys((run.train.holdout, run.train.target_pool) for run in runs):
        of_way = [r for r in runs if (r.train.holdout, r.train.target_pool) == way]
        domains = prepared.store.chosen(of_way[0])
        adapts = any(entry(r.method).method.uses_target for r in of_way)
        use = "adapted on" if adapts else "not trained on"
        validate = f", {len(domains.source_val)} validate" if domains.source_val else ""
        said.append(
            f"{domains.task.name}: {counted(len(domains.task.classes), 'class')}; source "
            f"{len(domains.source_train)} train{validate}; target {len(domains.target_train)} "
            f"{use}, {len(domains.target_test)} tested ({domains.protocol}); "
            f"{devices}"
        )
    return said


def _steps(run: RunConfig, videos: int) -> str:
    train = run.train
    epochs, per_epoch = train.epochs, train.steps_per_epoch(videos)
    by_epochs = f"{counted(epochs, 'epoch')} of {per_epoch}"
    if (decides := train.steps_decided_by(videos)) != "train.epochs":
        by_epochs = f"{decides}; {by_epochs} would be {epochs * per_epoch}"
    return f"Each run has {counted(train.steps(videos), 'step')} ({by_epochs})."
