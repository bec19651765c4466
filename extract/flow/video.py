"""The flow of a video: computed, and written as a video to look at and as numbers."""

from __future__ import annotations

import time
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import av
import numpy as np
import torch
from torch import Tensor
from torchvision.utils import flow_to_image

from ...cache.common.files.writing import new_whole_file, write_errors, write_output
from ...cache.common.machine.cores import cores
from ...cache.common.machine.device import choose_device
from ...cache.errors import InputError
from ...cache.recipe import FlowParameters
from ..decoding import DecodeError, is_there, read_frames
from .fields import ON_DEVICE
from .frames import grey
from .tvl1 import choose_engine, tvl1

_RATE = 25
_FULL_COLOUR = 99  # percent of the clip that is slower


@dataclass(frozen=True)
class VideoFlow:
    """The flow of a video's first frames.

    Args:
        flow: [T - 1, 2, 256, 340] float32 on the CPU, pixels.
        engine: that computed it.
        device: where.
        seconds: that it took.
    """

    flow: Tensor
    engine: str
    device: str
    seconds: float

    def __repr__(self) -> str:
        return f"VideoFlow({len(self.flow)} pairs by {self.engine} on {self.device})"

    @property
    def pairs_per_second(self) -> float:
        return len(self.flow) / self.seconds

    @property
    def mean_motion(self) -> float:
        """Pixels per frame, over all pixels and pairs."""
        return float(self.flow.norm(dim=1).mean())

    def __str__(self) -> str:
        """One line: how many pairs, how fast, how much they move."""
        on = f"{cores()} cores" if self.device == "cpu" else self.device
        return (
            f"{len(self.flow)} pairs in {self.seconds:.1f} s: {self.pairs_per_second:.1f} pairs/s "
            f"by the engine {self.engine} on {on}; mean motion {self.mean_motion:.2f} px."
        )


def video_flow(
    video: Path,
    *,
    engine: str = "auto",
    parameters: FlowParameters = FlowParameters(),  # noqa: B008  (frozen)
    pairs: int = 300,
) -> VideoFlow:
    """Compute the flow of a video's first frames.

    Args:
        video: the video.
        engine: see `tvl1`; "auto" takes a GPU where there is one.
        parameters: of the flow.
        pairs: at most so many, from the start.

    Raises:
        InputError: no such video, one of which fewer than two frames decode, or no such engine.
    """
    device = choose_device("auto" if engine in ("auto", *ON_DEVICE) else "cpu")
    engine = choose_engine(engine, device, parameters)
    if not is_there(video):
        raise InputError(f"no such video: {video}")
    try:
        images = read_frames(str(video), lambda total: np.arange(min(total, pairs + 1)))
    except DecodeError as error:
        raise InputError(f"{video}: {error}") from None
    if len(images) < 2:
        raise InputError(f"{video} holds a single frame: flow needs two")
    frames = torch.cat([grey(torch.from_numpy(i.copy()).permute(2, 0, 1)[None]) for i in images])
    frames = frames.to(device)  # [T, 256, 340]
    tvl1(frames[:2], parameters=parameters, engine=engine)  # compiled now
    started = time.perf_counter()
    flow = tvl1(frames, parameters=parameters, engine=engine).cpu()  # [T - 1, 2, 256, 340]
    return VideoFlow(flow, engine, str(device), time.perf_counter() - started)


def write_flow(found: VideoFlow, output: Path) -> None:
    """Write ``output``.mp4 and ``output``.npz.

    The mp4 shows direction as hue and speed as saturation, the fastest hundredth of the clip in
    full colour; the npz holds ``flow`` [T - 1, 2, 256, 340] float16.

    Args:
        found: the flow.
        output: path without suffix; its folder is made if missing.

    Raises:
        InputError: a file cannot be written.
    """
    numbers = Path(f"{output}.npz")
    with write_errors(numbers):
        output.parent.mkdir(parents=True, exist_ok=True)
        with new_whole_file(numbers) as file:
            np.savez_compressed(file, flow=found.flow.half().numpy())
    speed = found.flow.norm(dim=1, keepdim=True)  # [T - 1, 1, H, W]
    # A few wild pixels must not make all the others pale.
    full = max(float(np.percentile(speed[..., ::4, ::4], _FULL_COLOUR)), 1e-3)
    shown = found.flow * (full / speed.clamp(min=full))
    write_output(Path(f"{output}.mp4"), _mp4(flow_to_image(shown)))


def _mp4(images: Tensor) -> bytes:
    """[n, 3, H, W] uint8 as an mp4 file."""
    content = BytesIO()
    with av.open(content, "w", format="mp4") as file:
        stream = file.add_stream("libx264", rate=_RATE)
        stream.height, stream.width = images.shape[-2:]
        stream.pix_fmt = "yuv420p"
        for image in images.permute(0, 2, 3, 1).numpy():
            file.mux(
                stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(image), "rgb24"))
            )
        file.mux(stream.encode())
    return content.getvalue()
