"""A run as one file that needs no tcon: a torch.export program or ONNX, checked against the run.

The file takes cropped frames and holds all that follows: the backbone's normalisation, the
backbone, the target's standardisation and the method.
"""

from __future__ import annotations

import json
import logging
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ... import __version__
from ...adapt.inference.loaded_run import Deployed, backbone_of, load_deployed, make_plan
from ...cache import InputError
from ...extract.options import ExtractConfig, Plan
from ...extract.snippets.preprocessing import Preprocessing
from ...extract.snippets.transforms import normalise

TOLERANCE = 1e-3  # of the largest output, or of 1
_CHECKED = (1, 3)  # videos; neither is the number that the model is traced with
METADATA = "tcon.json"  # name of the metadata inside the file


class ExportedModel(nn.Module):
    """Frames to logits.

    Args:
        backbone: normalised snippets [n, ...] to features [n, D_in].
        preprocessing: of the backbone.
        deployed: the run.
    """

    def __init__(
        self, backbone: nn.Module, preprocessing: Preprocessing, deployed: Deployed
    ) -> None:
        super().__init__()
        self.backbone, self.method = backbone, deployed.method
        self.preprocessing = preprocessing
        dim = deployed.made.dim
        mean, deviation = deployed.statistics or (torch.zeros(dim), torch.ones(dim))
        self.register_buffer("mean", mean)
        self.register_buffer("deviation", deviation)

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
) -> str:
    """Write a run as one file, float32, for any number of videos at once.

    Args:
        run: a run's folder.
        output: ``.pt2`` or ``.onnx``; replaced only by a file that passed the check.
        weights, features: as for `tcon predict`.

    Returns:
        what was written and how far its outputs are from the run's, in a line.

    Raises:
        InputError: another suffix, a missing package, a run that cannot be exported, or a file
            whose outputs are not the run's.
    """
    writers = {".pt2": _Program, ".onnx": _Onnx}
    if output.suffix not in writers:
        raise InputError(f"{output}: name it FILE.pt2 (torch.export) or FILE.onnx")
    if not os.access(output.parent, os.W_OK):
        raise InputError(f"cannot write {output}: no such folder, or no right to write to it")
    writer = writers[output.suffix]()
    deployed = load_deployed(run, features=features)
    machine = ExtractConfig(device="cpu", precision="fp32")
    plan = make_plan(deployed, machine, weights=weights)
    preprocessing = plan.backbones[deployed.config.modality].spec.preprocessing
    model = ExportedModel(backbone_of(deployed, plan), preprocessing, deployed).eval()
    metadata = describe(deployed, plan)
    _drop_unused(deployed.method, torch.zeros(1, deployed.positions, deployed.made.dim))
    # The suffix stays, since it decides the format.
    temporary = output.with_name(f".{os.getpid()}.{output.name}")
    try:
        program = _trace(model, _random(metadata, 2), deployed.config.method)
        writer.write(program, metadata, temporary)
        difference = _difference(model, writer, temporary, metadata)
        os.replace(temporary, output)
    finally:
        temporary.unlink(missing_ok=True)
    return (
        f"Wrote {output} ({output.stat().st_size / 1e6:.0f} MB): {metadata['input']['name']} "
        f"{metadata['input']['shape']} to {', '.join(metadata['outputs'])}; on random input at "
        f"most {difference:.1e} from the run's own outputs."
    )


def describe(deployed: Deployed, plan: Plan) -> dict[str, Any]:
    """What whoever feeds the model must know, JSON-ready."""
    made, config, cut = deployed.made, deployed.config, plan.cuts[deployed.config.modality]
    size, per_segment = cut.preprocessing.input_size, deployed.method.snippets
    colours = 3 if config.modality == "rgb" else 2
    length = cut.sampling.length
    snippet = [colours, length, size, size] if cut.clip else [colours * length, size, size]
    judged = deployed.method.vote(torch.zeros(1, deployed.positions, made.dim))
    kind = "none" if judged is None else "uniform" if judged.attention is None else "predicted"
    return {
        "tool_version": __version__,
        "run": deployed.path.name,
        "method": config.method,
        "modality": config.modality,
        "classes": list(deployed.classes),
        "segments": deployed.segments,
        "snippets_per_segment": per_segment,
        "input": {
            "name": "snippets",
            "shape": ["batch", deployed.positions, *snippet],
            "type": "float32, 0 to 255, not normalised",
            "frames_per_snippet": length,
        },
        "outputs": ["logits", *(["attention"] if judged is not None else [])],
        "attention": kind,
        "sampling": made.sampling,
        "preprocessing": made.preprocessing,
        "flow": made.flow,
        "backbone": made.backbone,
        "weights": made.weights,
        "weights_sha256": made.weights_sha256,
    }


class _Program:
    """A torch.export program."""

    def write(self, program: Any, metadata: dict[str, Any], path: Path) -> None:
        program.example_inputs = None  # it would be saved too
        torch.export.save(program, path, extra_files={METADATA: json.dumps(metadata)})

    def run(self, path: Path, snippets: Tensor) -> list[np.ndarray]:
        module = torch.export.load(path).module()
        return [output.detach().numpy() for output in module(snippets)]


class _Onnx:
    """ONNX, in one file.

    Raises:
        InputError: its packages are not installed.
    """

    def __init__(self) -> None:
        try:
            import onnx
            import onnxruntime
            import onnxscript  # noqa: F401  (torch's exporter needs it)
        except ModuleNotFoundError as error:
            raise InputError(
                f"ONNX needs the package {error.name}: pip install 'tcon[export]', or write a .pt2"
            ) from None
        self._onnx, self._runtime = onnx, onnxruntime

    def write(self, program: Any, metadata: dict[str, Any], path: Path) -> None:
        logging.getLogger("onnxscript").setLevel(logging.ERROR)  # it tells what it cannot shrink
        try:
            made = torch.onnx.export(
                program,
                dynamo=True,
                input_names=["snippets"],
                output_names=metadata["outputs"],
                verbose=False,
            )
        except Exception as error:  # the innermost one says which operation it is
            while error.__cause__ is not None:
                error = error.__cause__
            raise InputError(f"ONNX cannot express it ({_line(error)}): write a .pt2") from None
        model = made.model_proto
        self._onnx.helper.set_model_props(model, {METADATA: json.dumps(metadata)})
        self._onnx.save(model, path)

    def run(self, path: Path, snippets: Tensor) -> list[np.ndarray]:
        session = self._runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
        return session.run(None, {"snippets": snippets.numpy()})


def _drop_unused(method: nn.Module, features: Tensor) -> None:
    """Take out what only training needs, such as discriminators: the file would hold them too."""
    ran: set[nn.Module] = set()
    hooks = [m.register_forward_hook(lambda m, *_: ran.add(m)) for m in method.modules()]
    method.predict(features)
    for hook in hooks:
        hook.remove()
    for name, part in list(method.named_children()):
        if ran.isdisjoint(part.modules()):
            delattr(method, name)


def _trace(model: ExportedModel, example: Tensor, method: str) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.export.export(
                model, (example,), dynamic_shapes=({0: torch.export.Dim("batch")},)
            )
    except Exception as error:  # the tracer raises many kinds
        raise InputError(f"{method} on this backbone cannot be exported ({_line(error)})") from None


def _line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0]


@torch.inference_mode()
def _difference(
    model: ExportedModel, writer: _Program | _Onnx, path: Path, metadata: dict[str, Any]
) -> float:
    """The largest absolute difference of an output of the file from the model's."""
    worst = 0.0
    for videos in _CHECKED:
        snippets = _random(metadata, videos)
        for mine, theirs in zip(model(snippets), writer.run(path, snippets), strict=True):
            difference = float(np.abs(mine.numpy() - theirs).max())
            worst = max(worst, difference)
            if not difference <= TOLERANCE * max(1.0, float(mine.abs().max())):
                raise InputError(
                    f"the exported model is wrong: its outputs are up to {difference:.2g} from the "
                    "run's own, so nothing was written"
                )
    return worst


def _random(metadata: dict[str, Any], videos: int) -> Tensor:
    shape = metadata["input"]["shape"][1:]
    generator = torch.Generator().manual_seed(videos)
    return torch.randint(0, 256, (videos, *shape), generator=generator).float()
