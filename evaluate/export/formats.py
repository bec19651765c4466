"""The file formats of exported models: a torch.export program, and ONNX."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.export import ExportedProgram

from ...cache import InputError
from .description import METADATA, ModelDescription


class ModelFile(ABC):
    """A format that a traced model can be written in and run from."""

    @abstractmethod
    def encode(self, program: ExportedProgram, description: ModelDescription) -> bytes:
        """The file of a program, with its description inside.

        Raises:
            InputError: the format cannot express it.
        """

    @abstractmethod
    def run(self, path: Path, snippets: Tensor) -> list[np.ndarray]:
        """Read the file and run it: its outputs."""


class Program(ModelFile):
    """A torch.export program."""

    def encode(self, program: ExportedProgram, description: ModelDescription) -> bytes:
        program.example_inputs = None  # it would be saved too
        file = BytesIO()  # on a full disk torch may end the process
        torch.export.save(program, file, extra_files={METADATA: description.to_json()})
        return file.getvalue()

    def run(self, path: Path, snippets: Tensor) -> list[np.ndarray]:
        module = torch.export.load(path).module()
        return [output.detach().numpy() for output in module(snippets)]


class Onnx(ModelFile):
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

    def encode(self, program: ExportedProgram, description: ModelDescription) -> bytes:
        logging.getLogger("onnxscript").setLevel(logging.ERROR)  # it tells what it cannot shrink
        try:
            made = torch.onnx.export(
                program,
                dynamo=True,
                input_names=["snippets"],
                output_names=[output.name for output in description.outputs],
                verbose=False,
            )
        except Exception as error:  # the innermost one says which operation it is
            reason: BaseException = error
            while reason.__cause__ is not None:
                reason = reason.__cause__
            raise InputError(
                f"ONNX cannot express it ({first_line(reason)}): write a .pt2"
            ) from None
        assert made is not None  # with dynamo=True
        model = made.model_proto
        self._onnx.helper.set_model_props(model, {METADATA: description.to_json()})
        return model.SerializeToString()

    def run(self, path: Path, snippets: Tensor) -> list[np.ndarray]:
        session = self._runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
        return session.run(None, {"snippets": snippets.numpy()})


WRITERS: Mapping[str, type[ModelFile]] = {".pt2": Program, ".onnx": Onnx}


def first_line(error: BaseException) -> str:
    """The first line of an error's message."""
    return str(error).strip().partition("\n")[0]
