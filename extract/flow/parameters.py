"""Presets of TV-L1's parameters, and parameters from text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from types import MappingProxyType

from ...cache.common.records import from_data
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
    known = [f.name for f in fields(FlowParameters)]
    values: dict[str, str] = {}
    for part in text.split(","):
        name, _, value = part.partition("=")
        if name not in known:
            raise unknown("flow parameter", name, known)
        values[name] = value
    try:
        return from_data(FlowParameters, values)
    except ValueError as error:
        raise InputError(f"flow parameters {text}: {error}") from None


def budget(parameters: FlowParameters, pixels: int) -> int:
    """Iterations times pixels that a pair of images of so many pixels may take."""
    return parameters.budget * pixels
