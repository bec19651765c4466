"""TV-L1 on motions that are known, and against OpenCV's."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from tcon.cache import InputError
from tcon.extract.flow import FlowParameters, tvl1, tvl1_pairs
from tcon.extract.flow.engines.median import median_5x5


def _texture(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Smooth noise on [0, 255] that can be read at any point, [height, width] and margin."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width].astype(float)
    return _at(y, x, rng)


def _at(y: np.ndarray, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    waves = rng.normal(0, 0.15, (24, 2)), rng.uniform(0, 2 * np.pi, 24)
    total = sum(np.cos(a * y + b * x + p) for (a, b), p in zip(*waves, strict=True))
    return np.clip(127.5 + 20 * total, 0, 255)


def _moved(points: tuple[np.ndarray, np.ndarray], seed: int = 0) -> np.ndarray:
    return _at(*points, np.random.default_rng(seed)).round().astype(np.uint8)


def _pair(first: np.ndarray, second: np.ndarray) -> Tensor:
    return torch.from_numpy(np.stack([first, second]))


def _grid(height: int = 96, width: int = 128) -> tuple[np.ndarray, np.ndarray]:
    y, x = np.mgrid[:height, :width].astype(float)
    return y, x


INNER = (slice(None), slice(12, -12), slice(12, -12))


@pytest.mark.parametrize("motion", [(1.0, 0.0), (0.0, -1.5), (2.5, 2.0), (-6.0, 3.0)], ids=str)
def test_translation(motion: tuple[float, float]) -> None:
    y, x = _grid()
    dx, dy = motion
    (found,) = tvl1(_pair(_moved((y, x)), _moved((y - dy, x - dx)))).numpy()
    error = np.hypot(found[0] - dx, found[1] - dy)[INNER[1:]]
    assert np.median(error) < 0.1
    assert error.mean() < 0.25


def test_rotation() -> None:
    y, x = _grid()
    angle, cy, cx = np.deg2rad(3), 48, 64
    back_y = cy + np.cos(angle) * (y - cy) - np.sin(angle) * (x - cx)
    back_x = cx + np.sin(angle) * (y - cy) + np.cos(angle) * (x - cx)
    (found,) = tvl1(_pair(_moved((y, x)), _moved((back_y, back_x)))).numpy()
    # A point moves to where the second image reads it from: the inverse rotation.
    to_x = cx + np.cos(angle) * (x - cx) - np.sin(angle) * (y - cy)
    to_y = cy + np.sin(angle) * (x - cx) + np.cos(angle) * (y - cy)
    error = np.hypot(found[0] - (to_x - x), found[1] - (to_y - y))[INNER[1:]]
    assert np.median(error) < 0.15


def test_identical_frames_have_exactly_no_flow() -> None:
    frame = _texture(70, 90).astype(np.uint8)
    assert (tvl1(_pair(frame, frame)) == 0).all()


def test_constant_frames_have_exactly_no_flow() -> None:
    frames = torch.stack([torch.full((40, 50), value, dtype=torch.uint8) for value in (10, 200)])
    assert (tvl1(frames) == 0).all()


@pytest.mark.parametrize("shape", [(1, 64), (64, 1), (1, 1), (2, 3), (15, 15), (17, 200)])
def test_odd_shapes(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 256, (2, *shape), dtype=np.uint8)
    found = tvl1(_pair(first, second))
    assert found.shape == (1, 2, *shape)
    assert found.isfinite().all()


def test_mirroring_the_images_mirrors_the_flow() -> None:
    y, x = _grid()
    first, second = _moved((y, x)), _moved((y - 1, x - 2))
    parameters = FlowParameters(scales=1)  # a pyramid of odd sizes is not symmetric itself
    plain = tvl1(_pair(first, second), parameters=parameters)[0]
    mirrored = tvl1(_pair(first[:, ::-1], second[:, ::-1]), parameters=parameters)[0].flip(-1)
    # Forward and backward differences trade places, so this holds nearly, not exactly.
    assert (plain[0] + mirrored[0]).abs()[INNER[1:]].mean() < 0.1
    assert (plain[1] - mirrored[1]).abs()[INNER[1:]].mean() < 0.1


@pytest.mark.slow
def test_a_clip_equals_its_pairs() -> None:
    frames = torch.from_numpy(np.stack([_texture(48, 64, seed) for seed in range(4)])).byte()
    whole = tvl1(frames, threads=3)
    assert whole.shape == (3, 2, 48, 64)
    assert whole.dtype == torch.float32
    for n in range(3):
        assert torch.equal(whole[n], tvl1(frames[n : n + 2], threads=1)[0])


def test_a_single_frame_has_no_flow() -> None:
    assert tvl1(torch.zeros(1, 20, 30, dtype=torch.uint8)).shape == (0, 2, 20, 30)


@pytest.mark.parametrize("change", [np.copy, np.flipud, np.asfortranarray])
def test_arrays_of_numpy(change: Callable[[np.ndarray], np.ndarray]) -> None:
    frames = change(np.random.default_rng(0).integers(0, 256, (2, 20, 30), np.uint8))
    frames.flags.writeable = False
    assert torch.equal(tvl1(frames), tvl1(torch.from_numpy(frames.copy())))
    assert torch.equal(tvl1_pairs(frames[:1], frames[1:]), tvl1(frames))


def test_wrong_input() -> None:
    with pytest.raises(InputError, match="did you mean opencv"):
        tvl1(torch.zeros(2, 8, 8, dtype=torch.uint8), engine="opencv4")
    for wrong in (
        torch.zeros(2, 8, 8),
        torch.zeros(2, 3, 8, 8, dtype=torch.uint8),
        np.zeros((2, 8, 8)),
    ):
        with pytest.raises(ValueError, match="must be"):
            tvl1(wrong)


def test_wrong_median() -> None:
    with pytest.raises(ValueError, match="5, or 1"):
        FlowParameters(median=3)


# --- the median


def _median(image: np.ndarray) -> np.ndarray:
    height, width = image.shape
    padding = np.full((height, -width % 16), 1e6, np.float32)  # must not be looked at
    rows = np.concatenate([image, padding], 1)
    found = np.empty_like(rows)
    median_5x5(rows, height, width, found)
    return found[:, :width]


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (3, 3), (5, 17), (7, 16), (31, 40)])
def test_median(shape: tuple[int, int]) -> None:
    image = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    found = _median(image)
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(image, 2, mode="edge"), (5, 5))
    np.testing.assert_array_equal(found, np.median(windows, axis=(2, 3)))


def test_what_the_memory_holds_is_in_no_median(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even in the padding, which is in the sum of all changes: a NaN would make it one."""

    def left_over(shape: tuple[int, ...], dtype: type) -> np.ndarray:
        return np.full(shape, np.nan, dtype)

    monkeypatch.setattr(np, "empty", left_over)
    image = np.ones((6, 32), np.float32)
    for width in range(17, 33):
        found = np.zeros_like(image)
        median_5x5.py_func(image, 6, width, found)
        assert np.isfinite(found).all(), width


def test_median_of_ties() -> None:
    image = np.random.default_rng(2).integers(0, 3, (20, 30)).astype(np.float32)
    found = _median(image)
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(image, 2, mode="edge"), (5, 5))
    np.testing.assert_array_equal(found, np.median(windows, axis=(2, 3)))


# --- OpenCV


def _scene(kind: str) -> Tensor:
    y, x = _grid(120, 160)
    first = _moved((y, x))
    second = {
        "small": lambda: _moved((y - 0.4, x - 0.7)),
        "large": lambda: _moved((y - 3, x + 5)),
        "zoom": lambda: _moved((60 + 1.05 * (y - 60), 80 + 1.05 * (x - 80))),
        "darker": lambda: (0.8 * _moved((y, x - 1))).astype(np.uint8),
    }[kind]()
    return _pair(first, second)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["small", "large", "zoom", "darker"])
def test_equals_opencv(kind: str) -> None:
    pytest.importorskip("cv2.optflow", reason="needs opencv-contrib")
    frames = _scene(kind)
    (ours,), (theirs,) = tvl1(frames, engine="cpu"), tvl1(frames, engine="opencv")
    error = (ours - theirs).norm(dim=0)
    assert theirs.norm(dim=0).mean() > 0.3  # there is something to be right about
    assert error.mean() < 0.1
    levels = [(flow.clamp(-20, 20) * 255 / 40).round() for flow in (ours, theirs)]
    assert (levels[0] - levels[1]).abs().mean() < 1


@pytest.mark.slow
def test_equals_opencv_to_rounding_where_rounding_cannot_grow() -> None:
    pytest.importorskip("cv2.optflow", reason="needs opencv-contrib")
    parameters = FlowParameters(scales=1, warps=1, epsilon=0)
    ours, theirs = (
        tvl1(_scene("large"), engine=e, parameters=parameters) for e in ("cpu", "opencv")
    )
    assert theirs.norm(dim=1).mean() > 0.3
    assert (ours - theirs).norm(dim=1).mean() < 1e-5


@pytest.mark.slow
@pytest.mark.parametrize(
    "change",
    [
        {"scales": 1},
        {"warps": 4},
        {"median": 1},
        {"epsilon": 0.05},
        {"scale_step": 0.5},
        {"inner": 1, "outer": 40},
        {"tau": 0.1, "lambda_": 0.05, "theta": 0.2},
    ],
    ids=str,
)
def test_every_parameter_means_what_it_means_in_opencv(change: dict[str, float]) -> None:
    pytest.importorskip("cv2.optflow", reason="needs opencv-contrib")
    few = {"scales": 2, "warps": 2}  # rounding has little room to grow then
    frames, parameters = _scene("small"), FlowParameters(**few | change)
    ours = tvl1(frames, engine="cpu", parameters=parameters)
    theirs = tvl1(frames, engine="opencv", parameters=parameters)
    default = tvl1(frames, engine="opencv", parameters=FlowParameters(**few))
    error = (ours - theirs).norm(dim=1).mean()
    assert error < 0.01
    assert error < 0.2 * (theirs - default).norm(dim=1).mean()  # the change has an effect
