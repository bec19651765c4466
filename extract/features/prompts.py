"""Class names as texts, embedded where the backbone's features share a space with texts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from torch.nn.functional import normalize

from ...cache.errors import InputError, shorten
from ...cache.prompts import Prompts, TextPrototypes
from .plan import Plan

_LABEL = "{label}"
_BETWEEN_WORDS = re.compile(r"_+|(?<=[a-z])(?=[A-Z])")


def require_templates(templates: Sequence[str]) -> None:
    """Refuse sentences that would be the same for every class.

    Raises:
        InputError: names the first without ``{label}``.
    """
    for template in templates:
        if _LABEL not in template:
            raise InputError(
                f"--prompts '{shorten(template)}' has no place for the class: write it as in "
                f"'a photo of a person {_LABEL}'"
            )


def text_prototypes(plan: Plan, labels: Iterable[str], templates: Sequence[str]) -> TextPrototypes:
    """Embed class names as CLIP's authors do: of each class the mean of its sentences' directions.

    Args:
        plan: that makes the features.
        labels: of videos, some of them repeated or empty. ``golf_swing`` and ``GolfSwing`` are
            read as words.
        templates: sentences with ``{label}``, at least one.

    Raises:
        InputError: the backbone shares no space with texts, there is no label, or the text tower
            or its tokenizer cannot be read.
    """
    if "rgb" not in plan.backbones:
        raise InputError("--prompts needs RGB features: add rgb to --modality")
    backbone = plan.backbones["rgb"]
    spec = backbone.spec
    if spec.embed_texts is None or not backbone.published:
        raise InputError(
            f"the features of {spec.name} ({spec.layer}, weights {backbone.weights}) share no "
            "space with texts: --prompts needs projected features by published weights, as of "
            "hf:openai/clip-vit-base-patch32"
        )
    classes = sorted(set(labels) - {""})
    if not classes:
        raise InputError(
            "--prompts names classes, and no video has a label: give it where the source's "
            "features are extracted"
        )
    sentences = [
        template.replace(_LABEL, _BETWEEN_WORDS.sub(" ", label).strip())
        for label in classes
        for template in templates
    ]
    texts = spec.embed_texts(sentences)
    each = normalize(texts.vectors, dim=1).unflatten(0, (len(classes), -1))  # [C, T, D]
    prompts = Prompts(
        classes=tuple(classes),
        templates=tuple(templates),
        scale=texts.scale,
        bias=texts.bias,
        layer=spec.layer,
        weights_sha256=backbone.sha256,
    )
    return TextPrototypes(prompts, normalize(each.mean(1), dim=1))  # [C, D]
