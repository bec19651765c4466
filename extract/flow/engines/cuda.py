"""TV-L1 on an NVIDIA GPU: a batch of pairs, the inner iterations in Triton, replayed as graphs."""

from __future__ import annotations

from functools import lru_cache
from threading import Lock

import torch
import triton
from torch import Tensor

from ....cache.recipe import FlowParameters
from . import batched, kernels

# Pixels of a batch: 128 pairs at 340 x 256 and about 1.3 GB. Their smallest level still fills a GPU
# with tiles, and the looks at which pairs are left, at most 250 a batch, are spread over many. To
# stay inside the L2 cache it would have to be 9 pairs (see docs/flow.md).
_PIXELS = 128 * 256 * 340
_MOST = 1024  # pairs, however small
_RECORDING = Lock()  # CUDA graphs are recorded one at a time in a process


def flow(first: Tensor, second: Tensor, parameters: FlowParameters) -> tuple[Tensor, Tensor]:
    """See `batched.flow`; the images are on a CUDA device."""
    with torch.cuda.device(first.device):
        return _engine(first.device, *first.shape[1:], parameters)(first, second)


@lru_cache(maxsize=8)  # one for each GPU: the frames of a run have one size
def _engine(device: torch.device, height: int, width: int, parameters: FlowParameters) -> Engine:
    batch = min(_MOST, max(1, _PIXELS // (height * width)))
    with torch.inference_mode(False):  # its buffers must serve outside of that mode too
        return Engine(device, height, width, parameters, batch=batch)


class Engine:
    """Buffers and recorded graphs for images of one size.

    Pairs that have converged stand still on the device at once. After each outer iteration the
    host looks at which are left and works on those: the grids that are launched, and recorded, have
    as many pairs as the next power of two.

    Args:
        device: where the images are; a CPU where Triton's interpreter runs the kernels.
        height, width: of the images.
        parameters: of the method.
        batch: pairs at once.
    """

    def __init__(
        self,
        device: torch.device,
        height: int,
        width: int,
        parameters: FlowParameters,
        *,
        batch: int,
    ) -> None:
        self.parameters, self.batch, self.device = parameters, batch, device
        pixels = batch * height * width
        # The buffers of all levels lie in those of the finest.
        self._floats = {
            name: torch.empty(count * pixels, device=device)
            for name, count in {"u": 4, "p": 8, "data": 4, "first": 1, "sources": 3}.items()
        }
        self._errors = torch.empty(batch * kernels.STEPS * _tiles(height, width), device=device)
        names = ("u_at", "p_at", "counts", "done", "converged", "live")
        self._of_pairs = {
            name: torch.zeros(batch, dtype=torch.int32, device=device) for name in names
        }
        self._spent = torch.zeros(batch, dtype=torch.long, device=device)
        self._graphs: dict[tuple[int, int, int], torch.cuda.CUDAGraph | None] = {}
        self._lock = Lock()  # the buffers are shared

    def __call__(self, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
        """See `batched.flow`."""
        batches = zip(first.split(self.batch), second.split(self.batch), strict=True)
        with self._lock:
            parts = [
                batched.coarse_to_fine(*batch, self.parameters, self._level) for batch in batches
            ]
            if self.device.type == "cuda":  # the next thread has a stream of its own
                torch.cuda.current_stream(self.device).synchronize()
        flows, spent = zip(*parts, strict=True)
        return torch.cat(flows), torch.cat(spent)

    def _level(
        self, first: Tensor, second: Tensor, u: Tensor, parameters: FlowParameters, limit: Tensor
    ) -> tuple[Tensor, Tensor]:
        """See `batched.coarse_to_fine`."""
        n, height, width = first.shape
        buffers = self._buffers(height, width)
        buffers["first"][:n] = first
        buffers["sources"][:n] = batched.with_gradients(second)
        buffers["u"][0, :n] = u
        buffers["p"][0, :n] = 0
        at = self._of_pairs
        at["u_at"].zero_()
        at["p_at"].zero_()
        self._spent.zero_()
        for _ in range(parameters.warps):
            left = list(range(n))
            self._warp(height, width, self._set_live(left))
            at["converged"].zero_()
            for _ in range(parameters.outer):
                self._outer(height, width, self._set_live(left))
                over = self._spent[:n] >= limit
                stands = (over | (at["converged"][:n] > 0)).tolist()  # waits for the device
                left = [pair for pair in left if not stands[pair]]
                if not left:
                    break
        here = at["u_at"][:n].long()
        flows = buffers["u"][here, torch.arange(n, device=self.device)]
        return flows, self._spent[:n].clone()

    def _buffers(self, height: int, width: int) -> dict[str, Tensor]:
        """The buffers of a level, see the legend of `kernels`."""
        shapes = {"u": (2, self.batch, 2), "p": (2, self.batch, 4), "data": (self.batch, 4)}
        shapes |= {"first": (self.batch,), "sources": (self.batch, 3)}
        found = {}
        for name, shape in shapes.items():
            shape = (*shape, height, width)
            found[name] = self._floats[name][: torch.Size(shape).numel()].view(shape)
        return found

    def _set_live(self, pairs: list[int]) -> int:
        """Write the list of pairs to work on; returns its length with padding."""
        size = min(triton.next_power_of_2(len(pairs)), self.batch)
        padded = torch.tensor(pairs + [-1] * (size - len(pairs)), dtype=torch.int32)
        self._of_pairs["live"][:size] = padded.to(self.device)
        return size

    def _warp(self, height: int, width: int, pairs: int) -> None:
        x, at = self._floats, self._of_pairs
        kernels.warp[(triton.cdiv(height * width, kernels.BLOCK), pairs)](
            x["first"],
            x["sources"],
            x["u"],
            at["u_at"],
            x["data"],
            at["live"],
            self.batch,
            height,
            width,
            BLOCK=kernels.BLOCK,
        )

    def _outer(self, height: int, width: int, pairs: int) -> None:
        """An outer iteration, as a graph from its second time on: 17 launches become one."""
        key = height, width, pairs
        if self.device.type != "cuda" or key not in self._graphs:
            self._launch(*key)  # compiles, which recording must not
            self._graphs[key] = None
            return
        graph = self._graphs[key]
        if graph is None:
            graph = torch.cuda.CUDAGraph()
            stream = torch.cuda.Stream(self.device)  # torch's own is on the first device used
            # Other threads may use the device meanwhile, but not record.
            with (
                _RECORDING,
                torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"),
            ):
                self._launch(*key)
            self._graphs[key] = graph
        graph.replay()

    def _launch(self, height: int, width: int, pairs: int) -> None:
        """Launch an outer iteration: the median, then as many iterations as any pair can need."""
        parameters, x, at = self.parameters, self._floats, self._of_pairs
        shape = self.batch, height, width
        if parameters.median > 1:
            kernels.median[(triton.cdiv(height * width, kernels.BLOCK), pairs)](
                x["u"], at["u_at"], at["live"], *shape, BLOCK=kernels.BLOCK
            )
        flips = int(parameters.median > 1)
        kernels.begin[(pairs,)](
            at["live"],
            at["counts"],
            at["done"],
            at["u_at"],
            parameters.inner,
            flips,
            STEPS=kernels.STEPS,
        )
        tiles = _tiles(height, width)
        for _ in range(triton.cdiv(parameters.inner, kernels.STEPS) + 1):  # one is a repetition
            kernels.iterate[(tiles, pairs)](
                x["u"],
                x["p"],
                x["data"],
                self._errors,
                at["live"],
                at["counts"],
                at["u_at"],
                at["p_at"],
                *shape,
                parameters.lambda_ * parameters.theta,
                parameters.theta,
                parameters.tau / parameters.theta,
                STEPS=kernels.STEPS,
                TILE_HEIGHT=kernels.TILE_HEIGHT,
                TILE_WIDTH=kernels.TILE_WIDTH,
                num_warps=kernels.TILE_WARPS,
                maxnreg=kernels.TILE_REGISTERS,
            )
            kernels.decide[(pairs,)](
                self._errors,
                at["live"],
                at["counts"],
                at["done"],
                at["converged"],
                self._spent,
                at["u_at"],
                at["p_at"],
                tiles,
                parameters.epsilon**2 * height * width,
                parameters.inner,
                STEPS=kernels.STEPS,
                TILES=triton.next_power_of_2(tiles),
            )


def _tiles(height: int, width: int) -> int:
    return triton.cdiv(height, kernels.CORE_HEIGHT) * triton.cdiv(width, kernels.CORE_WIDTH)
