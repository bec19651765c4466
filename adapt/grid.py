"""Many runs in one go: every method with every seed on the same two domains."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from ..cache import FeatureFile, InputError
from ..cache.device import choose_device
from .config import RunConfig
from .domains import Domains, load_domains
from .loop import OnEvaluation, train
from .normalise import normalise
from .run_folder import RunFolder
from .task import Task, read_task, shared_classes


@dataclass(frozen=True)
class Prepared:
    """Runs that are ready to start: wrong input has been refused by now."""

    domains: Domains
    runs: list[tuple[RunConfig, RunFolder]]
    device: torch.device


def prepare(
    source: str | Path,
    target: str | Path,
    runs: Sequence[RunConfig],
    output: str | Path,
    *,
    task: str | Path | None = None,
    device: str = "auto",
) -> Prepared:
    """Read both feature files and make a folder per run.

    Args:
        source, target: feature files.
        runs: of one modality and with one ``normalise``.
        output: folder that gets one sub-folder per run.
        task: csv of classes; None for the class names that both files share.
        device: "auto", "cpu", "cuda", ...

    Raises:
        InputError: anything that would stop a run.
    """
    chosen = choose_device(device)
    source_file, target_file = FeatureFile(source), FeatureFile(target)
    for file in (source_file, target_file):
        if not file.videos:
            raise InputError(
                f"{file.path} holds no videos ({len(file.failures)} failed): tcon inspect shows why"
            )
    modality = runs[0].modality
    chosen_task = read_task(task) if task else _shared(source_file, target_file)
    domains = load_domains(
        source_file, target_file, modality=modality, task=chosen_task, device=chosen
    )
    domains = normalise(domains, runs[0].train.normalise)
    data = _describe(source_file, target_file, modality, domains)
    folders = [
        (run, RunFolder(Path(output) / run.name, {**asdict(run), "data": data})) for run in runs
    ]
    return Prepared(domains, folders, chosen)


def run_all(
    prepared: Prepared,
    *,
    on_start: Callable[[RunConfig, RunFolder], None] = lambda run, folder: None,
    on_evaluation: OnEvaluation = lambda step, steps, record: None,
) -> None:
    """Train every run that is not finished yet."""
    for run, folder in prepared.runs:
        on_start(run, folder)
        if not folder.finished:
            train(
                run, prepared.domains, folder, device=prepared.device, on_evaluation=on_evaluation
            )


def repeating_videos(domains: Domains, segments: int) -> int:
    """How many videos have fewer snippets than segments, so that some repeat."""
    sets = {"source": (domains.source_train, domains.source_val)}
    sets["target"] = (domains.target_train, domains.target_test)
    short = {
        (domain, id_)
        for domain, splits in sets.items()
        for videos in filter(None, splits)
        for id_, count in zip(videos.ids, videos.count.tolist(), strict=True)
        if count < segments
    }
    return len(short)


def _shared(source: FeatureFile, target: FeatureFile) -> Task:
    return shared_classes((v.label for v in source.videos), (v.label for v in target.videos))


def _describe(
    source: FeatureFile, target: FeatureFile, modality: str, domains: Domains
) -> dict[str, Any]:
    """What the run was given; of the target nothing that depends on its labels' assignment."""
    return {
        "source": str(source.path.resolve()),
        "source_sha256": source.sha256(modality, labels=True),
        "target": str(target.path.resolve()),
        "target_sha256": target.sha256(modality, labels=False),
        "backbone": source.provenance[modality].backbone,
        "weights": source.provenance[modality].weights,
        "mode": "cached features",
        "protocol": domains.protocol,
        "task": domains.task.name,
        "classes": list(domains.task.classes),
        "source_map": dict(domains.task.source),
        "target_map": dict(domains.task.target),
        "videos": {
            "source_train": len(domains.source_train),
            "source_val": len(domains.source_val or ()),
            "target_train": len(domains.target_train),
            "target_test": len(domains.target_test),
        },
    }
