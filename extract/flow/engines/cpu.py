"""TV-L1 on CPUs: fused stencils, compiled at first use and cached.

A pair is one thread's work, pairs run side by side. Within a pair the iterations are blocked: one
sweep over the image runs several of them, each a row behind the one before, so that the rows in
flight stay in the core's cache.

Legend: H, W rows and columns of a level; ``u`` the flow [2, H + 1, W + 1], ``p`` the dual variables
[4, H + 1, W + 1], ``data`` what a warp leaves constant [4, H, W]. The last row and column of ``u``
repeat the ones before, the first row and column of ``p`` are 0: so neither gradients nor
divergences have a border.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from ....cache.recipe import FlowParameters
from .median import median_5x5

_BLOCK = 5  # iterations in one sweep, while their end is far
_FAR = 2  # times the error that ends a warp is still expected after a sweep
_SMALLEST = 16  # pixels: a side of the coarsest level
_LEAST = 30  # iterations of a warp when the budget is used up
_TINY = np.float32(np.finfo(np.float32).eps)
_ONE, _TWO, _THREE = np.uintp(1), np.uintp(2), np.uintp(3)
_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "fastmath": True, "error_model": "numpy"}


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


@njit(**_OPTIONS)
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


@njit(**_OPTIONS)
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
    u = np.empty((2, height + 1, width + 1), np.float32)
    u[:, :height, :width] = flow
    p = np.zeros((4, height + 1, width + 1), np.float32)
    data = np.empty((4, height, width), np.float32)
    filtered = np.empty_like(u)
    sources = _with_gradients(second)
    errors = np.empty(_BLOCK, np.float32)
    iterations = 0
    for _ in range(warps):
        _warp(first, sources, u, data, parts, opencv_cuda)
        error = np.float32(np.inf)
        for n in range(outer):
            if error <= enough or (n and iterations >= limit):
                break
            if median > 1:
                for c in range(2):
                    median_5x5(u[c], height, width, filtered[c])
                u, filtered = filtered, u
            _repeat_border(u)
            done, most = 0, inner if iterations < limit else min(inner, _LEAST)
            check = 2  # iterations after which OpenCV's CUDA engine looks at the error again
            while done < most and error > enough:
                if opencv_cuda:
                    count = min(_BLOCK, most - done, check - done)
                else:
                    # Near the end one at a time, to stop at the iteration that OpenCV stops at;
                    # the error falls about as the inverse square of the iterations.
                    ahead = (done + _BLOCK) / max(done, 0.1)
                    far = error > _FAR * enough * ahead * ahead
                    count = min(_BLOCK, most - done) if far and done else 1
                _sweep(u, p, data, l_t, theta, taut, errors[:count])
                done += count
                if not opencv_cuda:
                    error = errors[:count].min()
                elif done == check:
                    error = errors[count - 1]
                    check += _until_check(error, enough)
            iterations += done
    flow[:] = u[:, :height, :width]
    return iterations * height * width


@njit(**_OPTIONS)
def _until_check(error, enough):
    """Iterations until OpenCV's CUDA engine sums the changes again: as if each took ``enough``."""
    return 2 * (min(int(error / max(enough, _TINY)), 1000) // 2 + 1)


@njit(**_OPTIONS)
def _with_gradients(image):
    """The image and its central differences in x and y, halved at the borders too: [3, H, W]."""
    height, width = image.shape
    result = np.empty((3, height, width), np.float32)
    half = np.float32(0.5)
    for y in range(height):
        above, row, below = image[max(y - 1, 0)], image[y], image[min(y + 1, height - 1)]
        for x in range(width):
            left, right = max(x - 1, 0), min(x + 1, width - 1)
            result[0, y, x] = row[x]
            result[1, y, x] = half * (row[right] - row[left])
            result[2, y, x] = half * (below[x] - above[x])
    return result


@njit(**_OPTIONS)
def _warp(first, sources, u, data, parts, opencv_cuda):
    """Warp the second image and its gradient by the flow.

    Args:
        parts: of a pixel that points are rounded to; 0 for none.
        opencv_cuda: with the border repeated, else with 0 outside of the image.
    """
    height, width = first.shape
    second, gradient_x, gradient_y = sources[0], sources[1], sources[2]
    for y in range(height):
        for x in range(width):
            a, b = u[0, y, x], u[1, y, x]
            to_x, to_y = np.float32(x) + a, np.float32(y) + b
            if parts:
                to_x, to_y = np.rint(to_x * parts) / parts, np.rint(to_y * parts) / parts
            column, row = np.floor(to_x), np.floor(to_y)
            wx, wy = _cubic(to_x - column, opencv_cuda), _cubic(to_y - row, opencv_cuda)
            if 1 <= column < width - 2 and 1 <= row < height - 2:
                left, top = np.uintp(column) - _ONE, np.uintp(row) - _ONE
                i1 = _inside(second, left, top, wx, wy)
                ix = _inside(gradient_x, left, top, wx, wy)
                iy = _inside(gradient_y, left, top, wx, wy)
            elif opencv_cuda or (-3 < column < width + 1 and -3 < row < height + 1):
                left = int(min(max(column, -3), width + 1)) - 1
                top = int(min(max(row, -3), height + 1)) - 1
                i1 = _at_the_border(second, left, top, wx, wy, opencv_cuda)
                ix = _at_the_border(gradient_x, left, top, wx, wy, opencv_cuda)
                iy = _at_the_border(gradient_y, left, top, wx, wy, opencv_cuda)
            else:
                i1 = ix = iy = np.float32(0)
            data[0, y, x] = ix
            data[1, y, x] = iy
            data[2, y, x] = np.float32(-1) / max(ix * ix + iy * iy, _TINY)
            data[3, y, x] = i1 - ix * a - iy * b - first[y, x]


@njit(**_OPTIONS)
def _cubic(t, opencv_cuda):
    """Weights of the four neighbours of a point t after the second, by Keys (1981)."""
    f = np.float32  # a bare number would make everything double
    a, r, s = f(-0.5) if opencv_cuda else f(-0.75), f(1) - t, t + f(1)
    w0 = ((a * s - f(5) * a) * s + f(8) * a) * s - f(4) * a
    w1 = ((a + f(2)) * t - (a + f(3))) * t * t + f(1)
    w2 = ((a + f(2)) * r - (a + f(3))) * r * r + f(1)
    return w0, w1, w2, f(1) - w0 - w1 - w2


@njit(**_OPTIONS)
def _inside(image, left, top, wx, wy):
    """Interpolate where all 16 neighbours exist; unsigned indices are not checked for -1."""
    a, b, c, d = image[top], image[top + _ONE], image[top + _TWO], image[top + _THREE]
    return (
        wx[0] * _down(a, b, c, d, left, wy)
        + wx[1] * _down(a, b, c, d, left + _ONE, wy)
        + wx[2] * _down(a, b, c, d, left + _TWO, wy)
        + wx[3] * _down(a, b, c, d, left + _THREE, wy)
    )


@njit(**_OPTIONS)
def _down(a, b, c, d, x, wy):
    return wy[0] * a[x] + wy[1] * b[x] + wy[2] * c[x] + wy[3] * d[x]


@njit(**_OPTIONS)
def _at_the_border(image, left, top, wx, wy, repeat):
    """Interpolate with the nearest pixel, or else 0, for the neighbours that do not exist."""
    height, width = image.shape
    total = np.float32(0)
    for j in range(4):
        for i in range(4):
            y, x = top + j, left + i
            if repeat:
                y, x = min(max(y, 0), height - 1), min(max(x, 0), width - 1)
            if 0 <= y < height and 0 <= x < width:
                total += wy[j] * wx[i] * image[y, x]
    return total


@njit(**_OPTIONS)
def _repeat_border(u):
    height, width = u.shape[1] - 1, u.shape[2] - 1
    for c in range(2):
        for y in range(height):
            u[c, y, width] = u[c, y, width - 1]
        u[c, height] = u[c, height - 1]


@njit(**_OPTIONS)
def _sweep(u, p, data, l_t, theta, taut, errors):
    """As many iterations as there are ``errors``, which become their sums of squared changes.

    In every step iteration k updates row y = step - k of the flow, then row y - 1 of the dual
    variables. Iteration k - 1 has just done rows y + 1 and y, which is all that k needs.
    """
    height = data.shape[1]
    errors[:] = 0
    for step in range(height + len(errors)):
        for k in range(len(errors)):
            y = step - k
            if 0 <= y < height:
                errors[k] += _primal(u, p, data, y, l_t, theta)
                if y == height - 1:
                    u[:, height] = u[:, y]
            if 0 < y <= height:
                _dual(u[0, y - 1], u[0, y], p[0, y], p[1, y], taut)
                _dual(u[1, y - 1], u[1, y], p[2, y], p[3, y], taut)


@njit(**_OPTIONS)
def _primal(u, p, data, y, l_t, theta):
    """Thresholding and divergence step of row y of the flow."""
    u1, u2 = u[0, y], u[1, y]
    ix, iy, scale, rho_c = data[0, y], data[1, y], data[2, y], data[3, y]
    p11, p12, p12_above = p[0, y + 1], p[1, y + 1], p[1, y]
    p21, p22, p22_above = p[2, y + 1], p[3, y + 1], p[3, y]
    error = np.float32(0)
    for x in range(len(ix)):
        a, b = u1[x], u2[x]
        rho = rho_c[x] + ix[x] * a + iy[x] * b
        step = min(max(rho * scale[x], -l_t), l_t)
        da = step * ix[x] + theta * (p11[x + 1] - p11[x] + p12[x + 1] - p12_above[x + 1])
        db = step * iy[x] + theta * (p21[x + 1] - p21[x] + p22[x + 1] - p22_above[x + 1])
        u1[x] = a + da
        u2[x] = b + db
        error += da * da + db * db
    u1[len(ix)] = u1[len(ix) - 1]
    u2[len(ix)] = u2[len(ix) - 1]
    return error


@njit(**_OPTIONS)
def _dual(row, below, px, py, taut):
    """Dual update of one row of one component of the flow."""
    for x in range(len(row) - 1):
        ux, uy = row[x + 1] - row[x], below[x] - row[x]
        shrink = np.float32(1) / (np.float32(1) + taut * np.sqrt(ux * ux + uy * uy))
        px[x + 1] = (px[x + 1] + taut * ux) * shrink
        py[x + 1] = (py[x + 1] + taut * uy) * shrink
