"""Runs that start from the weights of a finished one; all else in them is fresh."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from ...cache.errors import InputError, printable, shorten
from ..data.domains import MUST_AGREE, Domains
from ..methods import Method
from ..run.data_record import Continued
from ..run.folder import is_finished
from ..run.read import load_method
from ..run.record import CONFIG, RunRecord, read_record
from .new_method import new_method, sizes_of
from .snapshot import require_alike

# What weights depend on, beside what both domains' features must have in common.
_OF_RUNS = ("method", "modality", "segments")
_OF_DATA = ("classes", "backbone", "weights_sha256")


def continued_from(path: Path, record: RunRecord, domains: Domains) -> Continued:
    """The finished run that a run is to start from.

    Args:
        path: its folder, or one with a run of the same name.
        record: of the run that is to start.
        domains: that it is trained on.

    Raises:
        InputError: there is no such run; or it differs in the method, how features were
            made or standardised, sizes or classes.
    """
    run = record.run
    folder = path if (path / CONFIG).exists() else path / run.name
    if not is_finished(folder):
        raise InputError(f"{folder} is no finished run, from whose weights {run.name} could start")
    base = read_record(folder)
    base.require_method()
    if others := ", ".join(_others(base, record)):
        raise InputError(
            f"{run.name} cannot start from the weights of {folder}, which differs in {others}"
        )
    weights = _weights(folder, base, domains)
    with torch.device("meta"):
        fresh = new_method(run, domains).state_dict()
    try:
        require_alike(weights, dict(fresh), "method")
    except ValueError as error:
        raise InputError(f"the weights of {folder} do not fit {run.name}: {error}") from None
    return Continued(
        path=printable(str(folder.resolve())),
        weights_sha256=_sha256(weights),
        features=(base.data.source.fingerprint, base.data.target.fingerprint),
    )


def take_weights(method: Method, known: Continued, domains: Domains) -> None:
    """Give a method, before its first step, the weights that it starts from.

    Raises:
        InputError: they are gone, damaged or others by now.
    """
    folder = Path(known.path)
    weights = _weights(folder, read_record(folder), domains)
    if _sha256(weights) != known.weights_sha256:
        raise InputError(f"the weights of {folder} have changed since: repeat the command")
    method.load_state_dict(weights)


def _weights(folder: Path, record: RunRecord, domains: Domains) -> dict[str, torch.Tensor]:
    """Of a finished run, on the CPU."""
    method, _ = load_method(folder, record.run, sizes_of(record.run, domains))
    return dict(method.state_dict())


def _others(base: RunRecord, record: RunRecord) -> Iterator[str]:
    """In what a finished run is not like one that is to start from it."""
    compared: list[tuple[Any, Any, Sequence[str]]] = [
        (base.run, record.run, _OF_RUNS),
        (base.run.train, record.run.train, ("normalise",)),
        (base.data, record.data, _OF_DATA),
    ]
    if base.data.recipe is not None:  # else it is from before runs recorded it
        others = [name for name in MUST_AGREE if name not in _OF_DATA]
        compared.append((base.data.recipe, record.data.recipe, others))
    for theirs, ours, names in compared:
        for name in names:
            before, now = getattr(theirs, name), getattr(ours, name)
            if before != now:
                yield f"{name} ({_said(before)}, not {_said(now)})"


def _said(value: object) -> str:
    return shorten(", ".join(value) if isinstance(value, tuple) else str(value))


def _sha256(weights: dict[str, torch.Tensor]) -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(weights.items()):
        digest.update(name.encode() + tensor.numpy().tobytes())
    return digest.hexdigest()
