"""Fields of flow, as stacks of them are fed to a backbone (TSN).

Field i is the flow from frame i to frame i + 1. Overlapping stacks share fields, and no other
field is computed. See `..snippets.cutting` for what a cut, a piece and a plan are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from ...cache.common.short import short_repr
from ...cache.recipe import FlowRecipe
from ..snippets.cutting import Cut, join
from ..snippets.transforms import resize
from ..snippets.views import FLOW_SCALES, crop, crop_boxes
from .frames import HEIGHT, WIDTH
from .tvl1 import tvl1_flows

FIELDS = 5  # of a stack for an image backbone (TSN)
ON_DEVICE = ("cuda", "torch")  # engines that compute where the backbone runs


@dataclass(frozen=True)
class FieldCut(Cut):
    """Flow: a piece is a field, x and y.

    Args:
        engine: of `tvl1`, not "auto"; cuda and torch compute on the backbone's device, the others
            where the video is decoded.
        flow: how it is computed and stored.
        threads: that compute one video's fields side by side where it is decoded.
    """

    engine: str = "cpu"
    flow: FlowRecipe = FlowRecipe()
    threads: int = 1
    channels: ClassVar[int] = 2
    training_scales: ClassVar[tuple[float, ...]] = FLOW_SCALES
    least_frames: ClassVar[int] = 2

    def piece_count(self, total: int) -> int:
        return max(total - 1, 1)

    @property
    def bytes_per_snippet(self) -> int:
        if self.engine in ON_DEVICE:
            return (self.length + 1) * HEIGHT * WIDTH
        values = len(self.views) * math.prod(self.shape)
        return values if self.flow.quantised else 4 * values

    def prepare(self) -> None:
        if self.engine not in ON_DEVICE:
            nothing = torch.zeros(1, 32, 32, dtype=torch.uint8)
            self._compute(nothing, nothing, threads=1)

    def on_threads(self, threads: int) -> FieldCut:
        return replace(self, threads=threads)

    def field(self, first: Tensor, second: Tensor) -> tuple[Tensor, bool]:
        """The field from one frame to the next, [1, 256, 340] uint8 each: [1, 2, 256, 340] in
        levels, and whether it was stopped early."""
        fields, stopped = self._compute(first, second, threads=1)
        return fields, bool(stopped)

    def pieces(self, fields: Tensor, video: str) -> Tensor:
        """Fields [n, 2, H, W] in levels to pieces [n, V, 2, S, S]."""
        resized = resize(fields, self.preprocessing)
        height, width = resized.shape[-2:]
        size, mode = self.preprocessing.input_size, self.preprocessing.interpolation
        boxes = crop_boxes(self.views, height, width, size, video=video)
        return crop(resized, boxes, size, mode=mode, flow=True)

    def stacks(self, greys: GreyFrames, device: torch.device) -> tuple[Tensor, int]:
        """Compute the flow on ``device``: images [n, V, 2 L, S, S], or clips [n, V, 2, L, S, S];
        and how many pairs, none counted twice, were stopped early."""
        [(fields, stopped)] = self.fields([greys], device)
        return self.join_fields(greys, fields), int(stopped[greys.repeated :].sum())

    def fields(
        self, parts: Sequence[GreyFrames], device: torch.device
    ) -> list[tuple[Tensor, Tensor]]:
        """Compute the flow of several parts at once: of each the fields [p, 2, H, W] in levels, and
        which were stopped early [p]."""
        firsts, seconds = [], []
        for part in parts:
            frames = torch.as_tensor(part.frames).to(device)  # [m, H, W]
            first = torch.from_numpy(part.first).to(device)  # [p]
            firsts.append(frames[first])
            seconds.append(frames[first + 1])
        fields, stopped = self._compute(torch.cat(firsts), torch.cat(seconds))
        sizes = [len(part.first) for part in parts]
        return list(zip(fields.split(sizes), stopped.split(sizes), strict=True))

    def join_fields(self, greys: GreyFrames, fields: Tensor) -> Tensor:
        """Fields [p, 2, H, W] to images [n, V, 2 L, S, S], or clips [n, V, 2, L, S, S]."""
        pieces = self.pieces(fields, greys.video)  # [p, V, 2, S, S]
        return join([pieces[column] for column in greys.stacks.T], clip=self.clip)

    def _compute(
        self, first: Tensor, second: Tensor, *, threads: int | None = None
    ) -> tuple[Tensor, Tensor]:
        """Fields [p, 2, H, W] in levels, and which were stopped early [p]."""
        parameters = self.flow.parameters
        flows = tvl1_flows(
            first, second, parameters=parameters, engine=self.engine, threads=threads
        )
        fields = levels(flows.flow, self.flow.bound, quantise=self.flow.quantised)
        return fields, flows.early_stopped


@dataclass(frozen=True)
class GreyFrames:
    """Some snippets of a video before their flow is computed.

    Args:
        frames: grey, [m, 256, 340] uint8.
        first: of these the first of each pair that is a field, the second comes after it, [p].
        stacks: the pairs of each snippet, [n, L].
        repeated: of the pairs the first so many were in the part before.
        video: its id.
    """

    frames: np.ndarray | Tensor
    first: np.ndarray
    stacks: np.ndarray
    repeated: int
    video: str

    __repr__ = short_repr


def levels(flow: Tensor, bound: float, *, quantise: bool) -> Tensor:
    """Pixels per frame to levels from 0 to 255, no motion in the middle, as dense_flow does.

    Args:
        flow: of any shape.
        bound: the motion that is level 255; its opposite is 0, what is faster is cut off.
        quantise: round to uint8, half to even: no motion is 128.

    Returns:
        the same shape, uint8 or float32.
    """
    scaled = (flow.clamp(-bound, bound) + bound) * (255 / (2 * bound))
    return scaled.round().byte() if quantise else scaled
