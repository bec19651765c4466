"""The flow of a batch: equal to the CPU engine's, whatever else is in the batch."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from flow_pairs import KINDS, flow_pairs

from tcon.cache import InputError
from tcon.extract.flow import PRESETS, FlowParameters, tvl1, tvl1_pairs
from tcon.extract.flow.engines import batched
from tcon.extract.flow.tvl1 import choose_engine

FIXED = FlowParameters(scales=1, warps=1, epsilon=0, outer=2)  # rounding cannot grow
FEW = FlowParameters(scales=3, warps=2)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Images this small are slower with more."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["cpu", "opencv"])
def test_equals_the_other_engines_to_rounding(engine: str) -> None:
    if engine == "opencv":
        pytest.importorskip("cv2.optflow", reason="needs opencv-contrib")
    pairs = flow_pairs(48, 64)
    found = tvl1_pairs(*pairs, parameters=FIXED, engine="torch")
    expected = tvl1_pairs(*pairs, parameters=FIXED, engine=engine)
    assert (expected.norm(dim=1).mean((1, 2))[:3] > 0.1).all()
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)


def test_pyramid_and_warps_are_those_of_the_cpu_engine() -> None:
    pairs = flow_pairs(48, 64)
    parameters = FlowParameters(scales=3, warps=2, epsilon=0, inner=10, outer=1)
    found = tvl1_pairs(*pairs, parameters=parameters, engine="torch")
    error = (found - tvl1_pairs(*pairs, parameters=parameters, engine="cpu")).norm(dim=1)
    mean = dict(zip(KINDS, error.mean((1, 2)).tolist(), strict=True))
    assert mean["still"] == 0
    assert max(mean["translation"], mean["rotation"]) < 1e-3
    assert mean["cut"] < 0.1  # rounding grows where there is no flow to find


def test_stops_where_the_cpu_engine_stops() -> None:
    """On one scale and warp the iterations are the same, on every pair."""
    from tcon.extract.flow.engines import cpu

    parameters = FlowParameters(scales=1, warps=1, epsilon=0.02)
    spent = []
    for first, second in zip(*flow_pairs(48, 64), strict=True):
        spent.append(batched.flow(first[None], second[None], parameters)[1])
        assert spent[-1] == cpu.flow(first.numpy(), second.numpy(), parameters)[1]
    assert len(set(spent)) == len(spent)  # they leave the batch at different times
    assert batched.flow(*flow_pairs(48, 64), parameters)[1].tolist() == [int(n) for n in spent]


@pytest.mark.slow
def test_a_pair_is_the_same_in_any_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = flow_pairs(40, 56)
    whole = tvl1_pairs(first, second, parameters=FEW, engine="torch")
    for n in range(4):
        alone = tvl1_pairs(first[n : n + 1], second[n : n + 1], parameters=FEW, engine="torch")
        assert torch.equal(whole[n : n + 1], alone)
    monkeypatch.setattr(batched, "_PIXELS", 3 * 40 * 56)
    assert torch.equal(whole, tvl1_pairs(first, second, parameters=FEW, engine="torch"))
    assert torch.equal(
        whole.flip(0), tvl1_pairs(first.flip(0), second.flip(0), parameters=FEW, engine="torch")
    )


def test_median() -> None:
    image = np.random.default_rng(0).normal(size=(2, 2, 9, 13)).astype(np.float32)
    wide = np.pad(image, ((0, 0), (0, 0), (2, 2), (2, 2)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(wide, (5, 5), axis=(2, 3))
    found = batched.median_5x5(torch.from_numpy(image))
    np.testing.assert_array_equal(found, np.median(windows, axis=(4, 5)))


@pytest.mark.parametrize("shape", [(1, 24), (24, 1), (1, 1), (2, 3), (17, 40)])
def test_odd_shapes(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    pair = torch.from_numpy(rng.integers(0, 256, (2, 1, *shape), dtype=np.uint8))
    found = tvl1_pairs(*pair, parameters=FIXED, engine="torch")
    expected = tvl1_pairs(*pair, parameters=FIXED, engine="cpu")
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)


def test_identical_frames_have_exactly_no_flow() -> None:
    first, _ = flow_pairs(40, 56)
    assert (tvl1_pairs(first, first, engine="torch") == 0).all()


def test_clips_and_pairs_are_the_same_flow() -> None:
    frames = flow_pairs(20, 24)[1]
    pairs = tvl1_pairs(frames[:-1], frames[1:], parameters=FEW)
    assert torch.equal(tvl1(frames, parameters=FEW), pairs)
    assert torch.equal(tvl1(frames, parameters=FEW, engine="cpu"), pairs)  # what auto takes


def test_no_pairs() -> None:
    none = torch.zeros(0, 20, 30, dtype=torch.uint8)
    for engine in ("cpu", "torch"):
        assert tvl1_pairs(none, none, engine=engine).shape == (0, 2, 20, 30)


def test_wrong_input(monkeypatch: pytest.MonkeyPatch) -> None:
    frames = torch.zeros(2, 8, 8, dtype=torch.uint8)
    with pytest.raises(ValueError, match="pairs must be alike"):
        tvl1_pairs(frames, frames[:1])
    with pytest.raises(InputError, match="torch does not follow the convention opencv4"):
        tvl1_pairs(frames, frames, engine="torch", parameters=PRESETS["opencv4"])
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match="needs an NVIDIA GPU"):
        tvl1_pairs(frames, frames, engine="cuda")


def test_auto_suits_the_device_and_the_convention(monkeypatch: pytest.MonkeyPatch) -> None:
    gpu, other = torch.device("cuda"), torch.device("mps")
    monkeypatch.setattr(torch.version, "hip", None)
    monkeypatch.setattr(sys.modules[choose_engine.__module__], "find_spec", lambda name: name)
    assert choose_engine("auto", torch.device("cpu"), FEW) == "cpu"
    assert choose_engine("auto", gpu, FEW) == "cuda"
    assert choose_engine("auto", other, FEW) == "torch"
    assert choose_engine("auto", gpu, PRESETS["opencv_cuda"]) == "cpu"
    monkeypatch.setattr(torch.version, "hip", "6.0")
    assert choose_engine("auto", gpu, FEW) == "torch"
