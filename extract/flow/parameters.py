"""Presets of TV-L1's parameters, and parameters from text."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from ...cache.errors import InputError, unknown
from ...cache.recipe import FlowParameters

PRESETS: Mapping[str, FlowParameters] = MappingProxyType(
    {
        "opencv": FlowParameters(),
        "opencv4": FlowParameters(convention="opencv4"),
        "opencv_cuda": FlowParameters(convention="opencv_cuda", inner=300, outer=1, median=1),
        "fast": FlowParameters(scales=3, scale_step=0.5, warps=3),
    }
)


def parse_parameters(text: str) -> FlowParameters:
    """Read a preset's name, or ``NAME=VALUE,...`` of what differs from the default.

    Raises:
        InputError: no such preset or parameter, or a value that it cannot have.
    """
    if text in PRESETS:
        return PRESETS[text]
    if "=" not in text:
        raise unknown("flow preset", text, PRESETS)
    types = {name: type(value) for name, value in vars(FlowParameters()).items()}
    values: dict[str, Any] = {}
    for part in text.split(","):
        name, _, value = part.partition("=")
        if name not in types:
            raise unknown("flow parameter", name, types)
        try:
            values[name] = types[name](value)
        except ValueError:
            raise InputError(f"flow parameter {name}: {value!r} is not a number") from None
    try:
        return FlowParameters(**values)
    except ValueError as error:
        raise InputError(f"flow parameters {text}: {error}") from None


def budget(parameters: FlowParameters, pixels: int) -> int:
    """Iterations times pixels that a pair of images of so many pixels may take."""
    return parameters.budget * pixels
