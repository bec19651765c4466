"""Checkpoint files: plain tensors only, and only those that fit."""

from __future__ import annotations

import hashlib
from pathlib import Path

from torch import Tensor, nn

from ...cache.common.files.regular import require_file
from ...cache.common.files.tensors import read_tensors, require_finite
from ...cache.errors import InputError
from .spec import BackboneSpec

_CHUNK = 2**20  # bytes
# What training code puts before every key: torch's DataParallel, then TSN.
_PREFIXES = ("module.", "base_model.")
_OF_A_RUN = "checkpoint.pt"  # in the folder of a run


def file_sha256(path: Path) -> str:
    """The sha256 of a file, or of a model's folder, its configuration and weights, in hexadecimal.

    Raises:
        InputError: it cannot be read.
    """
    digest = hashlib.sha256()
    try:
        for each in _model_in(path) if path.is_dir() else [path]:
            require_file(each)
            with each.open("rb") as file:
                while chunk := file.read(_CHUNK):
                    digest.update(chunk)
    except OSError as error:
        raise InputError(f"cannot read the weights {path}: {error.strerror}") from None
    except ValueError as error:
        raise InputError(f"cannot read the weights {path}: {error}") from None
    return digest.hexdigest()


def _model_in(folder: Path) -> list[Path]:
    """Of a model's folder the files that decide its features, in order: by another configuration
    the same weights make others."""
    weights = sorted(folder.glob("*.safetensors")) or sorted(folder.glob("*.bin"))
    return [*folder.glob("config.json"), *weights]


def checkpoint_file(weights: str) -> Path:
    """The file of ``--weights``: itself, or the checkpoint of an end-to-end run's folder.

    Raises:
        InputError: a folder without one.
    """
    path = Path(weights)
    if path.is_dir() and not (path / _OF_A_RUN).is_file():
        raise InputError(f"{path} holds no {_OF_A_RUN}: it is not the folder of a finished run")
    return path / _OF_A_RUN if path.is_dir() else path


def read_state(path: Path) -> dict[str, Tensor]:
    """The tensors of a state dict, of ``{"state_dict": ...}``, or of the backbone of an end-to-end
    run, under their plain names.

    No code of the file is run.

    Raises:
        InputError: it is not a file of plain tensors, has numbers that are not finite, or is a run
            that trained no backbone.
    """
    try:
        checkpoint = read_tensors(path)
    except (OSError, ValueError):
        raise InputError(
            f"{path} is not a checkpoint of plain tensors (no code in a file is ever run)"
        ) from None
    state = checkpoint if isinstance(checkpoint, dict) else {}
    if state.keys() >= {"method", "normalise"}:
        if "backbone" not in state:
            raise InputError(f"{path.parent} is a run on cached features: it trained no backbone")
        state = state["backbone"]
    state = state.get("state_dict", state) if isinstance(state, dict) else None
    pairs = state.items() if isinstance(state, dict) else ()
    tensors = {_plain(str(key)): value for key, value in pairs if isinstance(value, Tensor)}
    try:
        require_finite(tensors, "its tensor")
    except ValueError as error:
        raise InputError(f"{path} is damaged: {error}") from None
    return tensors


def _plain(key: str) -> str:
    for prefix in _PREFIXES:
        key = key.removeprefix(prefix)
    return key


def classifier_of(state: dict[str, Tensor], spec: BackboneSpec) -> tuple[Tensor, Tensor] | None:
    """The linear classifier that a checkpoint has on the features: weight [C, D], bias [C].

    None if it has none, or one that is not a single layer.
    """
    head = {key: value for key, value in state.items() if key.startswith(spec.heads)}
    weights = [v for k, v in head.items() if k.endswith(".weight")]
    biases = [v for k, v in head.items() if k.endswith(".bias")]
    if len(weights) != 1 or len(biases) != 1 or weights[0].ndim < 2:
        return None
    weight, bias = weights[0].flatten(1).float(), biases[0].flatten().float()  # 1x1x1 kernels: S3D
    return (weight, bias) if weight.shape == (len(bias), spec.dim) else None


def load_state(module: nn.Module, state: dict[str, Tensor], spec: BackboneSpec, path: Path) -> None:
    """Put a checkpoint's tensors into ``module``; the classifier's and unused ones may be there.

    Raises:
        InputError: a tensor is missing, of another shape, or foreign to the backbone.
    """
    wanted = module.state_dict()
    state = {k: v for k, v in state.items() if not k.startswith(spec.heads + spec.unused)}
    for key, value in state.items():  # old BN-Inception files hold vectors as [1, C]
        if key in wanted and wanted[key].ndim == 1 and value.shape == (1, *wanted[key].shape):
            state[key] = value[0]
    missing = [k for k in wanted if k not in state and not k.endswith("num_batches_tracked")]
    misshapen = [k for k in wanted if k in state and state[k].shape != wanted[k].shape]
    surplus = [k for k in state if k not in wanted]
    if wrong := missing + misshapen + surplus:
        raise InputError(
            f"{path} does not fit {spec.name}: {len(missing)} of {len(wanted)} tensors missing, "
            f"{len(misshapen)} of another shape, {len(surplus)} that it does not have "
            f"(first: {wrong[0]})"
        )
    module.load_state_dict(state, strict=False)
