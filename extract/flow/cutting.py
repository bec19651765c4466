"""Stacks of consecutive flow fields, as TSN feeds them to a backbone.

Field i is the flow from frame i to frame i + 1. Overlapping stacks share fields, and no other
field is computed. See `..cutting` for what a cut, a piece and a plan are.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from ...cache.errors import InputError
from ..decoding import ForwardVideo
from ..snippets.cutting import Cut, Cutter, Joiner, join
from ..snippets.transforms import resize
from ..snippets.views import FLOW_SCALES, crop
from .cache import FlowCache
from .frames import HEIGHT, WIDTH, grey
from .kept import KeptCutter, keep_flow
from .parameters import Parameters
from .tvl1 import tvl1_flows

FIELDS = 5  # of a stack for an image backbone (TSN)
_PART = 257  # frames that are sent to a device at once: 22 MB, and 180 MB of flow there
ON_DEVICE = ("cuda", "torch")  # engines that compute where the backbone runs


@dataclass(frozen=True)
class FlowCut(Cut):
    """Flow: a piece is a field, x and y.

    Args:
        engine: of `tvl1`, not "auto"; cuda and torch compute on the backbone's device, the others
            where the video is decoded.
        parameters: of the flow.
        bound: pixels per frame that become the largest level.
        quantise: to 8 bits, or keep the fractions of levels.
        cache: where the fields of videos are taken from that it holds; and kept, if it has room.
    """

    engine: str = "cpu"
    parameters: Parameters = Parameters()
    bound: float = 20.0
    quantise: bool = True
    cache: FlowCache | None = None
    channels: ClassVar[int] = 2
    training_scales: ClassVar[tuple[float, ...]] = FLOW_SCALES
    least_frames: ClassVar[int] = 2

    def __str__(self) -> str:
        # Every value, whatever preset they came from: presets may change.
        values = ",".join(f"{name}={value}" for name, value in vars(self.parameters).items())
        how = "8 bit" if self.quantise else "float"
        return f"tvl1 {values} at {WIDTH}x{HEIGHT}, bound {self.bound:g}, {how}"

    def piece_count(self, total: int) -> int:
        return max(total - 1, 1)

    @property
    def bytes_per_snippet(self) -> int:
        if self.engine in ON_DEVICE:
            return (self.sampling.length + 1) * HEIGHT * WIDTH
        values = len(self.views) * math.prod(self.shape)
        return values if self.quantise else 4 * values

    def prepare(self) -> None:
        if self.engine not in ON_DEVICE:
            nothing = torch.zeros(1, 32, 32, dtype=torch.uint8)
            tvl1_flows(nothing, nothing, parameters=self.parameters, engine=self.engine, threads=1)

    def prepare_video(self, video: str, path: str, opening: Callable[[], ForwardVideo]) -> None:
        if self.cache:
            keep_flow(video, path, opening, self, self.cache)

    def cutter(self, plan: np.ndarray, video: str, path: str) -> Cutter:
        if self.cache and video in self.cache:
            return KeptCutter(self, self.cache, plan, video, path)
        return (GreyCutter if self.engine in ON_DEVICE else FlowCutter)(self, plan, video)

    def field(self, first: Tensor, second: Tensor) -> tuple[Tensor, bool]:
        """The field from one frame to the next, [1, 256, 340] uint8 each: [1, 2, 256, 340] in
        levels, and whether it was given up early."""
        flows = tvl1_flows(first, second, parameters=self.parameters, engine=self.engine, threads=1)
        return levels(flows.flow, self.bound, quantise=self.quantise), bool(flows.bounded)

    def pieces(self, fields: Tensor, video: str) -> Tensor:
        """Fields [n, 2, H, W] in levels to pieces [n, V, 2, S, S]."""
        resized = resize(fields, self.preprocessing)
        size = self.preprocessing.input_size
        boxes = self.views.boxes(*resized.shape[-2:], size, video=video)
        return crop(resized, boxes, size, flow=True)

    def stacks(self, greys: Greys, device: torch.device) -> tuple[Tensor, int]:
        """Compute the flow on ``device``: images [n, V, 2 L, S, S], or clips [n, V, 2, L, S, S];
        and how many pairs, none counted twice, were given up early."""
        [(fields, bounded)] = self.fields([greys], device)
        return self.join_fields(greys, fields), int(bounded[greys.repeated :].sum())

    def fields(self, parts: Sequence[Greys], device: torch.device) -> list[tuple[Tensor, Tensor]]:
        """Compute the flow of several parts at once: of each the fields [p, 2, H, W] in levels, and
        which were given up early [p]."""
        firsts, seconds = [], []
        for part in parts:
            frames = torch.as_tensor(part.frames).to(device)  # [m, H, W]
            first = torch.from_numpy(part.first).to(device)  # [p]
            firsts.append(frames[first])
            seconds.append(frames[first + 1])
        pairs = torch.cat(firsts), torch.cat(seconds)
        flows = tvl1_flows(*pairs, parameters=self.parameters, engine=self.engine)
        fields = levels(flows.flow, self.bound, quantise=self.quantise)
        sizes = [len(part.first) for part in parts]
        return list(zip(fields.split(sizes), flows.bounded.split(sizes), strict=True))

    def join_fields(self, greys: Greys, fields: Tensor) -> Tensor:
        """Fields [p, 2, H, W] to images [n, V, 2 L, S, S], or clips [n, V, 2, L, S, S]."""
        pieces = self.pieces(fields, greys.video)  # [p, V, 2, S, S]
        return join([pieces[column] for column in greys.stacks.T], clip=self.clip)


@dataclass(frozen=True)
class Greys:
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


def parse_flow(text: str) -> tuple[Parameters, float, bool]:
    """Parameters, bound and whether levels are whole, from what ``str`` of a `FlowCut` wrote.

    Raises:
        InputError: anything else.
    """
    match = re.fullmatch(r"tvl1 (\S+) at \S+, bound (\S+), (8 bit|float)", text)
    if match is None:
        raise InputError(f"'{text}' is not how this version of tcon describes flow")
    return Parameters.parse(match[1]), float(match[2]), match[3] == "8 bit"


class FlowCutter(Cutter[Tensor]):
    """Computes flow as the frames come; gives chunks as `FrameCutter` does, with 2 channels."""

    def __init__(self, cut: FlowCut, plan: np.ndarray, video: str) -> None:
        self._cut, self._video, self._joiner = cut, video, Joiner(cut, plan)
        self._fields = set(np.unique(plan).tolist())
        self.frames = _frames(plan)
        self._last: tuple[int, Tensor] | None = None

    def take(self, index: int, image: Tensor) -> Iterator[Tensor]:
        frame, field = grey(image), index - 1
        last, self._last = self._last, (index, frame)
        if field in self._fields and last and last[0] == field:
            fields, bounded = self._cut.field(last[1], frame)
            self.bounded += bounded
            yield from self._joiner.add(field, self._cut.pieces(fields, self._video)[0])

    def rest(self) -> Iterator[Tensor]:
        return self._joiner.rest()


class GreyCutter(Cutter[Greys]):
    """Only collects the frames, for flow that is computed elsewhere.

    They are given a part at a time, however long the video is. Fields that stacks of two parts
    share are computed in both.
    """

    def __init__(self, cut: FlowCut, plan: np.ndarray, video: str) -> None:
        self.frames = _frames(plan)
        self._plan, self._video = plan, video
        self._next = self._next_field = 0  # what comes after the last part
        self._greys: dict[int, np.ndarray] = {}

    def take(self, index: int, image: Tensor) -> Iterator[Greys]:
        self._greys[index] = grey(image)[0].numpy()
        if len(self._greys) >= _PART:
            yield from self.rest()

    def rest(self) -> Iterator[Greys]:
        left = self._plan[self._next :]
        whole = left[: np.searchsorted(left[:, -1], max(self._greys, default=0))]
        if len(whole):
            self._next += len(whole)
            fields, stacks = np.unique(whole, return_inverse=True)
            frames = _frames(whole)
            yield Greys(
                np.stack([self._greys[i] for i in frames.tolist()]),
                np.searchsorted(frames, fields),
                stacks.reshape(whole.shape),
                int(np.searchsorted(fields, self._next_field)),
                self._video,
            )
            self._next_field = fields[-1] + 1
            needed = left[len(whole), 0] if len(whole) < len(left) else math.inf
            self._greys = {i: frame for i, frame in self._greys.items() if i >= needed}


def _frames(plan: np.ndarray) -> np.ndarray:
    fields = np.unique(plan)
    return np.union1d(fields, fields + 1)
