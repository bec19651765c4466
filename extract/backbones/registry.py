"""Find a backbone by name and load its weights."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from ...cache.errors import InputError, unknown
from .spec import BackboneSpec

_REGISTRY: dict[str, BackboneSpec] = {}


@dataclass(frozen=True)
class LoadedBackbone:
    """A backbone ready for use and where its weights came from.

    ``module`` maps normalised images [n, 3, H, W] to features [n, dim].
    """

    spec: BackboneSpec
    module: nn.Module
    weights: str
    sha256: str  # "" for random weights


def register(spec: BackboneSpec) -> None:
    """Add a backbone to the registry."""
    _REGISTRY[spec.name] = spec


def names() -> list[str]:
    """Registered backbones."""
    return list(_REGISTRY)


def get_spec(name: str) -> BackboneSpec:
    """The spec of a backbone.

    Raises:
        InputError: no such backbone; the message names the nearest.
    """
    if name not in _REGISTRY:
        raise unknown("backbone", name, _REGISTRY)
    return _REGISTRY[name]


def load_backbone(name: str, weights: str | None = None) -> LoadedBackbone:
    """Build a backbone in eval mode and load its weights.

    Args:
        name: in the registry.
        weights: None for the published ones, a checkpoint file, or "random".

    Raises:
        InputError: unknown backbone, weights that cannot be had, or a file that does not fit.
    """
    spec = get_spec(name)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # random weights are the same ones in every run
        module = spec.build()
    if weights == "random":
        return LoadedBackbone(spec, module.eval(), "random", "")
    path = Path(weights) if weights else _published(spec)
    sha256 = _file_sha256(path)
    if not weights and not sha256.startswith(spec.weights.sha256):
        raise InputError(f"{path} is damaged (its sha256 is not {spec.weights.sha256}): delete it")
    _load(module, spec, path)
    return LoadedBackbone(spec, module.eval(), path.name if weights else spec.weights.name, sha256)


def _published(spec: BackboneSpec) -> Path:
    try:
        return spec.weights.fetch()
    except (OSError, ImportError) as error:
        raise InputError(
            f"the {spec.weights.name} weights of {spec.name} cannot be had ({error}): connect to "
            f"the network, or give a file with --weights FILE (from {spec.weights.source}), or use "
            "the backbone efficientnet_lite0, or, for tests alone, --weights random"
        ) from None


def _load(module: nn.Module, spec: BackboneSpec, path: Path) -> None:
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds for a file that is no checkpoint
        reason = str(error).strip().partition("\n")[0]
        raise InputError(f"{path} is not a checkpoint of plain tensors: {reason}") from None
    state = checkpoint.get("state_dict", checkpoint) if isinstance(checkpoint, dict) else {}
    pairs = state.items() if isinstance(state, dict) else ()
    state = {str(k).removeprefix("module."): v for k, v in pairs if isinstance(v, Tensor)}
    state = {k: v for k, v in state.items() if not k.startswith(spec.head)}
    wanted = module.state_dict()
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


def _file_sha256(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise InputError(f"cannot read the weights {path}: {error.strerror}") from None
