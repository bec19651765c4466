"""Find a backbone by name and load its weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

from ...cache.common.plugins import current_plugin, load_entry_points, plugin_of
from ...cache.errors import InputError, printable, shorten, unknown, unknown_backbone
from ...cache.recipe import Preprocessing
from .checkpoint import checkpoint_file, classifier_of, file_sha256, load_state, read_state
from .flow_input import average_over_rgb, flow_preprocessing, widen_first_conv
from .libraries import resolve
from .libraries.name import is_library_name
from .spec import BackboneSpec, Weights

MODALITIES = ("rgb", "flow")
_OF_RGB = ", cross-modality"  # behind the name of RGB weights that were turned into flow's
Build = TypeVar("Build", bound=Callable[[], nn.Module])
_REGISTRY: dict[str, BackboneSpec] = {}
_BUILT_IN: set[str] = set()


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

    @property
    def published(self) -> Weights | None:
        """The published weights, if they are these; None for a file of the user's own."""
        known = self.spec.weights
        if known is None:
            return None
        same_file = bool(known.sha256) and self.sha256.startswith(known.sha256)
        return known if same_file or self.weights.removesuffix(_OF_RGB) == known.name else None

    def __repr__(self) -> str:
        return f"LoadedBackbone({self.spec.name}, weights {self.weights!r})"


def add(spec: BackboneSpec) -> None:
    """Add a backbone of tcon's own to the registry."""
    _REGISTRY[spec.name] = spec
    _BUILT_IN.add(spec.name)


def register(
    *,
    name: str,
    dim: int,
    layer: str,
    preprocessing: Preprocessing = Preprocessing(),  # noqa: B008  (frozen)
    snippet_length: int = 1,
    clip_rate: float | None = None,
    weights: Weights | None = None,
    first_conv: str = "",
    heads: tuple[str, ...] = (),
    batch_size: int = 8,
) -> Callable[[Build], Build]:
    """Decorate a module class, or a function that builds a module, to make it a backbone.

    Its forward maps normalised images [n, 3, S, S], or clips [n, 3, L, S, S], to [n, dim].

    Args:
        name: for ``--backbone``.
        dim: feature dimensions, D.
        layer: what the features are, for people.
        preprocessing: how frames are scaled, cropped and normalised; ImageNet's if not given.
        snippet_length: frames of a clip, L; 1 for images.
        clip_rate: frames per second of the clips that it was trained on; None takes consecutive
            frames.
        weights: published ones; without them ``--weights FILE`` must be given.
        first_conv: name of the first convolution, if the backbone is to take flow too.
        heads: prefixes of the classifier's keys in checkpoints.
        batch_size: snippets per forward pass on a CPU.

    Raises:
        InputError: tcon itself has a backbone of this name.
    """

    def decorate(build: Build) -> Build:
        if name in _BUILT_IN:
            raise InputError(f"there is a backbone {name} already: choose another name")
        _REGISTRY[name] = BackboneSpec(
            name=name,
            build=build,
            layer=layer,
            dim=dim,
            weights=weights,
            heads=heads,
            preprocessing=preprocessing,
            snippet_length=snippet_length,
            clip_rate=clip_rate,
            first_conv=first_conv,
            batch_size=batch_size,
            plugin=current_plugin(),
        )
        return build

    return decorate


def names() -> list[str]:
    """Registered backbones, those of installed plug-ins included."""
    load_entry_points("tcon.backbones")
    return list(_REGISTRY)


def is_known(name: str) -> bool:
    """Whether a backbone is registered, or is of a library, which looks for it."""
    return is_library_name(name) or name in names()


def get_spec(name: str) -> BackboneSpec:
    """The spec of a backbone: of the registry, or a library's ``LIBRARY:MODEL``.

    Raises:
        InputError: no such backbone; the message names the nearest.
    """
    if is_library_name(name):
        return resolve(name)
    if name not in names():
        raise unknown_backbone(name, _REGISTRY)
    spec = _REGISTRY[name]
    return replace(spec, plugin=spec.plugin or plugin_of(getattr(spec.build, "__module__", "")))


@contextmanager
def temporary_backbones() -> Iterator[None]:
    """Forget at the end of the block what is registered in it, for tests and notebooks."""
    names()  # those of installed plug-ins, which are loaded once, stay
    before, built_in = dict(_REGISTRY), set(_BUILT_IN)
    try:
        yield
    finally:
        _REGISTRY.clear()
        _REGISTRY.update(before)
        _BUILT_IN.intersection_update(built_in)


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
            are unavailable, or a file that does not fit.
    """
    spec = get_spec(name)
    if modality not in MODALITIES:
        raise unknown("modality", modality, MODALITIES)
    if modality == "flow" and not spec.first_conv:
        takers = ", ".join(s.name for s in _REGISTRY.values() if s.first_conv)
        kind = "clips" if spec.snippet_length > 1 else "frames"
        raise InputError(f"{name} takes RGB {kind}, not flow: choose one of {takers}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # random weights are the same ones in every run
        module = _build(spec).eval()
    if modality == "flow":
        widen_first_conv(module, spec.first_conv)
        spec = replace(spec, preprocessing=flow_preprocessing(spec))
    if weights is not None and not weights.strip():
        raise InputError("weights: name a file or a run, or leave the option out")
    if weights == "random":
        return LoadedBackbone(spec, module, "random", "")
    if weights:
        path = checkpoint_file(weights)
        sha256, origin = file_sha256(path), printable(Path(weights).resolve().name)
    else:
        path, sha256, origin = _published(spec)
    trained = weights is not None and Path(weights).is_dir()
    state = read_state(path) if trained or spec.read is None else spec.read(path, module)
    classifier = classifier_of(state, spec)
    first = f"{spec.first_conv}.weight"
    if modality == "flow" and first in state and state[first].shape[1:2] == (3,):
        state[first] = average_over_rgb(state[first])
        origin += _OF_RGB
        classifier = None  # it knows what things look like, not how they move
    load_state(module, state, spec, path)
    return LoadedBackbone(spec, module, origin, sha256, classifier, trained)


def _build(spec: BackboneSpec) -> nn.Module:
    if spec.name in _BUILT_IN:
        return spec.build()
    of = f"of {spec.plugin.module}" if spec.plugin else "that was registered"
    try:
        module = spec.build()
    except Exception as error:  # whatever a module of the user's own raises
        reason = shorten(" ".join(str(error).split()))
        raise InputError(
            f"the backbone {spec.name} {of} cannot be built ({type(error).__name__}: {reason})"
        ) from None
    if not isinstance(module, nn.Module):
        raise InputError(
            f"the backbone {spec.name} {of} builds a {type(module).__name__}, not a torch.nn.Module"
        )
    if spec.first_conv and spec.first_conv not in dict(module.named_modules()):
        raise InputError(
            f"the backbone {spec.name} {of} has no module called "
            f"{spec.first_conv}, which it is registered with as first_conv"
        )
    return module


def _published(spec: BackboneSpec) -> tuple[Path, str, str]:
    """The file of the published weights, its sha256 and their name."""
    weights = spec.weights
    if weights is None:
        raise InputError(
            f"the backbone {spec.name} has no published weights: give --weights FILE, or, for "
            "tests only, --weights random"
        )
    try:
        path = weights.fetch()
    except (OSError, ImportError) as error:
        raise InputError(
            f"the {weights.name} weights of {spec.name} are unavailable ({error}): connect to "
            f"the network, or give a file with --weights FILE (from {weights.source}), or use "
            "the backbone efficientnet_lite0, or, for tests only, --weights random"
        ) from None
    sha256 = file_sha256(path)
    if not sha256.startswith(weights.sha256):
        raise InputError(
            f"{path} is damaged (its sha256 is not {weights.sha256[:16]}...): delete it"
        )
    return path, sha256, weights.name
