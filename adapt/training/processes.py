"""Several processes, one GPU each, that train one run: ``torchrun``.

Every process makes the features of its share of a batch. All features are gathered, and every
process computes the loss of the whole batch, with the same random numbers: co-attention sees all
pairs. The gradient at the features of its own share goes back through its backbone, and the
backbones' gradients are summed: they are those of one process with the whole batch. torch's
DistributedDataParallel is not used: it averages gradients of losses over shares, and co-attention
has no such loss.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn

from ...cache import InputError


class Processes:
    """The processes of a run; one alone needs no ``torchrun`` and does nothing here.

    Args:
        rank: of this one; only the first writes the run's folder.
        size: how many there are.
    """

    def __init__(self, rank: int = 0, size: int = 1) -> None:
        self.rank, self.size = rank, size

    @classmethod
    def join(cls, device: torch.device) -> Processes:
        """Those that ``torchrun`` has started, this one among them."""
        size = int(os.environ.get("WORLD_SIZE", "1"))
        if size == 1:
            return cls()
        if device.type == "cuda":
            torch.cuda.set_device(device)
        if not dist.is_initialized():
            # The first process may count videos for hours while the others wait.
            backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
            dist.init_process_group(backend, timeout=timedelta(hours=4))
            # Its threads abort the process where they outlive the interpreter.
            atexit.register(_leave)
        return cls(dist.get_rank(), size)

    def share(self, batch: int) -> slice:
        """The videos of a batch that this process takes.

        Raises:
            InputError: the batch cannot be divided evenly.
        """
        if batch % self.size:
            raise InputError(
                f"a batch of {batch} videos cannot be divided among {self.size} processes: choose "
                "another train.batch_size"
            )
        each = batch // self.size
        return slice(self.rank * each, (self.rank + 1) * each)

    def gather(self, features: Tensor) -> Tensor:
        """[b, ...] of each process, in their order: [size b, ...], without gradients."""
        if self.size == 1:
            return features
        parts = [torch.empty_like(features) for _ in range(self.size)]
        dist.all_gather(parts, features.contiguous())
        return torch.cat(parts)

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """The same gradients everywhere, where they differ by rounding alone."""
        self.sum_gradients(parameters, scale=1 / self.size)

    def all_min(self, number: int) -> int:
        """The least of what the processes say."""
        said = [number] * self.size
        if self.size > 1:
            dist.all_gather_object(said, number)
        return min(said)

    def all_union(self, mine: dict[str, str]) -> dict[str, str]:
        """What any of them says."""
        said: list[Any] = [mine] * self.size
        if self.size > 1:
            dist.all_gather_object(said, mine)
        return {key: text for one in said for key, text in one.items()}

    def sum_gradients(self, parameters: Iterable[nn.Parameter], *, scale: float = 1.0) -> None:
        """Add up what every process has found, times ``scale``."""
        gradients = [p.grad for p in parameters if p.grad is not None]
        if self.size == 1 or not gradients:
            return
        flat = torch.cat([g.flatten() for g in gradients])
        dist.all_reduce(flat)
        flat *= scale
        for gradient, total in zip(
            gradients, flat.split([g.numel() for g in gradients]), strict=True
        ):
            gradient.copy_(total.view_as(gradient))

    def broadcast_buffers(self, module: nn.Module) -> None:
        """The first process's statistics of batch norms for all. What is not in training mode has
        not changed."""
        training = [m for m in module.modules() if m.training] if self.size > 1 else []
        buffers = [buffer for m in training for buffer in m.buffers(recurse=False)]
        for dtype in dict.fromkeys(buffer.dtype for buffer in buffers):
            alike = [buffer for buffer in buffers if buffer.dtype == dtype]
            flat = torch.cat([buffer.flatten() for buffer in alike])
            dist.broadcast(flat, 0)
            parts = flat.split([buffer.numel() for buffer in alike])
            for buffer, part in zip(alike, parts, strict=True):
                buffer.copy_(part.view_as(buffer))

    def broadcast(self, value: Any) -> Any:
        """What the first process says."""
        said = [value]
        if self.size > 1:
            dist.broadcast_object_list(said, 0)
        return said[0]

    def gather_rows(self, rows: Tensor) -> Tensor:
        """Rows of all processes in their order, which may be of different numbers; on the CPU."""
        if self.size == 1:
            return rows
        parts: list[Any] = [None] * self.size
        dist.all_gather_object(parts, rows)
        return torch.cat(parts)

    def part(self, rows: Sequence[int]) -> list[int]:
        """Of ``rows`` those that this process predicts, in order."""
        return np.array_split(np.asarray(rows), self.size)[self.rank].tolist()


def _leave() -> None:
    if dist.is_initialized():
        dist.destroy_process_group()
