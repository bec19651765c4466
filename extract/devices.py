"""Run a backbone on one or several devices while the next batches are being made."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import local

import torch
from torch import Tensor

from ..cache.device import choose_device
from .backbones import LoadedBackbone
from .transforms import normalise

_AHEAD = 2  # batches that wait for each thread, so that a device is never idle


def choose_devices(names: str) -> list[torch.device]:
    """Resolve "auto", one device, or several separated by commas.

    Raises:
        InputError: no such device on this machine.
    """
    return [choose_device(name.strip()) for name in names.split(",")]


class Devices:
    """A copy of the backbone on each device; a context manager.

    Args:
        backbone: moved to the first device, copied to the others.
        devices: at least one.
        dtype: that the backbone computes in.
    """

    def __init__(
        self, backbone: LoadedBackbone, devices: Sequence[torch.device], dtype: torch.dtype
    ) -> None:
        modules = [backbone.module, *(copy.deepcopy(backbone.module) for _ in devices[1:])]
        self._runners = [
            _Runner(LoadedBackbone(**{**vars(backbone), "module": module}), device, dtype)
            for module, device in zip(modules, devices, strict=True)
        ]
        self._next = 0
        self._torch_threads = torch.get_num_threads()  # a thread that sets its own sets all later
        self.capacity = sum(runner.threads for runner in self._runners) * _AHEAD

    def submit(self, images: Tensor) -> Future[Tensor]:
        """uint8 images [n, 3, ...] on the CPU to float32 features [n, D] on the CPU."""
        runner = self._runners[self._next]
        self._next = (self._next + 1) % len(self._runners)
        return runner.pool.submit(runner.forward, images)

    def __enter__(self) -> Devices:
        return self

    def __exit__(self, *_: object) -> None:
        for runner in self._runners:
            runner.pool.shutdown(cancel_futures=True)
        torch.set_num_threads(self._torch_threads)


class _Runner:
    """One device, its copy of the backbone and the threads that feed it."""

    def __init__(self, backbone: LoadedBackbone, device: torch.device, dtype: torch.dtype) -> None:
        self._device, self._dtype = device, dtype
        self._preprocessing = backbone.spec.preprocessing
        # Faster than the default layout, above all in 16 bits.
        clips = backbone.spec.snippet_length > 1
        self._layout = torch.channels_last_3d if clips else torch.channels_last
        self._module = backbone.module.to(device, dtype)
        for parameter in self._module.parameters():
            if parameter.ndim == (5 if clips else 4):
                parameter.data = parameter.data.to(memory_format=self._layout)
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

    def forward(self, images: Tensor) -> Tensor:
        if self._device.type != "cuda":
            return self._run(images)
        if not hasattr(self._streams, "mine"):
            self._streams.mine = torch.cuda.Stream(self._device)
            self._streams.mine.wait_stream(torch.cuda.default_stream(self._device))
        with torch.cuda.device(self._device), torch.cuda.stream(self._streams.mine):
            return self._run(images.pin_memory())

    @torch.inference_mode()
    def _run(self, images: Tensor) -> Tensor:
        x = normalise(images.to(self._device, non_blocking=True), self._preprocessing)
        return self._module(x.to(self._dtype, memory_format=self._layout)).float().cpu()
