"""How an extraction uses the machine; none of it changes what the features mean."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...cache.common.ranges import Count, Positive, Whole
from ...cache.common.records import validate
from ...cache.errors import unknown
from ..decoding import DECODERS
from ..flow.tvl1 import ENGINES


@dataclass(frozen=True, kw_only=True)
class Machine:
    """Devices, decoding processes and limits.

    Args:
        device: "auto", "cpu", "cuda", "cuda:0,cuda:1", ...
        decoder: "auto", "pyav" or "decord".
        batch_size: snippets per forward pass, always exactly this many; None for the backbone's.
        workers: decoding processes; None for one per core, 0 to decode in this process.
        time_limit: seconds that a video may go without a new frame before it is given up.
        min_frames: a video of which fewer frames decode has failed.
        flow_engine: "auto", which suits the device, or one of `flow.ENGINES`.
        keep_flow: folder of the flow cache that keeps all flow of every video; flow that it holds
            is not computed again.
        keep_flow_gb: how large the cache may get, in GB.

    Raises:
        InputError: a number out of range, or no such decoder or flow engine.
    """

    device: str = "auto"
    decoder: str = "auto"
    batch_size: Count | None = None
    workers: Whole | None = None
    time_limit: Positive = 120.0
    min_frames: Count = 16
    flow_engine: str = "auto"
    keep_flow: Path | None = None
    keep_flow_gb: Positive = 100.0

    def __post_init__(self) -> None:
        validate(self)
        if self.decoder not in DECODERS:
            raise unknown("decoder", self.decoder, DECODERS)
        if self.flow_engine not in ENGINES:
            raise unknown("flow engine", self.flow_engine, ENGINES)
