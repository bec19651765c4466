"""Read what a run's folder holds beside its record: weights and what looked wrong."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ...cache.common.files.tensors import read_tensors, require_finite
from ...cache.common.records import from_data
from ...cache.errors import InputError
from ..config.options import RunConfig
from ..methods import Method, Sizes, build, is_built_in
from ..training.health import Finding
from ..training.snapshot import require_alike, require_tensor
from .files import may_be_damaged, parse_json, read_text, reason_of
from .folder import CHECKPOINT, HEALTH, RESUME, is_finished


def has_final_weights(path: Path) -> bool:
    """Whether a folder holds a finished run, or what is deployed of one: record and weights."""
    return is_finished(path) or ((path / CHECKPOINT).exists() and not (path / RESUME).exists())


def load_method(
    path: Path, config: RunConfig, sizes: Sizes
) -> tuple[Method, Mapping[str, Mapping[str, Tensor]]]:
    """A run's method with its final weights, on the CPU.

    Args:
        path: the run's folder.
        config: its options.
        sizes: of its data.

    Returns:
        the method, and by domain the ``mean`` and ``deviation`` [D_in] that its features were
        standardised by; empty where they were not.

    Raises:
        InputError: the checkpoint is missing or damaged, or is another method's.
    """
    file = path / CHECKPOINT
    with may_be_damaged(file):
        found = read_tensors(file)
        state, statistics = found["method"], found["normalise"]
        require_finite(found, "it")
        for domain in statistics and ("source", "target"):
            for name in ("mean", "deviation"):
                shape = (sizes.in_features,)
                require_tensor(statistics[domain][name], shape, torch.float32, f"{domain}'s {name}")
            if statistics[domain]["deviation"].min() <= 0:
                raise ValueError(f"{domain}'s deviation is not positive")
    try:
        # Networks of the wrong size may be larger than the memory: first without their weights.
        # Those of a plug-in may compute while they are built.
        with torch.device("meta") if is_built_in(config.method) else nullcontext():
            method = build(config.method, config.options, sizes)
    except (InputError, RuntimeError, TypeError, OverflowError) as error:
        raise InputError(f"{path} cannot be loaded: {reason_of(error)}") from None
    with may_be_damaged(file):
        if is_built_in(config.method):
            _require_fitting(state, method)
            method = build(config.method, config.options, sizes)
        method.load_state_dict(state)
    return method, statistics


def _require_fitting(state: Any, method: Method) -> None:
    try:
        require_alike(state, dict(method.state_dict()), "method")
    except ValueError as error:
        raise ValueError(f"it does not fit its run: {error}") from None


def read_health(path: Path) -> list[Finding]:
    """What looked wrong in a run; nothing where it did not say.

    Args:
        path: the run's folder.

    Raises:
        InputError: the file is damaged.
    """
    file = path / HEALTH
    with may_be_damaged(file, "delete it; the run itself is as it was"):
        return from_data(list[Finding], parse_json(read_text(file))) if file.exists() else []
