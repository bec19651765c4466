"""How the clips of end-to-end runs are decoded. The number of workers changes no result; flow
engines agree up to rounding, and kept flow decides the parameters of all flow
(`clips.kept_flow`)."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

from ...cache.common.ranges import Whole
from ...cache.common.records import validate
from ...cache.errors import InputError

FEATURE_FILES = (".h5", ".hdf5")  # suffixes; anything else is a list or folder of videos


@dataclass(frozen=True, kw_only=True)
class Decoding:
    """Where videos are decoded and their flow is computed.

    Args:
        workers: decoding processes; None for one per core, 0 to decode in this process.
        source_flow, target_flow: folders of flow caches (``tcon extract --keep-flow``); the flow
            of videos that they do not hold is computed during training.
        flow_engine: that computes it: "cuda" and "torch" on the device that trains, "cpu" and
            "opencv" in the decoding processes; "auto" is the device's best.
    """

    workers: Whole | None = None
    source_flow: Path | None = None
    target_flow: Path | None = None
    flow_engine: str = "auto"

    def __post_init__(self) -> None:
        validate(self)

    @property
    def kept_flow(self) -> list[Path]:
        """The folders of flow caches."""
        return [folder for folder in (self.source_flow, self.target_flow) if folder]

    @property
    def given(self) -> list[str]:
        """The options that differ from their defaults, as on the command line."""
        changed = [f.name for f in fields(self) if getattr(self, f.name) != f.default]
        return ["--" + name.replace("_", "-") for name in changed]

    def require_mode(self, *, end_to_end: bool) -> None:
        """Refuse options of decoding where no run decodes.

        Raises:
            InputError: names the first of them.
        """
        if self.given and not end_to_end:
            raise InputError(f"{self.given[0]} needs --end-to-end (in Python: end_to_end=True)")
