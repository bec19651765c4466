"""How the clips of end-to-end runs are got. Workers change no result; engines of flow agree to
rounding, and kept flow decides the parameters of all flow (`flows`)."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

from ...cache.errors import InputError

FEATURE_FILES = (".h5", ".hdf5")  # suffixes; what else is named is a list or folder of videos


@dataclass(frozen=True, kw_only=True)
class Decoding:
    """Where and by whom videos are decoded.

    Args:
        workers: processes that decode; None for one per core, 0 to decode in this one.
        source_flow, target_flow: folders of flow caches (``tcon extract --keep-flow``); the flow
            of videos that are in none is computed in training.
        flow_engine: that computes it: "cuda" and "torch" on the device that trains, "cpu" and
            "opencv" in the workers; "auto" is the device's best.
    """

    workers: int | None = None
    source_flow: Path | None = None
    target_flow: Path | None = None
    flow_engine: str = "auto"

    @property
    def given(self) -> list[str]:
        """The options that are not their defaults, as the command line has them."""
        changed = [f.name for f in fields(self) if getattr(self, f.name) != f.default]
        return ["--" + name.replace("_", "-") for name in changed]

    def require_mode(self, *, end_to_end: bool) -> None:
        """Refuse options of decoding where no run decodes.

        Raises:
            InputError: names the first of them.
        """
        if self.given and not end_to_end:
            raise InputError(f"{self.given[0]} needs --end-to-end")
