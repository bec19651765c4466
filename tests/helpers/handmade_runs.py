"""Run folders with chosen logits, without any training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from feature_files import CLASSES
from torch import nn

from tcon.adapt.config.runs import make_runs
from tcon.adapt.run.data_record import DataRecord, DomainRecord
from tcon.adapt.run.folder import RunFolder
from tcon.adapt.run.record import RunRecord
from tcon.adapt.run.videos import RunVideos
from tcon.cache import FeatureFile

STEPS = [10, 20, 30]
INDEX = {name: n for n, name in enumerate(CLASSES)}


def logits(n: int, right: int, confidence: float) -> np.ndarray:
    """Of videos v000, v001, ...: the first ``right`` get their true class, the rest the next."""
    classes = [(i + (i >= right)) % 3 for i in range(n)]
    return np.eye(3)[classes] * confidence


def write_run(
    folder: Path,
    files: tuple[Path, Path],
    *,
    train: Sequence[np.ndarray],
    test: Sequence[np.ndarray] | None = None,
    val: Sequence[np.ndarray] | None = None,
    segments: int = 4,
    seed: int = 0,
    settings: tuple[str, ...] = (),
    method: str = "tcon",
    modality: str = "rgb",
    task: str = "toy",
    videos: Sequence[int] = range(15),
    target_map: Mapping[str, int] = INDEX,
) -> Path:
    """A run by the logits of its evaluations: [n, 3] of target train, test and source validation.

    Without ``test``, those of ``train``; without ``val``, no source validation. ``videos`` are the
    numbers of the n videos that all of them are of.
    """
    source, target = FeatureFile(files[0]), FeatureFile(files[1])
    ids = [f"v{n:03d}.mp4" for n in videos]
    of_target = target.hashes(modality, labels=False, ids=ids)
    made_with = RunVideos(
        source_train=source.hashes(modality, labels=True),
        source_val={},
        target_train=of_target,
        target_test=of_target,
    )
    data = DataRecord(
        source=DomainRecord(
            path=str(files[0]), videos_sha256=made_with.sha256("source"), labels=INDEX
        ),
        target=DomainRecord(
            path=str(files[1]),
            videos_sha256=made_with.sha256("target"),
            labels=dict(target_map),
        ),
        protocol="inductive",
        task=task,
        classes=tuple(CLASSES),
        backbone="toy",
        weights="toy",
        mode="cached features",
    )
    settings = ("train.precision=fp32", *settings)
    config = make_runs([method], settings, modality=modality, segments=segments, seeds=seed + 1)[-1]
    record = RunRecord(run=config, data=data, tool_version="0")
    run = RunFolder(folder / config.name, record, made_with)
    run.begin()
    sets = {"target_train": train, "target_test": test or train}
    made = {name: (ids, np.stack(values)) for name, values in sets.items()}
    if val is not None:
        made["source_val"] = (ids, np.stack(val))
    run.finish(nn.Identity(), CLASSES, STEPS[-len(train) :], made)
    return run.path
