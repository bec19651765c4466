"""What the program around an exported model must know; it is inside the file as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

import torch

from ... import __version__
from ...adapt.inference.loaded_run import LoadedRun
from ...adapt.inference.prediction import AttentionKind
from ...extract.features.plan import Plan

METADATA = "tcon.json"  # its name inside the file


@dataclass(frozen=True, kw_only=True)
class ModelInput:
    """The one input of a model.

    Args:
        name: of the input.
        shape: "batch", the number of snippets, and the shape of each: [C, S, S] of an image, or
            [C, L, S, S] of a clip.
        type: in words.
        frames_per_snippet: frames, or fields of flow, that make a snippet, L.
    """

    name: str
    shape: tuple[str | int, ...]
    type: str
    frames_per_snippet: int

    @property
    def sizes(self) -> tuple[int, ...]:
        """The shape without the batch."""
        return tuple(size for size in self.shape if isinstance(size, int))


@dataclass(frozen=True, kw_only=True)
class ModelDescription:
    """An exported model, for the program that feeds it.

    Args:
        tool_version: of this package.
        run: name of the run's folder.
        method, modality, classes: of the run.
        segments: K.
        snippets_per_segment: m.
        input: what it takes.
        outputs: names of what it gives.
        attention: as `Prediction.attention_kind`.
        sampling, preprocessing, flow: how frames become snippets, in words.
        backbone, weights, weights_sha256: of the features that the run was trained on.
    """

    tool_version: str
    run: str
    method: str
    modality: str
    classes: tuple[str, ...]
    segments: int
    snippets_per_segment: int
    input: ModelInput
    outputs: tuple[str, ...]
    attention: AttentionKind
    sampling: str
    preprocessing: str
    flow: str
    backbone: str
    weights: str
    weights_sha256: str

    def to_json(self) -> str:
        """As it is inside the file."""
        return json.dumps(asdict(self))


def describe(run: LoadedRun, plan: Plan) -> ModelDescription:
    """Describe the model of a run.

    Args:
        run: the run.
        plan: how its features are made.
    """
    recipe, config, cut = run.recipe, run.config, plan.cuts[run.config.modality]
    votes = run.method.vote(torch.zeros(1, run.positions(), recipe.dim))
    weighs: AttentionKind = "none"
    if votes is not None:
        weighs = "uniform" if votes.attention is None else "predicted"
    return ModelDescription(
        tool_version=__version__,
        run=run.path.name,
        method=config.method,
        modality=config.modality,
        classes=run.classes,
        segments=run.segments(),
        snippets_per_segment=run.method.snippets,
        input=ModelInput(
            name="snippets",
            shape=("batch", run.positions(), *cut.shape),
            type="float32, 0 to 255, not normalised",
            frames_per_snippet=cut.length,
        ),
        outputs=("logits",) if votes is None else ("logits", "attention"),
        attention=weighs,
        sampling=str(recipe.sampling),
        preprocessing=str(recipe.preprocessing),
        flow=str(recipe.flow or ""),
        backbone=recipe.backbone,
        weights=recipe.weights,
        weights_sha256=recipe.weights_sha256,
    )
