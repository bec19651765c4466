"""Presets of TV-L1: their names, and the conventions that are not the default."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from tcon.cache import InputError
from tcon.extract.flow import PRESETS, FlowParameters, parse_parameters, tvl1
from tcon.extract.flow.engines import cpu, opencv, warping
from tcon.extract.flow.parameters import budget as allowed

CUDA = PRESETS["opencv_cuda"]


def _images(height: int, width: int, motion: float = 1.3) -> np.ndarray:
    """Two smooth images, the second moved to the right, [2, height, width] uint8."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:height, :width].astype(float)
    total = np.zeros((2, height, width))
    for (a, b), phase in zip(rng.normal(0, 0.2, (16, 2)), rng.uniform(0, 7, 16), strict=True):
        for n in range(2):
            total[n] += np.cos(a * y + b * (x - n * motion) + phase)
    return np.clip(127.5 + 25 * total, 0, 255).round().astype(np.uint8)


# --- names


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_goes_by_its_name(name: str) -> None:
    assert parse_parameters(name) == PRESETS[name]


def test_other_parameters_go_by_what_differs() -> None:
    text = "warps=3,epsilon=0.025,budget=800,convention=opencv4"
    wanted = FlowParameters(epsilon=0.025, warps=3, convention="opencv4", budget=800)
    assert parse_parameters(text) == wanted


def test_parameters_are_told_whole_whatever_preset_they_are() -> None:
    told = str(PRESETS["fast"])
    assert "scales=3" in told and "tau=0.25" in told and "fast" not in told
    assert parse_parameters(told) == PRESETS["fast"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("opencv6", "did you mean opencv"),
        ("", "there are opencv"),
        ("warp=3", "did you mean warps"),
        ("warps=2.5", "warps: must be a whole number"),
        ("median=3", "5, or 1"),
        ("theta=0", "theta: must be greater than 0"),
        ("warps=-1", "warps: must be at least 1"),
        ("epsilon=-1", "epsilon: must be at least 0"),
        ("tau=nan", "tau: must be finite"),
        ("scale_step=1", "scale_step: must be less than 1"),
        ("convention=opencv3", "convention: must be one of 'opencv5'"),
    ],
)
def test_no_such_parameters(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_parameters(text)


def test_opencv_itself_has_one_convention() -> None:
    pytest.importorskip("cv2.optflow", reason="needs opencv-contrib")
    with pytest.raises(InputError, match="not opencv_cuda: take the flow engine cpu"):
        opencv.flow(*_images(20, 20), CUDA)


# --- the warp


def _points(height: int, width: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """An image, and points to read it at, many outside of it."""
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    u = rng.normal(0, 6, (2, height, width)).astype(np.float32)
    u[:, ::7] = 0
    u[:, 3] = 1e4
    return rng.uniform(0, 255, (height, width)).astype(np.float32), x + u[0], y + u[1]


def _warped(image: np.ndarray, to_x: np.ndarray, to_y: np.ndarray, parts: int, opencv_cuda: bool):
    height, width = image.shape
    y, x = np.mgrid[:height, :width].astype(np.float32)
    u = np.zeros((2, height + 2, width + 16), np.float32)
    u[:, 1:-1, :width] = to_x - x, to_y - y
    data = np.empty((4, height, width), np.float32)
    # The image instead of its gradients, which the warp leaves as they are.
    sources = np.stack([warping.with_gradients(image, opencv_cuda)[..., 0]] * 4, -1)
    a = np.float32(-0.5 if opencv_cuda else -0.75)
    warping.warp(np.zeros_like(image), sources, u, data, np.float32(parts), a)
    np.testing.assert_array_equal(data[0], data[1])
    return data[0]


def test_opencv4_warps_to_parts_of_a_pixel() -> None:
    cv2 = pytest.importorskip("cv2")
    image, to_x, to_y = _points(30, 40)
    rounded = np.rint(to_x * 32) / 32, np.rint(to_y * 32) / 32  # what it reads at, in any version
    theirs = cv2.remap(image, *rounded, cv2.INTER_CUBIC)
    np.testing.assert_allclose(_warped(image, to_x, to_y, 32, False), theirs, atol=1e-2)
    assert np.abs(_warped(image, to_x, to_y, 0, False) - theirs).max() > 1


def _keys(x: np.ndarray) -> np.ndarray:
    """Keys' cubic with A = -0.5, as in OpenCV's tvl1flow.cu."""
    x = np.abs(x)
    near, far = x * x * (1.5 * x - 2.5) + 1, x * (x * (-0.5 * x + 2.5) - 4) + 2
    return np.where(x <= 1, near, np.where(x < 2, far, 0))


def _plain_warp(image: np.ndarray, to_x: np.ndarray, to_y: np.ndarray) -> np.ndarray:
    """The border repeated, weights normalised, as in OpenCV's tvl1flow.cu."""
    height, width = image.shape
    total, weights = np.zeros(to_x.shape), np.zeros(to_x.shape)
    for j in range(-1, 3):
        for i in range(-1, 3):
            y, x = np.floor(to_y) + j, np.floor(to_x) + i
            weight = _keys(to_x - x) * _keys(to_y - y)
            rows, columns = y.clip(0, height - 1).astype(int), x.clip(0, width - 1).astype(int)
            total += weight * image[rows, columns]
            weights += weight
    return total / weights


def test_cuda_warps_with_the_border_repeated() -> None:
    image, to_x, to_y = _points(30, 40)
    plain = _plain_warp(image.astype(float), to_x.astype(float), to_y.astype(float))
    np.testing.assert_allclose(_warped(image, to_x, to_y, 0, True), plain, atol=0.05)


# --- CUDA's whole method, written plainly from opencv_contrib's cudaoptflow


def _plain_cuda(first: np.ndarray, second: np.ndarray, parameters: FlowParameters) -> np.ndarray:
    levels = [np.stack([first, second]).astype(float)]
    for _ in range(parameters.scales - 1):
        height, width = np.rint(np.array(levels[-1].shape[1:]) * parameters.scale_step).astype(int)
        step = 1 / parameters.scale_step
        levels.append(np.stack([_plain_resize(i, height, width, step, step) for i in levels[-1]]))
    u = np.zeros((2, *levels[-1].shape[1:]))
    for images in reversed(levels):
        shape = images.shape[1:]
        if u.shape[1:] != shape:
            steps = np.array(u.shape[1:]) / shape
            u = np.stack([_plain_resize(c, *shape, *steps) for c in u]) / parameters.scale_step
        u = _plain_level(*images, u, parameters)
    return u


def _plain_resize(
    image: np.ndarray, height: int, width: int, row_step: float, column_step: float
) -> np.ndarray:
    y, x = np.arange(height)[:, None] * row_step, np.arange(width) * column_step
    top, left = np.floor(y).astype(int), np.floor(x).astype(int)
    below, right = np.minimum(top + 1, len(image) - 1), np.minimum(left + 1, image.shape[1] - 1)
    upper = image[top, left] * (left + 1 - x) + image[top, right] * (x - left)
    lower = image[below, left] * (left + 1 - x) + image[below, right] * (x - left)
    return upper * (top + 1 - y) + lower * (y - top)


def _plain_level(
    first: np.ndarray, second: np.ndarray, u: np.ndarray, parameters: FlowParameters
) -> np.ndarray:
    enough = parameters.epsilon**2 * first.size
    theta, taut = parameters.theta, parameters.tau / parameters.theta
    padded = np.pad(second, 1, mode="edge")
    sources = (
        second,
        (padded[1:-1, 2:] - padded[1:-1, :-2]) / 2,
        (padded[2:, 1:-1] - padded[:-2, 1:-1]) / 2,
    )
    y, x = np.mgrid[: first.shape[0], : first.shape[1]]
    p = np.zeros((2, 2, *first.shape))  # of the flow's components, along x and y
    for _ in range(parameters.warps):
        warped, ix, iy = (_plain_warp(source, x + u[0], y + u[1]) for source in sources)
        square = ix**2 + iy**2
        rho_c = warped - ix * u[0] - iy * u[1] - first
        error, previous = np.inf, 0.0
        for n in range(parameters.inner):
            if error <= enough:
                break
            rho = rho_c + ix * u[0] + iy * u[1]
            step = -rho / np.maximum(square, 1e-7)
            step = step.clip(-parameters.lambda_ * theta, parameters.lambda_ * theta)
            divergence = np.diff(p[:, 0], axis=2, prepend=0) + np.diff(p[:, 1], axis=1, prepend=0)
            new = u + step * np.stack([ix, iy]) + theta * divergence
            if n % 2 and previous < enough:
                error = previous = ((new - u) ** 2).sum()
            else:
                error, previous = np.inf, previous - enough
            u = new
            forward_x = np.diff(u, axis=2, append=u[:, :, -1:])
            forward_y = np.diff(u, axis=1, append=u[:, -1:])
            shrink = 1 + taut * np.hypot(forward_x, forward_y)
            p = (p + taut * np.stack([forward_x, forward_y], axis=1)) / shrink[:, None]
    return u


@pytest.mark.parametrize("scales", [1, 2])
@pytest.mark.parametrize("epsilon", [0.01, 0.05, 0])
def test_cuda_is_opencvs_cuda_method(scales: int, epsilon: float) -> None:
    images = _images(33, 46)
    parameters = FlowParameters(
        convention="opencv_cuda",
        inner=60,
        outer=1,
        median=1,
        warps=2,
        scales=scales,
        epsilon=epsilon,
    )
    ours, plain = cpu.flow(*images, parameters)[0], _plain_cuda(*images, parameters)
    assert np.abs(plain).mean() > 0.3
    assert np.abs(ours - plain).mean() < 2e-3


def test_cuda_finds_a_translation() -> None:
    (found,) = tvl1(torch.from_numpy(_images(96, 128)), parameters=CUDA).numpy()
    error = np.hypot(found[0] - 1.3, found[1])[12:-12, 12:-12]
    assert np.median(error) < 0.1


# --- the budget


def test_a_pair_within_its_budget_does_not_change() -> None:
    images = _images(48, 64)
    flow, spent = cpu.flow(*images, FlowParameters())
    enough = FlowParameters(budget=spent // images[0].size + 1)
    bounded, again = cpu.flow(*images, enough)
    np.testing.assert_array_equal(bounded, flow)
    assert again == spent
    assert spent < allowed(enough, images[0].size)


def test_a_hopeless_pair_is_stopped_early_and_told() -> None:
    first, second = np.random.default_rng(0).integers(0, 256, (2, 48, 64), dtype=np.uint8)
    endless = FlowParameters(scales=3, epsilon=0)  # noise converges after a time of its own
    parameters = replace(endless, budget=100)
    _, free = cpu.flow(first, second, endless)
    flow, spent = cpu.flow(first, second, parameters)
    assert np.isfinite(flow).all()
    assert spent >= allowed(parameters, first.size)
    # The warps after the budget: 15 of 30 iterations, on levels of 1, 0.64 and 0.41 of the pixels.
    assert spent / first.size < 100 + 30 + 5 * 30 * 2.1
    assert free > 5 * spent
