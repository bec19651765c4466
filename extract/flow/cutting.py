"""How snippets of flow are cut: from fields that are computed, or taken from a cache."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..decoding import ForwardVideo
from ..snippets.cutting import Cutter
from .cache import FlowCache
from .cutters import FlowCutter, GreyCutter
from .fields import ON_DEVICE, FieldCut
from .kept import CachedFlowCutter, keep_flow


@dataclass(frozen=True)
class FlowCut(FieldCut):
    """Flow that is computed, or taken from a cache.

    Args:
        cache: where the fields of videos are taken from that it holds; and kept, if it has room.
    """

    cache: FlowCache | None = None

    def prepare_video(self, video: str, path: str, opening: Callable[[], ForwardVideo]) -> None:
        if self.cache:
            keep_flow(video, path, opening, self, self.cache)

    def cutter(self, plan: np.ndarray, video: str, path: str) -> Cutter[Any]:
        if self.cache and video in self.cache:
            return CachedFlowCutter(self, self.cache, plan, video, path)
        return (GreyCutter if self.engine in ON_DEVICE else FlowCutter)(self, plan, video)
