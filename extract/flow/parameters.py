"""Presets of TV-L1's parameters, and how they are given in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import Any, TypeVar

from torch import Tensor

from ...cache.errors import InputError, unknown
from ...cache.recipe import FlowParameters

Spent = TypeVar("Spent", int, Tensor)
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
    types = {f.name: type(f.default) for f in fields(FlowParameters)}
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


def out_of_budget(parameters: FlowParameters, spent: Spent, pixels: int) -> bool | Tensor:
    """Whether a pair of so many pixels used up its budget of iterations.

    Args:
        parameters: that name the budget.
        spent: iterations times pixels that it took, or those of several pairs [N].
        pixels: of one image.

    Returns:
        a bool, or [N] bool.
    """
    return spent >= parameters.budget * pixels
