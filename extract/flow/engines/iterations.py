"""The iterations of TV-L1 on one level of the pyramid, several in one sweep over the image.

Legend: ``u`` the flow [2, H + 2, N + 16], ``p`` the dual variables [4, H + 2, N + 16], ``data``
what a warp leaves constant [4, H + 1, N], where N is the columns W rounded up to a multiple of 16.
Pixel (y, x) lies at [y + 1, x] of ``u``, at [y + 1, x + 16] of ``p`` and at [y, x] of ``data``. The
row and the column of ``u`` after the last repeat it, the row and the column of ``p`` before the
first are 0: so neither gradients nor divergences have a border. What is beyond them takes part
without effect: ``data`` is 0 there, and so is ``theta`` [2, N] (`thetas`).
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numba.core import types
from numba.extending import intrinsic

from .lanes import LANES, OPTIONS, Floats, constant, integer, padded, splat, zeros

_TINY = 1e-30  # whose root is nothing beside 1, and which has a finite inverse


@njit(**OPTIONS)
def thetas(height, width, theta):
    """``theta`` for the pixels, 0 beyond: the first row is for rows of the image."""
    result = zeros((2, padded(width)))
    result[0, :width] = theta
    return result


@njit(**OPTIONS)
def repeat_border(u, height, width):
    """Repeat the last column and row of the flow."""
    for c in range(2):
        for y in range(height):
            u[c, y + 1, width] = u[c, y + 1, width - 1]
        u[c, height + 1] = u[c, height]


@njit(**OPTIONS)
def sweep(u, p, data, theta, l_t, taut, width, sums):
    """As many iterations as rows of ``sums`` [K, 16], which become their sums of squared changes.

    In every step iteration k updates row y = step - k of the flow, then row y - 1 of the dual
    variables. Iteration k - 1 has just done rows y + 1 and y, which is all that k needs: so the
    rows in flight stay in the core's cache.
    """
    height = u.shape[1] - 2
    sums[:] = 0
    for step in range(height + len(sums)):
        for k in range(len(sums)):
            y = step - k
            if 0 <= y <= height:
                below = y // height
                # The row above the first keeps its dual variables 0 by a time step of 0.
                row_taut = taut if y else np.float32(0)
                for x in range(0, data.shape[2], LANES):
                    _advance(u, p, data, theta, sums, k, below, y, x, l_t, row_taut)
                for c in range(2):
                    u[c, y + 1, width] = u[c, y + 1, width - 1]
                if y == height - 1:
                    u[:, height + 1] = u[:, height]


@intrinsic
def _advance(_typing, u, p, data, theta, sums, k, below, y, x, l_t, taut):
    """One iteration for 16 pixels (y, x ...) of the flow and those above them of ``p``."""

    def code(context, builder, signature, values):
        u, p, data, theta, sums = (
            Floats(context, builder, kind, value)
            for kind, value in zip(signature.args[:5], values[:5], strict=True)
        )
        k, below, y, x, l_t, taut = values[5:]
        one = integer(1)
        next_y, next_x = builder.add(y, one), builder.add(x, one)
        p_x, p_left = builder.add(x, integer(LANES)), builder.add(x, integer(LANES - 1))
        most, least = splat(builder, l_t), splat(builder, builder.fneg(l_t))
        taut, theta_x = splat(builder, taut), theta.load(below, x)
        ones, tiny = constant(builder, [1] * LANES), constant(builder, [_TINY] * LANES)

        old = [u.load(integer(c), next_y, x) for c in range(2)]
        gradient = [data.load(integer(c), y, x) for c in range(2)]
        rho = data.load(integer(3), y, x) + gradient[0] * old[0] + gradient[1] * old[1]
        step = (rho * data.load(integer(2), y, x)).maximum(least).minimum(most)
        total = sums.load(k, integer(0))
        for c in range(2):
            px, py = integer(2 * c), integer(2 * c + 1)
            px_above, py_above = p.load(px, y, p_x), p.load(py, y, p_x)
            divergence = p.load(px, next_y, p_x) - p.load(px, next_y, p_left)
            divergence += p.load(py, next_y, p_x) - py_above
            change = step * gradient[c] + theta_x * divergence
            new = old[c] + change
            u.store(new, integer(c), next_y, x)
            total += change * change
            # The dual variables of the row above, whose differences are known now.
            row = u.load(integer(c), y, x)
            ux, uy = u.load(integer(c), y, next_x) - row, new - row
            root = ones / (ux * ux + uy * uy).maximum(tiny).sqrt()
            shrink = root / (root + taut)  # 1 / (1 + taut * |(ux, uy)|), without a square root
            p.store((px_above + taut * ux) * shrink, px, y, p_x)
            p.store((py_above + taut * uy) * shrink, py, y, p_x)
        sums.store(total, k, integer(0))
        return context.get_dummy_value()

    index = types.intp
    arguments = (u, p, data, theta, sums, index, index, index, index, types.float32, types.float32)
    return types.void(*arguments), code
