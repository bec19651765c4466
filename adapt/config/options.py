"""The options of a run. Ranges stand beside the fields (`ranges`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import ConfigDict, Field, PlainSerializer, ValidationInfo, WrapValidator

from ...cache.common.records import from_data, to_data
from ..end_to_end.options import EndToEnd
from ..methods import MethodConfig, entry, names
from . import defaults
from .training import Segments, TrainConfig

Name = Annotated[str, Field(max_length=200)]


@dataclass(frozen=True, kw_only=True)
class UnknownOptions(MethodConfig):
    """Options of a method that is not registered here, as a run's record has them."""

    values: Mapping[str, Any] = field(default_factory=dict)


def _read_options(value: Any, _: Any, info: ValidationInfo) -> MethodConfig:
    """The method's own class of options, from what a record holds."""
    if isinstance(value, MethodConfig):
        return value
    method = info.data.get("method", "source_only")  # of a record's ``base``
    if method not in names() and isinstance(value, dict):
        return UnknownOptions(values=value)
    return from_data(type(entry(method).config), value)


def _write_options(options: MethodConfig) -> Any:
    return dict(options.values) if isinstance(options, UnknownOptions) else to_data(options)


MethodOptions = Annotated[
    MethodConfig, WrapValidator(_read_options), PlainSerializer(_write_options)
]


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """One run: a method on one modality with one number of segments and one seed.

    Args:
        method: a registered name.
        modality: whose features.
        segments: K_s and K_t.
        seed: of weights, batches and random draws.
        preset: the named settings that were applied first, a record.
        train: the training that all methods share.
        options: the method's own.
        end_to_end: how the backbone is trained; None in the cached mode.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    method: Name
    modality: Name = defaults.MODALITY
    segments: Segments = Segments(defaults.SEGMENTS, defaults.SEGMENTS)
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    preset: Name = defaults.PRESET
    train: TrainConfig = TrainConfig()
    options: MethodOptions = MethodConfig()
    end_to_end: EndToEnd | None = None

    @property
    def source_segments(self) -> int:
        """K_s."""
        return self.segments.source

    @property
    def target_segments(self) -> int:
        """K_t."""
        return self.segments.target

    @property
    def name(self) -> str:
        """Name of the run's folder."""
        k = str(self.segments).replace(":", "-")
        preset = "" if self.preset == defaults.PRESET else f"_{self.preset}"
        mode = "_e2e" if self.end_to_end else ""
        return f"{self.method}_{self.modality}_k{k}{mode}{preset}_seed{self.seed}"
