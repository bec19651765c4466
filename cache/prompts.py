"""Class names in the space that a backbone's features share with texts, beside a feature file.

`extract` writes them where prompts are asked for; they classify features without any training
(CLIP, Radford et al. 2021, section 3.1).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import safetensors.torch
import torch
from safetensors import safe_open
from torch import Tensor

from .common.files.regular import require_file
from .common.files.tensors import require_finite
from .common.files.writing import write_output
from .common.records import from_json, to_json
from .common.short import short_repr
from .errors import InputError
from .recipe import Recipe

_TABLE = "prompts"  # in the metadata of safetensors


@dataclass(frozen=True, kw_only=True)
class Prompts:
    """What was embedded, and by what.

    Args:
        classes: labels as the feature file has them, [C].
        templates: sentences with ``{label}``, whose embeddings are averaged.
        scale: logits are this times the cosine ...
        bias: ... plus this.
        layer, weights_sha256: of the features that share the space, as in their `Recipe`.
    """

    classes: tuple[str, ...]
    templates: tuple[str, ...]
    scale: float
    bias: float
    layer: str
    weights_sha256: str


@dataclass(frozen=True, eq=False)
class TextPrototypes:
    """One direction of the feature space for each class.

    Args:
        prompts: the classes and how they were embedded.
        vectors: of unit length, [C, D] float32.
    """

    prompts: Prompts
    vectors: Tensor

    __repr__ = short_repr

    def fit(self, recipe: Recipe) -> bool:
        """Whether features of this recipe lie in the same space."""
        of = self.prompts
        return (recipe.weights_sha256, recipe.layer, recipe.dim) == (
            of.weights_sha256,
            of.layer,
            self.vectors.shape[1],
        )


def zero_shot_logits(features: Tensor, prototypes: TextPrototypes) -> Tensor:
    """The logits that the model itself gives an image for each class.

    Args:
        features: projected ones, [n, D].
        prototypes: of C classes.

    Returns:
        [n, C] float32.
    """
    directions = torch.nn.functional.normalize(features.float(), dim=1)  # [n, D]
    cosines = directions @ prototypes.vectors.to(features.device).T  # [n, C]
    return prototypes.prompts.scale * cosines + prototypes.prompts.bias


def prototypes_path(features: Path) -> Path:
    """Where the prototypes of a feature file are: ``clips.prompts.safetensors`` of ``clips.h5``."""
    return features.with_name(f"{features.name.removesuffix('.h5')}.prompts.safetensors")


def write_prototypes(features: Path, prototypes: TextPrototypes) -> None:
    """Write prototypes beside a feature file, in place of older ones.

    Raises:
        InputError: they cannot be written.
    """
    metadata = {_TABLE: to_json(prototypes.prompts)}
    content = safetensors.torch.save({"vectors": prototypes.vectors.contiguous()}, metadata)
    write_output(prototypes_path(features), content)


def read_prototypes(features: Path) -> TextPrototypes | None:
    """The prototypes beside a feature file; None where there are none.

    Raises:
        InputError: they are damaged.
    """
    path = prototypes_path(features)
    if not path.exists():
        return None
    try:
        require_file(path)
        with safe_open(path, "pt") as file:
            prompts = from_json(Prompts, (file.metadata() or {})[_TABLE])
            vectors = file.get_tensor("vectors")
        require_finite(vectors, "vectors")
        if vectors.ndim != 2 or len(vectors) != len(prompts.classes):
            raise ValueError(f"{list(vectors.shape)} numbers for {len(prompts.classes)} classes")
    except Exception as error:  # whatever safetensors raises of a damaged file
        reason = str(error)[:200].strip()
        raise InputError(
            f"{path} is damaged ({type(error).__name__}: {reason}): repeat tcon extract --prompts"
        ) from None
    return TextPrototypes(prompts, vectors.float())
