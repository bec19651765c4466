"""The GPU engine's kernels against the torch operations they stand for.

On a GPU as they are; without one in Triton's interpreter, by running this file once more. That they
compile for a GPU is tested in both cases.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch
from flow_pairs import flow_pairs
from torch import Tensor

from tcon.extract.flow import FlowParameters, tvl1_pairs
from tcon.extract.flow.engines import batched

triton = pytest.importorskip("triton")
from tcon.extract.flow.engines import cuda, kernels  # noqa: E402  (they need it)

INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
GPU = torch.cuda.is_available() and not INTERPRETED
DEVICE = torch.device("cuda" if GPU else "cpu")
runs = pytest.mark.skipif(not GPU and not INTERPRETED, reason="runs in the interpreter, see below")
needs_gpu = pytest.mark.skipif(not GPU, reason="needs a CUDA GPU")


@pytest.mark.slow
@pytest.mark.skipif(GPU or INTERPRETED, reason="a GPU runs them as they are")
def test_in_the_interpreter() -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__]
    environment = os.environ | {"TRITON_INTERPRET": "1", "OMP_NUM_THREADS": "1"}
    found = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout[-4000:] + found.stderr[-4000:]
    assert "passed" in found.stdout


def _engine(shape: torch.Size, parameters: FlowParameters, batch: int) -> cuda.Engine:
    return cuda.Engine(DEVICE, *shape, parameters, batch=batch)


def _pairs(height: int, width: int) -> tuple[Tensor, Tensor]:
    first, second = flow_pairs(height, width)
    return first.to(DEVICE), second.to(DEVICE)


@runs
@pytest.mark.parametrize("shape", [(1, 30), (30, 1), (2, 3), (29, 70)])
@pytest.mark.parametrize("values", ["normal", "ties"])
def test_median(shape: tuple[int, int], values: str) -> None:
    generator = torch.manual_seed(0)
    if values == "ties":
        u = torch.randint(0, 3, (2, 2, *shape), generator=generator).float()
    else:
        u = torch.randn(2, 2, *shape, generator=generator)
    assert torch.equal(_median(u.to(DEVICE)), batched.median_5x5(u).to(DEVICE))


def _median(u: Tensor) -> Tensor:
    """Of the second pair of u [2, 2, H, W] from buffer 1 into 0, the first being no pair."""
    n, _, height, width = u.shape
    both = torch.zeros(2, *u.shape, device=DEVICE)
    both[1] = u
    ones = torch.ones(n, dtype=torch.int32, device=DEVICE)
    live = torch.tensor([1, -1, 0], dtype=torch.int32, device=DEVICE)
    grid = triton.cdiv(height * width, 512), len(live)
    kernels.median[grid](both, ones, live, n, height, width, BLOCK=512)
    return both[0]


@runs
def test_warp() -> None:
    first, second = (x.float() for x in _pairs(17, 33))
    u = 4 * torch.randn(4, 2, 17, 33, generator=torch.manual_seed(0)).to(DEVICE)
    u[0, 0, :5], u[1, 1, 3:6] = 1e9, -50  # far outside
    engine = _engine(first.shape[1:], FlowParameters(), 4)
    buffers = engine._buffers(17, 33)
    sources = batched.with_gradients(second)
    buffers["u"][0], buffers["first"][:], buffers["sources"][:] = u, first, sources
    engine._warp(17, 33, engine._set_live([0, 1, 2, 3]))
    expected = batched.warp(first, sources, u)
    # The rest of the constant at 1e9 pixels is rounding alone.
    torch.testing.assert_close(buffers["data"], expected, atol=2e-3, rtol=1e-4)


@runs
@pytest.mark.parametrize("shape", [(1, 60), (60, 1), (25, 60)])
def test_iterations(shape: tuple[int, int]) -> None:
    """Over several tiles, a full block and a partial one, from dual variables that are not 0."""
    generator = torch.manual_seed(0)
    n, (height, width) = 2, shape
    u = torch.randn(n, 2, height, width, generator=generator).to(DEVICE)
    p = torch.rand(n, 4, height, width, generator=generator).to(DEVICE) / 2
    # The last column and row have no gradient, so their dual variables are 0 there.
    p[:, 0::2, :, -1], p[:, 1::2, -1] = 0, 0
    data = torch.randn(n, 4, height, width, generator=generator).to(DEVICE)
    parameters = FlowParameters(epsilon=0, inner=7, outer=1, median=1)
    engine = _engine(u.shape[2:], parameters, n)
    buffers = engine._buffers(height, width)
    buffers["u"][0], buffers["p"][0], buffers["data"][:] = u, p, data
    engine._outer(height, width, engine._set_live([0, 1]))
    for _ in range(parameters.inner):
        u, p, error = batched.iterate(u, p, data, parameters)
    at = engine._of_pairs
    assert at["u_at"].tolist() == at["p_at"].tolist() == [0, 0]  # two launches
    assert at["done"].tolist() == [7, 7]
    torch.testing.assert_close(buffers["u"][0], u, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(buffers["p"][0], p, atol=1e-4, rtol=1e-4)


@runs
def test_stops_at_its_own_iteration_and_in_any_batch() -> None:
    first, second = _pairs(22, 58)
    parameters = FlowParameters(scales=1, warps=1, epsilon=0.1, inner=12, outer=2)
    flow, spent = _engine(first.shape[1:], parameters, 3)(first, second)
    expected, expected_spent = batched.flow(first, second, parameters)
    assert torch.equal(spent, expected_spent)
    torch.testing.assert_close(flow, expected, atol=1e-3, rtol=0)
    assert (flow[3] == 0).all()  # the frames are identical
    alone, _ = _engine(first.shape[1:], parameters, 1)(first[1:2], second[1:2])
    assert torch.equal(flow[1:2], alone)


@runs
def test_pyramid() -> None:
    first, second = _pairs(22, 40)
    parameters = FlowParameters(scales=2, warps=1, epsilon=0, inner=6, outer=1)
    engine = _engine(first.shape[1:], parameters, 2)
    flow, _ = engine(first[:2], second[:2])
    expected, _ = batched.flow(first[:2], second[:2], parameters)
    torch.testing.assert_close(flow, expected, atol=1e-3, rtol=0)


def test_buffers_made_in_inference_mode_serve_outside_of_it() -> None:
    with torch.inference_mode():
        engine = cuda._engine(DEVICE, 20, 30, FlowParameters())
    assert engine._set_live([0, 1, 2]) == 4  # writes into them


@needs_gpu
def test_frames_stay_on_the_device() -> None:
    first, second = _pairs(60, 80)
    flow = tvl1_pairs(first, second)
    assert flow.device == first.device
    again = tvl1_pairs(first, second)  # recorded now
    assert torch.equal(flow, again)
    assert torch.equal(again, tvl1_pairs(first, second))  # replayed
    on_cpu = tvl1_pairs(first.cpu(), second.cpu(), engine="cpu")
    assert (flow.cpu() - on_cpu)[[0, 1, 3]].norm(dim=1).mean() < 0.1
    assert torch.equal(tvl1_pairs(first.cpu(), second.cpu(), engine="cuda"), flow.cpu())


# --- compilation, which the interpreter does without

_TYPES = {
    "*i32": ("live", "counts", "done", "converged", "u_at", "p_at"),
    "*i64": ("spent",),
    "i32": ("batch", "height", "width", "inner", "flips", "tiles"),
    "fp32": ("limit", "theta", "taut", "enough"),
}


@pytest.mark.slow
@pytest.mark.skipif(INTERPRETED, reason="nothing is compiled in the interpreter")
@pytest.mark.parametrize("name", ["warp", "median", "begin", "iterate", "decide"])
def test_compiles_for_a_gpu(name: str) -> None:
    """With the tools that come with Triton, for an H100's or H200's sm_90; needs no GPU."""
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    kernel = getattr(kernels, name)
    constants = {"TILES": 128} | {
        key: getattr(kernels, key) for key in ("BLOCK", "STEPS", "TILE_HEIGHT", "TILE_WIDTH")
    }
    constants = {key: value for key, value in constants.items() if key in kernel.arg_names}
    types = {argument: kind for kind, names in _TYPES.items() for argument in names}
    signature = {
        key: "constexpr" if key in constants else types.get(key, "*fp32")
        for key in kernel.arg_names
    }
    options = {}
    if name == "iterate":
        options = {"num_warps": kernels.TILE_WARPS, "maxnreg": kernels.TILE_REGISTERS}
    compiled = triton.compile(
        ASTSource(kernel, signature, constants),
        target=GPUTarget("cuda", 90, 32),
        options=options,
    )
    assert compiled.asm["cubin"]
