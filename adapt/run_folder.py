"""The folder of one run: what `evaluate` reads.

``config.json``   everything that decided the run; hashes of the features; no target label
``metrics.jsonl`` one line per evaluation: step, schedules, losses, discriminator accuracies
``checkpoint.pt`` the weights after the last step (loadable with ``weights_only=True``)
``logits.h5``     per evaluation, logits of source validation, target train and target test
                  videos by id; written last, so a folder that has it is a finished run
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from torch import nn

from .. import __version__
from ..cache import InputError

CONFIG, METRICS, CHECKPOINT, LOGITS = "config.json", "metrics.jsonl", "checkpoint.pt", "logits.h5"


class RunFolder:
    """Writes one run.

    Args:
        path: the folder; made if missing.
        config: JSON-ready; must equal that of a finished run in the same folder.

    Raises:
        InputError: the folder cannot be written or holds a run with another configuration.
    """

    def __init__(self, path: Path, config: dict[str, Any]) -> None:
        self.path = path
        self.config = config = json.loads(json.dumps({"tool_version": __version__, **config}))
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"cannot write the run {path}: {error.strerror}") from None
        if self.finished:
            self._check_same(config)

    @property
    def finished(self) -> bool:
        return (self.path / LOGITS).exists()

    def begin(self) -> None:
        """Write the configuration and start the metrics anew."""
        (self.path / CONFIG).write_text(json.dumps(self.config, indent=2) + "\n")
        (self.path / METRICS).write_text("")

    def log(self, record: dict[str, float]) -> None:
        """Append one line to the metrics."""
        with (self.path / METRICS).open("a") as file:
            file.write(json.dumps(record) + "\n")

    def finish(
        self,
        module: nn.Module,
        classes: Sequence[str],
        steps: Sequence[int],
        logits: dict[str, tuple[Sequence[str], np.ndarray]],
    ) -> None:
        """Write weights and logits.

        Args:
            steps: of the evaluations, [E].
            logits: per set of videos, ids [n] and logits [E, n, C].
        """
        torch.save(module.state_dict(), self.path / CHECKPOINT)
        temporary = self.path / (LOGITS + ".tmp")
        with h5py.File(temporary, "w") as h5:
            h5.attrs["classes"] = list(classes)
            h5["step"] = np.asarray(steps)
            for name, (ids, values) in logits.items():
                group = h5.create_group(name)
                group.create_dataset("id", data=list(ids), dtype=h5py.string_dtype())
                group["logits"] = values.astype(np.float32)
        os.replace(temporary, self.path / LOGITS)

    def _check_same(self, config: dict[str, Any]) -> None:
        try:
            before = flatten(what_counts(json.loads((self.path / CONFIG).read_text())))
        except (ValueError, KeyError):
            raise InputError(f"{self.path / CONFIG} is damaged: delete the run") from None
        now = flatten(what_counts(config))
        for key in sorted(before.keys() | now.keys()):
            if before.get(key) != now.get(key):
                raise InputError(
                    f"{self.path} is a finished run with another {key} ({before.get(key)}, now "
                    f"{now.get(key)}): choose another -o or delete it"
                )


def what_counts(config: dict[str, Any]) -> dict[str, Any]:
    """A configuration without what does not change the result: where the feature files lie (their
    hashes count) and the tool's version."""
    data = {k: v for k, v in config["data"].items() if k not in ("source", "target")}
    return {k: v for k, v in config.items() if k != "tool_version"} | {"data": data}


def flatten(config: Any, prefix: str = "") -> dict[str, Any]:
    """Nested dictionaries as one, with dotted keys."""
    if not isinstance(config, dict):
        return {prefix: config}
    return {
        name: value
        for key, inner in config.items()
        for name, value in flatten(inner, f"{prefix}.{key}" if prefix else key).items()
    }
