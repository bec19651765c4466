"""In which precision a run multiplies matrices, and how ``auto`` is decided: by measuring.

Under bf16 the weights, the optimiser, scores, softmaxes and losses stay float32
(`layers.precision`). Predictions and evaluations are computed in float32 always, so that what a
run's weights predict depends on the weights alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from multiprocessing.connection import Connection
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F

from ...cache import InputError
from ...cache.common.machine.child import start_child
from ...extract.machine.precision import choose_precision
from ..config.options import RunConfig
from ..data.domains import Domains
from .new_method import new_method

Resolved = Literal["fp32", "bf16"]
_LEAST = 1e8  # operations of a product; in smaller ones the time goes elsewhere
_FASTER = 1.3  # times; casts take some of the gain
_ROUNDS = 5
_MOST_ROWS = 2**16  # of a product that is measured; with more of them bf16 is no faster


class Product(NamedTuple):
    """A matrix product, [rows, inputs] times [inputs, outputs]."""

    rows: int
    inputs: int
    outputs: int

    @property
    def operations(self) -> int:
        return 2 * self.rows * self.inputs * self.outputs


def choose(run: RunConfig, domains: Domains, device: torch.device, *, threads: int = 0) -> Resolved:
    """The precision of a run: the one that is asked for, or which is clearly faster.

    ``auto`` is fp32 end to end, where the backbone takes the time and has a precision of its own,
    and for products that are too small to matter.

    Args:
        run: its options.
        domains: its videos.
        device: that trains it.
        threads: that train it on a CPU; 0 for as many as this process has.

    Raises:
        InputError: bf16 on a device that cannot compute in it.
    """
    asked = run.train.precision
    if asked == "bf16" and device.type not in ("cpu", "cuda"):
        raise InputError(f"train.precision=bf16 is for CPUs and CUDA GPUs, not for {device.type}")
    if asked != "auto":
        return asked
    if run.end_to_end is not None:
        return "fp32"
    product = largest_product(run, domains)
    if product.operations < _LEAST:
        return "fp32"
    return "bf16" if bf16_is_faster(product, device, threads or torch.get_num_threads()) else "fp32"


def largest_product(run: RunConfig, domains: Domains) -> Product:
    """A step's product of all segments of a batch with the method's largest weight."""
    with torch.device("meta"):  # takes no memory and no time
        method = new_method(run, domains)
    source, target = len(domains.source_train), len(domains.target_train)
    train = run.train
    segments = train.batch_size * run.source_segments
    segments += train.target_batch_size(source, target) * run.target_segments
    matrices = [p.shape for p in method.parameters() if p.dim() == 2]
    outputs, inputs = max(matrices, key=lambda shape: shape.numel(), default=(0, 0))
    return Product(min(segments * method.snippets, _MOST_ROWS), inputs, outputs)


@cache
def bf16_is_faster(product: Product, device: torch.device, threads: int) -> bool:
    """Whether a linear layer of this size is clearly faster in bf16; measured once per process.

    Args:
        product: the size.
        device: where; one that only emulates bf16 is not measured, for it could take minutes.
        threads: that compute it, on a CPU.
    """
    # This process may fork others, which could use neither a GPU nor threads that it has used.
    if device.type == "cuda":
        elsewhere = not torch.cuda.is_initialized()
    else:
        elsewhere = threads != torch.get_num_threads()
    if elsewhere:
        return _measured_by_a_child(product, device, threads)
    return _measured(product, device)


def _measured_by_a_child(product: Product, device: torch.device, threads: int) -> bool:
    process, child = start_child(__name__)
    with process, child:
        child.send((product, device, threads))
        return child.recv()


def main(descriptor: int) -> None:
    """Measure for the process that has started this one."""
    with Connection(descriptor) as parent:
        product, device, threads = parent.recv()
        torch.set_num_threads(threads)
        parent.send(_measured(product, device))


def _measured(product: Product, device: torch.device) -> bool:
    if choose_precision("auto", device) != "bf16":
        return False
    seconds = {
        dtype: _seconds(_linear(product, dtype, device), device)
        for dtype in (torch.float32, torch.bfloat16)
    }
    return seconds[torch.float32] > _FASTER * seconds[torch.bfloat16]


def _linear(
    product: Product, dtype: torch.dtype, device: torch.device
) -> Callable[[], torch.Tensor]:
    x = torch.ones(product.rows, product.inputs, dtype=dtype, device=device)
    weight = torch.ones(product.outputs, product.inputs, dtype=dtype, device=device)
    return lambda: F.linear(x, weight)


def _seconds(compute: Callable[[], torch.Tensor], device: torch.device) -> float:
    """The least of several rounds after one that is not counted: others disturb the rest."""
    taken = []
    for _ in range(_ROUNDS + 1):
        started = time.perf_counter()
        compute()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        taken.append(time.perf_counter() - started)
    return min(taken[1:])
