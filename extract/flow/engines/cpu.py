"""TV-L1 on CPUs: fused stencils, compiled at first use and cached.

A pair is one thread's work, pairs run side by side. `iterations` tells how the arrays lie, `lanes`
how vectors are written.

What Python calls is cached, with the kernels that are compiled into it; kernels are not cached by
themselves. To tell whether a cached function still holds, numba looks at nothing but the file that
it is in, this one. So this file names the kernels' sources, and changes whenever they do.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from ....cache.recipe import FlowParameters
from .compiling import compiled
from .iterations import repeat_border, sweep, thetas
from .lanes import LANES, OPTIONS, padded, zeros
from .median import median_5x5
from .warping import warp, with_gradients

_BLOCK = 5  # iterations in one sweep, while their end is farther
_SMALLEST = 16  # pixels: a side of the coarsest level
_LEAST = 30  # iterations of a warp when the budget is used up
_TINY = np.float32(np.finfo(np.float32).eps)
_ONE = np.uintp(1)
# SHA-256 of the kernels' sources: nothing reads it but a test, and numba as a part of this file.
KERNELS = "e04585b6bbe72208be8d8ee63920cec01829872dbc6d12199c6dda2ac25bab33"


def flow(
    first: np.ndarray, second: np.ndarray, parameters: FlowParameters
) -> tuple[np.ndarray, int]:
    """The flow of one pair.

    Args:
        first, second: [H, W] uint8.

    Returns:
        [2, H, W] float32, x and y in pixels; pixel iterations spent.
    """
    opencv_cuda = parameters.convention == "opencv_cuda"
    centre = 0.0 if opencv_cuda else 0.5
    levels = [(first.astype(np.float32), second.astype(np.float32))]
    for _ in range(parameters.scales - 1):
        shape = tuple(int(np.rint(side * parameters.scale_step)) for side in levels[-1][0].shape)
        if min(shape) < _SMALLEST:
            break
        step = 1 / parameters.scale_step
        levels.append(tuple(_resize(image, shape, step, step, centre) for image in levels[-1]))
    u = np.zeros((2, *levels[-1][0].shape), np.float32)
    spent, budget = 0, parameters.budget * first.size
    for first, second in reversed(levels):
        shape = first.shape
        if u.shape[1:] != shape:
            rows, columns = u.shape[1] / shape[0], u.shape[2] / shape[1]
            u = np.stack([_resize(part, shape, rows, columns, centre) for part in u])
            u *= np.float32(1 / parameters.scale_step)
        spent += _level(
            first,
            second,
            u,
            np.float32(parameters.lambda_ * parameters.theta),
            np.float32(parameters.theta),
            np.float32(parameters.tau / parameters.theta),
            np.float32(parameters.epsilon**2 * first.size),
            parameters.warps,
            parameters.inner,
            parameters.outer,
            parameters.median,
            (budget - spent) / first.size,
            np.float32(32 if parameters.convention == "opencv4" else 0),
            opencv_cuda,
        )
    return u, spent


@compiled
def _resize(image, shape, row_step, column_step, centre):
    """Bilinear; points at ``centre`` of a pixel are aligned, the steps are in source pixels."""
    height, width = image.shape
    result = np.empty(shape, np.float32)
    left, part = np.empty(shape[1], np.uintp), np.empty(shape[1], np.float32)
    between = np.empty(width + 1, np.float32)
    for x in range(shape[1]):
        at = min(max((x + centre) * column_step - centre, 0.0), width - 1.0)
        left[x] = int(at)
        part[x] = at - int(at)
    for y in range(shape[0]):
        at = min(max((y + centre) * row_step - centre, 0.0), height - 1.0)
        top = int(at)
        below, down = min(top + 1, height - 1), np.float32(at - top)
        for x in range(width):
            between[x] = image[top, x] + down * (image[below, x] - image[top, x])
        between[width] = between[width - 1]
        for x in range(shape[1]):
            first, second = between[left[x]], between[left[x] + _ONE]
            result[y, x] = first + part[x] * (second - first)
    return result


@compiled
def _level(
    first,
    second,
    flow,
    l_t,
    theta,
    taut,
    enough,
    warps,
    inner,
    outer,
    median,
    limit,
    parts,
    opencv_cuda,
):
    """Refine ``flow`` [2, H, W] in place on one level of the pyramid.

    After ``limit`` iterations every further warp takes as few as it may.
    """
    height, width = first.shape
    columns = padded(width)
    u = zeros((2, height + 2, columns + LANES))
    u[:, 1 : height + 1, :width] = flow
    p = zeros((4, height + 2, columns + LANES))
    data = zeros((4, height + 1, columns))
    filtered = zeros(u.shape)
    inside = thetas(height, width, theta)
    sources = with_gradients(second, opencv_cuda)
    sums = zeros((_BLOCK, LANES))
    iterations = 0
    for _ in range(warps):
        warp(first, sources, u, data, parts, np.float32(-0.5 if opencv_cuda else -0.75))
        error = np.float32(np.inf)
        for n in range(outer):
            if error <= enough or (n and iterations >= limit):
                break
            if median > 1:
                for c in range(2):
                    median_5x5(u[c, 1:], height, width, filtered[c, 1:])
                u, filtered = filtered, u
            repeat_border(u, height, width)
            done, most = 0, inner if iterations < limit else min(inner, _LEAST)
            check = 2  # iterations after which OpenCV's CUDA engine looks at the error again
            while done < most and error > enough:
                if opencv_cuda:
                    count = min(_BLOCK, most - done, check - done)
                elif done:
                    # No more than will be needed, to stop at the iteration that OpenCV stops at:
                    # the error falls more slowly than the inverse cube of the iterations.
                    left = done * (np.cbrt(error / max(enough, _TINY)) - 1)
                    count = min(_BLOCK, most - done, int(min(left, _BLOCK)) + 1)
                else:
                    count = 1
                sweep(u, p, data, inside, l_t, taut, width, sums[:count])
                done += count
                if not opencv_cuda:
                    error = np.float32(np.inf)
                    for k in range(count):
                        error = min(error, sums[k].sum())
                elif done == check:
                    error = sums[count - 1].sum()
                    check += _until_check(error, enough)
            iterations += done
    flow[:] = u[:, 1 : height + 1, :width]
    return iterations * height * width


@njit(**OPTIONS)
def _until_check(error, enough):
    """Iterations until OpenCV's CUDA engine sums the changes again: as if each took ``enough``."""
    return 2 * (min(int(error / max(enough, _TINY)), 1000) // 2 + 1)
