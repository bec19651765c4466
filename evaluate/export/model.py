"""A run as one file that needs no tcon: a torch.export program or ONNX, checked against the run.

The file takes cropped frames and holds all that follows: the backbone's normalisation, the
backbone, the target's standardisation and the method.
"""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.export import ExportedProgram

from ...adapt.inference.features import plan_features
from ...adapt.inference.loaded_run import LoadedRun, load_run
from ...adapt.methods import Method
from ...cache import InputError
from ...cache.common.files.writing import write_errors
from ...cache.recipe import Preprocessing
from ...extract.machine.machine import Machine
from ...extract.snippets.transforms import normalise
from .description import METADATA, ModelDescription, describe
from .formats import WRITERS, ModelFile, first_line
from .outputs import require_model_output

TOLERANCE = 1e-3  # of the largest output, or of 1
_CHECKED = (1, 3)  # videos; neither is the number that the model is traced with


@dataclass(frozen=True)
class Exported:
    """A model that has been exported.

    Args:
        path: its file.
        described: the file beside it that describes it.
        size: of the model's file, bytes.
        description: what is inside it, under `METADATA`, and beside it.
        difference: the largest absolute difference of an output from the run's own, on random
            input.
    """

    path: Path
    described: Path
    size: int
    description: ModelDescription
    difference: float

    def __str__(self) -> str:
        taken = self.description.input
        given = ", ".join(output.name for output in self.description.outputs)
        return (
            f"{self.path} ({self.size / 1e6:.0f} MB): {taken.name} {list(taken.shape)} to {given}; "
            f"on random input at most {self.difference:.1e} from the run's own outputs"
        )


class ExportedModel(nn.Module):
    """Frames to logits.

    Args:
        backbone: normalised snippets [n, ...] to features [n, D_in].
        preprocessing: of the backbone.
        run: the run.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, backbone: nn.Module, preprocessing: Preprocessing, run: LoadedRun) -> None:
        super().__init__()
        self.backbone, self.method = backbone, run.method
        self.preprocessing = preprocessing
        dim = run.recipe.dim
        none = {"mean": torch.zeros(dim), "deviation": torch.ones(dim)}
        statistics = run.statistics["target"] if run.statistics else none
        for name in ("mean", "deviation"):
            self.register_buffer(name, statistics[name])

    def forward(self, snippets: Tensor) -> tuple[Tensor, ...]:
        """Cropped pixels 0-255 [B, K m, C, S, S] (clips [B, K m, C, L, S, S]), float.

        Returns:
            logits [B, C] and, of methods that weigh segments, attention [B, K].
        """
        x = normalise(snippets.flatten(0, 1), self.preprocessing)  # [B K m, C, S, S]
        f = (self.backbone(x) - self.mean) / self.deviation  # [B K m, D_in]
        f = f.unflatten(0, snippets.shape[:2])  # [B, K m, D_in]
        logits, votes = self.method.predict(f), self.method.vote(f)
        if votes is None:
            return (logits,)
        if votes.attention is not None:
            return logits, votes.attention
        return logits, torch.full_like(votes.logits[..., 0], 1 / votes.logits.shape[1])


def export_model(
    run: Path, output: Path, *, weights: Path | None = None, features: Path | None = None
) -> Exported:
    """Write a run as one file, float32, for any number of videos at once, and describe it beside.

    Args:
        run: a run's folder.
        output: ``.pt2`` or ``.onnx``; both files are replaced only once the new ones are there and
            the model has passed the check.
        weights, features: as in `predict`.

    Raises:
        InputError: another suffix, a missing package, a run that cannot be exported, a file whose
            outputs are not the run's, or one that cannot be written.
    """
    require_model_output(output)
    writer = WRITERS[output.suffix]()
    loaded = load_run(run, features=features)
    plan = plan_features(loaded, Machine(device="cpu"), weights=weights, precision="fp32")
    backbone = plan.backbones[loaded.config.modality]
    model = ExportedModel(backbone.module, backbone.spec.preprocessing, loaded).eval()
    description = describe(loaded, plan)
    _drop_unused(loaded.method, torch.zeros(1, loaded.positions(), loaded.recipe.dim))
    # The suffix stays, because it decides the format.
    temporary = output.with_name(f".{os.getpid()}.{output.name}")
    described = _beside(temporary)
    try:
        program = _trace(model, _random(description, 2), loaded.config.method)
        content = writer.encode(program, description)
        with write_errors(output):
            temporary.write_bytes(content)
            described.write_text(description.to_json() + "\n", encoding="utf-8")
        difference = _difference(model, writer, temporary, description)
        with write_errors(output):
            _beside(output).unlink(missing_ok=True)  # a kill must not leave it beside another model
            os.replace(temporary, output)
            os.replace(described, _beside(output))
    finally:
        temporary.unlink(missing_ok=True)
        described.unlink(missing_ok=True)
    return Exported(output, _beside(output), len(content), description, difference)


def _beside(model: Path) -> Path:
    """The file that describes a model. Its name has the suffix too, since model.pt2 and model.onnx
    may be of different runs."""
    return model.with_name(f"{model.name}.{METADATA}")


def _drop_unused(method: Method, features: Tensor) -> None:
    """Remove what only training needs, such as discriminators: the file would hold it too."""
    ran: set[nn.Module] = set()
    hooks = [m.register_forward_hook(lambda m, *_: ran.add(m)) for m in method.modules()]
    method.predict(features)
    for hook in hooks:
        hook.remove()
    for name, part in list(method.named_children()):
        if ran.isdisjoint(part.modules()):
            delattr(method, name)


def _trace(model: ExportedModel, example: Tensor, method: str) -> ExportedProgram:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.export.export(
                model, (example,), dynamic_shapes=({0: torch.export.Dim("batch")},)
            )
    except Exception as error:  # the tracer raises many kinds
        raise InputError(
            f"{method} on this backbone cannot be exported ({first_line(error)})"
        ) from None


@torch.inference_mode()
def _difference(
    model: ExportedModel, writer: ModelFile, path: Path, description: ModelDescription
) -> float:
    """The largest absolute difference of an output of the file from the model's."""
    worst = 0.0
    for videos in _CHECKED:
        snippets = _random(description, videos)
        for mine, theirs in zip(model(snippets), writer.run(path, snippets), strict=True):
            difference = float(np.abs(mine.numpy() - theirs).max())
            worst = max(worst, difference)
            if not difference <= TOLERANCE * max(1.0, float(mine.abs().max())):
                raise InputError(
                    f"the exported model is wrong: its outputs are up to {difference:.2g} from the "
                    "run's own, so nothing was written"
                )
    return worst


def _random(description: ModelDescription, videos: int) -> Tensor:
    generator = torch.Generator().manual_seed(videos)
    return torch.randint(0, 256, (videos, *description.input.sizes), generator=generator).float()
