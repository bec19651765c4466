"""Extractions in tests: what decides the features and what the machine needs, in one object."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from tcon.cache import Failure
from tcon.extract.features.items import extract_items
from tcon.extract.features.options import ExtractOptions
from tcon.extract.features.plan import Plan
from tcon.extract.features.sink import Progress
from tcon.extract.lists.videos import VideoItem
from tcon.extract.machine.machine import Machine


@dataclass(frozen=True, kw_only=True)
class Extraction(ExtractOptions, Machine):
    """All options of both, so that a test can `replace` any of them."""

    retry_failed: bool | None = False

    def __post_init__(self) -> None:
        ExtractOptions.__post_init__(self)
        Machine.__post_init__(self)

    @property
    def options(self) -> ExtractOptions:
        return ExtractOptions(**{f.name: getattr(self, f.name) for f in fields(ExtractOptions)})

    @property
    def machine(self) -> Machine:
        return Machine(**{f.name: getattr(self, f.name) for f in fields(Machine)})

    @property
    def plan(self) -> Plan:
        return Plan.make(self.options, self.machine)


def extract(
    items: Sequence[VideoItem],
    output: Path,
    extraction: Extraction,
    *,
    on_progress: Callable[[Progress], None] = lambda progress: None,
) -> list[Failure]:
    """Extract videos and give the failures."""
    return extract_items(
        items,
        output,
        extraction.plan,
        retry_failed=extraction.retry_failed,
        on_progress=on_progress,
    )
