"""The folder of one run: what `evaluate` reads.

``config.json``   everything that decided the run (`record`); no target label
``videos.json``   which videos it was made with, by id and hash (`videos`)
``metrics.jsonl`` one line per evaluation: step, schedules, losses, discriminator accuracies
``health.json``   what looks wrong in the metrics, and the remedies
``checkpoint.pt`` ``method``, the weights after the last step; ``normalise``, each domain's
                  ``mean`` and ``deviation`` if features were standardised; ``backbone`` of an
                  end-to-end run (loadable with ``weights_only=True``)
``logits.h5``     per evaluation, logits of source validation, target train and target test
                  videos by id; written last, so a folder that has it is a finished run
``resume.pt``     of an unfinished run alone: where it continues (`resume`)
``.lock``         of a run that is being trained, or whose process was killed; it is empty
"""

from __future__ import annotations

import io
import json
import os
import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from torch import nn

from ...cache.common.files.locks import release, try_lock
from ...cache.common.files.walk import walk
from ...cache.errors import InputError, shorten
from ..training.health import Finding
from .files import replace_file, writing
from .metrics import METRICS, read_metrics
from .record import CONFIG, RunRecord, read_record, write_record
from .videos import VIDEOS, RunVideos, read_videos, write_videos

# What differs where labels were taken as they are written, as by older versions.
_OF_VIDEOS = {"data.source.features", "data.target.features", "data.videos"}
_OF_LABELS = {"data.classes", "data.source.labels", "data.target.labels", *_OF_VIDEOS}
_OF_START = {"data.continued.features", "data.continued.weights"}
CHECKPOINT, LOGITS = "checkpoint.pt", "logits.h5"
HEALTH, RESUME, LOCK = "health.json", "resume.pt", ".lock"
_NAMED = 12  # settings in a message


class RunFolder:
    """Writes one run.

    Args:
        path: the folder, made by `make` or `begin`.
        record: of the run; must be the same run as one that the folder holds already.
        videos: that it is made with; None where nobody is to know them.

    Raises:
        InputError: the folder holds another run.
    """

    def __init__(self, path: Path, record: RunRecord, videos: RunVideos | None = None) -> None:
        self.path, self.record, self.videos = path, record, videos
        if self.finished or self.resume.exists():
            self._require_same()

    def make(self) -> None:
        """Make the folder if it is missing.

        Raises:
            InputError: it cannot be written.
        """
        with writing(self.path):
            self.path.mkdir(parents=True, exist_ok=True)

    @property
    def finished(self) -> bool:
        return is_finished(self.path)

    @property
    def resume(self) -> Path:
        return self.path / RESUME

    @contextmanager
    def lock(self) -> Iterator[bool]:
        """Keep other processes out; gives False where another one trains this run.

        Raises:
            InputError: the folder cannot be written.
        """
        with writing(self.path):
            lock = try_lock(self.path / LOCK)
        try:
            yield lock is not None
        finally:
            if lock is not None:
                release(lock)

    def begin(self, written: int = 0) -> None:
        """Make the folder, write the record; keep the first ``written`` bytes of the metrics."""
        self.make()
        replace_file(self.path / CONFIG, write_record(self.record))
        if self.videos is not None:
            replace_file(self.path / VIDEOS, write_videos(self.videos))
        metrics = self.path / METRICS
        kept = metrics.read_bytes()[:written] if written else b""
        replace_file(metrics, kept)

    def log(self, record: Mapping[str, float]) -> None:
        """Append one line to the metrics.

        Raises:
            InputError: the disk is full.
        """
        path = self.path / METRICS
        with writing(path), path.open("a") as file:
            file.write(json.dumps(record) + "\n")

    def sync_metrics(self) -> int:
        """Put the metrics on the disk for good; returns how many bytes of them there are."""
        with (self.path / METRICS).open("rb+") as file:
            os.fsync(file.fileno())
        return self.metrics_size

    @property
    def metrics_size(self) -> int:
        """Bytes of the metrics; 0 where there are none."""
        path = self.path / METRICS
        return path.stat().st_size if path.is_file() else 0

    @property
    def records(self) -> list[dict[str, float]]:
        """The metrics.

        Raises:
            InputError: they are damaged.
        """
        return read_metrics(self.path)

    def finish(
        self,
        module: nn.Module,
        classes: Sequence[str],
        steps: Sequence[int],
        logits: Mapping[str, tuple[Sequence[str], np.ndarray]],
        *,
        more: Mapping[str, Any] | None = None,
        findings: Sequence[Finding] = (),
    ) -> None:
        """Write weights, health and logits.

        Args:
            module: the method.
            classes: their names, [C].
            steps: of the evaluations, [E].
            logits: per set of videos, ids [n] and logits [E, n, C].
            more: of the checkpoint: what the features were standardised by (``normalise``), and
                what else was trained.
            findings: what looks wrong.
        """
        checkpoint = {"method": module.state_dict(), "normalise": {}, **(more or {})}
        buffer = io.BytesIO()  # torch says nothing sensible of a full disk
        torch.save(checkpoint, buffer)
        replace_file(self.path / CHECKPOINT, buffer.getvalue())
        health = json.dumps([asdict(finding) for finding in findings], indent=2)
        replace_file(self.path / HEALTH, (health + "\n").encode())
        # In memory: HDF5 follows links, and may crash on a full disk.
        with h5py.File(LOGITS, "w", driver="core", backing_store=False) as h5:
            h5.attrs["classes"] = list(classes)
            h5["step"] = np.asarray(steps)
            for name, (ids, values) in logits.items():
                group = h5.create_group(name)
                group.create_dataset("id", data=list(ids), dtype=h5py.string_dtype())
                group["logits"] = values.astype(np.float32)
            h5.flush()
            replace_file(self.path / LOGITS, h5.id.get_file_image())
        self.forget()

    def forget(self) -> None:
        """Drop where an unfinished run would continue: it starts over."""
        for name in (RESUME, RESUME + ".tmp"):
            (self.path / name).unlink(missing_ok=True)

    def _require_same(self) -> None:
        before = read_record(self.path)
        if before.namesake:
            raise InputError(
                f"{self.path}: {before.namesake}. To train tcon's own, choose another -o"
            )
        differences = before.differences(self.record)
        if not differences:
            return
        state = "a finished" if self.finished else "an interrupted"
        keys = {d.key for d in differences}
        videos, start = self._other_videos(keys), self._other_start(before, keys)
        said = (_OF_VIDEOS if videos else set()) | (_OF_START if start else set())
        named = [
            f"{d.key} ({shorten(str(d.ours))}, now {shorten(str(d.theirs))})"
            for d in differences
            if d.key not in said
        ]
        if len(named) > _NAMED:
            named[_NAMED:] = [f"{len(named) - _NAMED} more"]
        changes = f" with another {', '.join(named)}" if named else ""
        changes += f" of other videos, now with {videos}" if videos else ""
        changes += start
        both = before.settings().keys() & self.record.settings().keys()
        remedy = ""
        if all(d.key in both for d in differences):
            words = " ".join(f"--set {_setting(d.key, d.ours)}" for d in differences)
            remedy = (
                ". If you changed nothing, the defaults have changed since; to go on with it as it "
                f"was: {words}"
            )
        elif before.data.exact_labels and not self.record.data.exact_labels and keys <= _OF_LABELS:
            remedy = "; or go on with it by --exact-labels, if no label of the files has changed"
        elif videos and self.finished and not self.record.continued:
            runs = self.path.parent
            remedy = f"; with another -o, --continue-from {runs} starts from the weights in there"
        # What is to be continued may be this very run.
        delete = "" if self.record.continued else " or delete it"
        raise InputError(f"{self.path} is {state} run{changes}: choose another -o{delete}{remedy}")

    def _other_videos(self, keys: Collection[str]) -> str:
        """What has become of a run's videos, where these ``keys`` differ; else empty."""
        before = read_videos(self.path)
        said = [
            str(before.changes(self.videos, domain))
            if before and self.videos
            else f"{domain} videos or features that differ"
            for domain in ("source", "target")
            if f"data.{domain}.features" in keys
        ]
        return ", ".join(said)

    def _other_start(self, before: RunRecord, keys: Collection[str]) -> str:
        """From whose weights the run began and would begin now, where these ``keys`` differ and
        that is not the same run; else empty."""
        was, now = (_start(record) for record in (before, self.record))
        if was == now or not _OF_START.intersection(keys):
            return ""
        return f", which began {was}, not {now}"


def _start(record: RunRecord) -> str:
    start = record.continued
    return f"with the weights of {start.path}" if start else "from scratch"


def _setting(key: str, value: Any) -> str:
    """``key=value`` as a shell takes it and ``--set`` reads it."""
    text = str(value).lower() if isinstance(value, bool | None) else str(value)
    return shlex.quote(f"{key}={text}")


def run_folders(path: Path) -> list[Path]:
    """All run folders in a folder, at any depth, sorted; those that links lead to too, each once.

    Raises:
        OSError: a folder cannot be read.
    """
    below = walk(path) if path.is_dir() else ()
    return sorted(place for place, folders, files in below if CONFIG in (*folders, *files))


def is_finished(path: Path) -> bool:
    """Whether a folder holds a finished run: the logits are written last."""
    return (path / LOGITS).exists()


def begun_record(path: Path) -> RunRecord | None:
    """The record of a finished or interrupted run; None where there is none to be read."""
    if not is_finished(path) and not (path / RESUME).exists():
        return None
    try:
        return read_record(path)
    except InputError:  # `RunFolder` refuses it
        return None
