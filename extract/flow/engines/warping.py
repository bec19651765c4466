"""Bicubic warps of an image and its gradients, by Keys (1981)."""

from __future__ import annotations

import numpy as np
from numba import njit
from numba.core import types
from numba.extending import intrinsic

from .lanes import OPTIONS, Floats, constant, integer, splat, zeros

_MARGIN = 4  # pixels: the neighbours of a point 3 before the first pixel, or 1 after the last
_TINY = np.float32(np.finfo(np.float32).eps)


@njit(**OPTIONS)
def with_gradients(image, repeat):
    """What `warp` reads: the image and its central differences in x and y, pixel by pixel.

    The differences are halved at the borders too. The four neighbours of a point in a row are 16
    floats in a row of the memory.

    Args:
        image: [H, W] float32.
        repeat: the border beyond the image, which is 0 otherwise.

    Returns:
        [H + 8, W + 8, 4] float32; the last channel is 0.
    """
    height, width = image.shape
    result = zeros((height + 2 * _MARGIN, width + 2 * _MARGIN, 4))
    half = np.float32(0.5)
    for y in range(height):
        above, row, below = image[max(y - 1, 0)], image[y], image[min(y + 1, height - 1)]
        for x in range(width):
            left, right = max(x - 1, 0), min(x + 1, width - 1)
            pixel = result[y + _MARGIN, x + _MARGIN]
            pixel[0] = row[x]
            pixel[1] = half * (row[right] - row[left])
            pixel[2] = half * (below[x] - above[x])
    if repeat:
        for y in range(_MARGIN, height + _MARGIN):
            result[y, :_MARGIN] = result[y, _MARGIN]
            result[y, width + _MARGIN :] = result[y, width + _MARGIN - 1]
        result[:_MARGIN] = result[_MARGIN]
        result[height + _MARGIN :] = result[height + _MARGIN - 1]
    return result


@njit(**OPTIONS)
def warp(first, sources, u, data, parts, a):
    """Warp the second image and its gradients by the flow.

    Args:
        first: [H, W] float32.
        sources: of the second image, by `with_gradients`.
        u: the flow, and ``data``, what is written: see `iterations`.
        parts: of a pixel that points are rounded to; 0 for none.
        a: of the bicubic's weights.
    """
    height, width = first.shape
    columns, rows = np.empty(width, np.int32), np.empty(width, np.int32)
    across, down = np.empty(width, np.float32), np.empty(width, np.float32)
    found = np.empty((width, 4), np.float32)
    for y in range(height):
        u1, u2 = u[0, y + 1], u[1, y + 1]
        for x in range(width):
            to_x, to_y = np.float32(x) + u1[x], np.float32(y) + u2[x]
            if parts:
                to_x, to_y = np.rint(to_x * parts) / parts, np.rint(to_y * parts) / parts
            column, row = np.floor(to_x), np.floor(to_y)
            across[x], down[x] = to_x - column, to_y - row
            columns[x] = np.int32(min(max(column, np.float32(-3)), np.float32(width + 1)))
            rows[x] = np.int32(min(max(row, np.float32(-3)), np.float32(height + 1)))
        for x in range(width):
            top, left = rows[x] + (_MARGIN - 1), columns[x] + (_MARGIN - 1)
            _interpolate(sources, top, left, across[x], down[x], a, found, x)
        ix, iy, scale, rho_c = data[0, y], data[1, y], data[2, y], data[3, y]
        for x in range(width):
            i1, gx, gy = found[x, 0], found[x, 1], found[x, 2]
            ix[x], iy[x] = gx, gy
            scale[x] = np.float32(-1) / max(gx * gx + gy * gy, _TINY)
            rho_c[x] = i1 - gx * u1[x] - gy * u2[x] - first[y, x]


@intrinsic
def _interpolate(_typing, sources, top, left, across, down, a, found, x):
    """Interpolate all channels between 4 x 4 pixels, from (top, left) on, into ``found[x]``."""

    def code(context, builder, signature, values):
        sources = Floats(context, builder, signature.args[0], values[0])
        found = Floats(context, builder, signature.args[6], values[6])
        top, left, across, down, a, _, x = values[1:]

        def weights(part):
            """Of the four neighbours of a point so far after the second, four times each."""
            t, by_a = splat(builder, part), splat(builder, a)
            result = constant(builder, [0.0] * 16)
            for plain, times_a in _POWERS:
                result *= t
                result += fours(times_a) * by_a + fours(plain)
            return result

        def fours(numbers):
            return constant(builder, [n for n in numbers for _ in range(4)])

        in_column, in_row = weights(down), weights(across)
        total = constant(builder, [0.0] * 16)
        for n in range(4):
            row = sources.load(builder.add(top, integer(n)), left, integer(0))
            total += row * in_column.take([4 * n] * 16)
        total *= in_row
        halves = total.take(range(8)) + total.take(range(8, 16))
        found.store(halves.take(range(4)) + halves.take(range(4, 8)), x, integer(0))
        return context.get_dummy_value()

    index, real = types.intp, types.float32
    return types.void(sources, index, index, real, real, real, found, index), code


# The weights' coefficients of t ** 3, 2, 1 and 0: of each a number and one times ``a``.
_POWERS = (
    ((0, 2, -2, 0), (1, 1, -1, -1)),
    ((0, -3, 3, 0), (-2, -1, 2, 1)),
    ((0, 0, 0, 0), (1, 0, -1, 0)),
    ((0, 1, 0, 0), (0, 0, 0, 0)),
)
