"""Run the backbones on one or several devices while the next batches are being made."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import local
from typing import NamedTuple

import torch
from torch import Tensor

from ...cache.common.machine.device import choose_device
from ...cache.common.short import short_repr
from ..backbones import LoadedBackbone
from ..flow.fields import FieldCut, GreyFrames
from ..snippets.cutting import Cut
from ..snippets.transforms import normalise
from .batching import pad

_AHEAD = 2  # batches that wait for each thread, so that a device is never idle


def choose_devices(names: str) -> list[torch.device]:
    """Resolve "auto", one device, or several separated by commas.

    Raises:
        InputError: no such device on this machine.
    """
    return [choose_device(name.strip()) for name in names.split(",")]


class Result(NamedTuple):
    """Features [n, D] float32 on the CPU; of flow also the pairs that were stopped early."""

    features: Tensor
    early_stopped: int = 0

    def __repr__(self) -> str:
        return short_repr(self)


class Devices:
    """A copy of each modality's backbone on each device; a context manager.

    Args:
        backbones: by modality; moved to the first device, copied to the others.
        devices: at least one.
        dtype: that the backbones compute in; one that a run has trained as it did there.
        batch_size: snippets per forward pass, where flow is computed on the device.
        cuts: by modality, for such flow.
    """

    def __init__(
        self,
        backbones: Mapping[str, LoadedBackbone],
        devices: Sequence[torch.device],
        dtype: torch.dtype,
        *,
        batch_size: int = 1,
        cuts: Mapping[str, Cut] | None = None,
    ) -> None:
        copies = [backbones, *(copy.deepcopy(backbones) for _ in devices[1:])]
        self._runners = [
            _Runner(mine, device, dtype, batch_size, cuts or {})
            for mine, device in zip(copies, devices, strict=True)
        ]
        self._next = 0
        self._torch_threads = torch.get_num_threads()  # a thread that sets its own sets all later
        self.capacity = sum(runner.threads for runner in self._runners) * _AHEAD

    def submit(self, modality: str, images: Tensor | GreyFrames) -> Future[Result]:
        """Run a backbone on images [n, C, ...] on the CPU, or on the frames of n images of flow."""
        runner = self._runners[self._next]
        self._next = (self._next + 1) % len(self._runners)
        return runner.pool.submit(runner.forward, modality, images)

    def __enter__(self) -> Devices:
        return self

    def __exit__(self, *_: object) -> None:
        for runner in self._runners:
            runner.pool.shutdown(cancel_futures=True)
        torch.set_num_threads(self._torch_threads)


class _Runner:
    """One device, its copies of the backbones and the threads that feed it."""

    def __init__(
        self,
        backbones: Mapping[str, LoadedBackbone],
        device: torch.device,
        dtype: torch.dtype,
        batch_size: int,
        cuts: Mapping[str, Cut],
    ) -> None:
        self._device, self._dtype, self._backbones = device, dtype, backbones
        self._batch_size, self._cuts = batch_size, cuts
        for backbone in backbones.values():
            backbone.module.to(device, torch.float32 if backbone.trained else dtype)
            to_channels_last(backbone)
        if device.type == "cpu":
            # Each core runs batches of its own. Cores that share a batch wait for each other at
            # every layer, and wait long where decoding keeps one of them busy.
            self.threads = torch.get_num_threads()
            self.pool = ThreadPoolExecutor(
                self.threads, initializer=torch.set_num_threads, initargs=(1,)
            )
        else:
            self.threads = 2  # one batch travels while another is computed
            self.pool = ThreadPoolExecutor(self.threads)
        self._streams = local()

    def forward(self, modality: str, images: Tensor | GreyFrames) -> Result:
        if self._device.type != "cuda":
            return self._run(modality, images)
        if not hasattr(self._streams, "mine"):
            self._streams.mine = torch.cuda.Stream(self._device)
            self._streams.mine.wait_stream(torch.cuda.default_stream(self._device))
        with torch.cuda.device(self._device), torch.cuda.stream(self._streams.mine):
            return self._run(modality, images)

    @torch.inference_mode()
    def _run(self, modality: str, images: Tensor | GreyFrames) -> Result:
        if isinstance(images, GreyFrames):
            cut = self._cuts[modality]
            assert isinstance(cut, FieldCut)  # no other gives frames
            stacks, stopped = cut.stacks(images, self._device)
            stacks = stacks.flatten(0, 1)  # [n V, ...]
            batches, n = pad(stacks, self._batch_size), len(stacks)
            features = torch.cat([self._features(modality, batch) for batch in batches])[:n]
            return Result(features.cpu(), stopped)
        if self._device.type == "cuda":
            images = images.pin_memory()
        moved = images.to(self._device, non_blocking=True)
        return Result(self._features(modality, moved).cpu())

    def _features(self, modality: str, images: Tensor) -> Tensor:
        backbone = self._backbones[modality]
        x = normalise(images, backbone.spec.preprocessing).to(memory_format=layout_of(backbone))
        if not backbone.trained:
            return backbone.module(x.to(self._dtype)).float()
        in_16_bits = self._dtype != torch.float32
        with torch.autocast(self._device.type, self._dtype, enabled=in_16_bits):
            return backbone.module(x).float()


def layout_of(backbone: LoadedBackbone) -> torch.memory_format:
    """The memory layout that is faster than the default, above all in 16 bits."""
    return torch.channels_last_3d if backbone.spec.snippet_length > 1 else torch.channels_last


def to_channels_last(backbone: LoadedBackbone) -> None:
    """Store the convolutions' weights in that layout, in place."""
    layout = layout_of(backbone)
    for parameter in backbone.module.parameters():
        if parameter.ndim == (4 if layout == torch.channels_last else 5):
            parameter.data = parameter.data.to(memory_format=layout)
