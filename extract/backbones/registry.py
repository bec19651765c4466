"""Find a backbone by name and load its weights."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from ...cache.errors import InputError, unknown
from .checkpoint import checkpoint_file, classifier_of, file_sha256, load_state, read_state
from .flow_input import average_over_rgb, flow_preprocessing, widen_first_conv
from .spec import BackboneSpec

MODALITIES = ("rgb", "flow")
_REGISTRY: dict[str, BackboneSpec] = {}


@dataclass(frozen=True)
class LoadedBackbone:
    """A backbone ready for use and where its weights came from.

    Args:
        spec: its preprocessing is that of the modality.
        module: maps normalised images [n, 3, H, W], clips [n, 3, L, H, W], flow [n, 10, H, W]
            or clips of flow [n, 2, L, H, W] to features [n, D].
        weights: "imagenet" or the like, or the file's name, or "random"; ends in
            ", cross-modality" where RGB weights were turned into flow's.
        sha256: of the file; "" for random weights.
        classifier: the checkpoint's own: weight [C, D] and bias [C]; logits are
            ``features @ weight.T + bias``. None where it has none for this modality.
        trained: by an end-to-end run, which computes in 16 bits by autocast, with float32 weights.
    """

    spec: BackboneSpec
    module: nn.Module
    weights: str
    sha256: str
    classifier: tuple[Tensor, Tensor] | None = None
    trained: bool = False


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


def load_backbone(
    name: str, weights: str | None = None, *, modality: str = "rgb"
) -> LoadedBackbone:
    """Build a backbone in eval mode and load its weights.

    Args:
        name: in the registry.
        weights: None for the published ones, a checkpoint file, the folder of a finished
            end-to-end run, or "random".
        modality: "rgb" or "flow". For flow, a checkpoint of RGB is turned into one of flow; a
            checkpoint of flow is loaded as it is.

    Raises:
        InputError: unknown backbone or modality, a backbone that takes no flow, weights that
            cannot be had, or a file that does not fit.
    """
    spec = get_spec(name)
    if modality not in MODALITIES:
        raise unknown("modality", modality, MODALITIES)
    if modality == "flow" and not spec.first_conv:
        takers = ", ".join(s.name for s in _REGISTRY.values() if s.first_conv)
        raise InputError(f"{name} takes RGB clips, not flow: choose one of {takers}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # random weights are the same ones in every run
        module = spec.build().eval()
    if modality == "flow":
        widen_first_conv(module, spec.first_conv)
        spec = replace(spec, preprocessing=flow_preprocessing(spec))
    if weights == "random":
        return LoadedBackbone(spec, module, "random", "")
    path = checkpoint_file(weights) if weights else _published(spec)
    sha256 = file_sha256(path)
    if not weights and not sha256.startswith(spec.weights.sha256):
        raise InputError(f"{path} is damaged (its sha256 is not {spec.weights.sha256}): delete it")
    origin = Path(weights).resolve().name if weights else spec.weights.name
    state = read_state(path)
    classifier = classifier_of(state, spec)
    first = f"{spec.first_conv}.weight"
    if modality == "flow" and first in state and state[first].shape[1:2] == (3,):
        state[first] = average_over_rgb(state[first])
        origin += ", cross-modality"
        classifier = None  # it knows what things look like, not how they move
    load_state(module, state, spec, path)
    trained = bool(weights) and Path(weights).is_dir()
    return LoadedBackbone(spec, module, origin, sha256, classifier, trained)


def _published(spec: BackboneSpec) -> Path:
    try:
        return spec.weights.fetch()
    except (OSError, ImportError) as error:
        raise InputError(
            f"the {spec.weights.name} weights of {spec.name} cannot be had ({error}): connect to "
            f"the network, or give a file with --weights FILE (from {spec.weights.source}), or use "
            "the backbone efficientnet_lite0, or, for tests alone, --weights random"
        ) from None
