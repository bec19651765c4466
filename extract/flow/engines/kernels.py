"""TV-L1 on GPUs: the kernels, in Triton.

Legend: N pairs, H, W rows and columns of a level, ``u`` the flow [2, N, 2, H, W], ``p`` the dual
variables [2, N, 4, H, W], ``data`` what a warp leaves constant [N, 4, H, W]. ``u`` and ``p`` are
there twice: every step reads one and writes the other; which of them holds pair n is said by
``u_at[n]`` and ``p_at[n]``. ``live`` [grid] are the pairs to work on, -1 for none.

A block of iterations is tried on a pair by `iterate` and judged by `decide`: if the pair converged
in the middle, the block, whose input still stands, is run again with just as many iterations. So
every pair stops at its own iteration, and nobody has to ask the device.

Sums are taken over tiles, in a fixed order: a pair's flow does not depend on its batch.
"""

from __future__ import annotations

import triton
import triton.language as tl

from .median_kernel import median_5x5

BLOCK = 256  # pixels of a program of `warp` and `median`
# A tile is held in registers. STEPS iterations make that many of its rows and columns at each
# side useless, so of 2048 pixels 1188 count: with 5 iterations between reading and writing, 22
# bytes of memory traffic a pixel iteration where one at a time takes 64 (see docs/flow.md).
STEPS, TILE_HEIGHT, TILE_WIDTH = 5, 32, 64
CORE_HEIGHT, CORE_WIDTH = TILE_HEIGHT - 2 * STEPS, TILE_WIDTH - 2 * STEPS
TILE_WARPS, TILE_REGISTERS = 16, 64  # so that two tiles share a multiprocessor's registers


@triton.jit
def warp(
    first,  # [N, H, W]
    sources,  # [N, 3, H, W]: the second images and their gradients
    u,
    u_at,
    data,
    live,
    batch,  # N
    height,
    width,
    BLOCK: tl.constexpr,
):
    """Warp the second images and their gradients by the flow; outside of the image there is 0."""
    n = tl.load(live + tl.program_id(1)).to(tl.int64)
    if n < 0:
        return
    pixels = height * width
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = at < pixels
    u += (tl.load(u_at + n).to(tl.int64) * batch + n) * 2 * pixels
    a = tl.load(u + at, inside, 0.0)
    b = tl.load(u + pixels + at, inside, 0.0)
    to_x, to_y = (at % width).to(tl.float32) + a, (at // width).to(tl.float32) + b
    column, row = tl.floor(to_x), tl.floor(to_y)
    wx0, wx1, wx2, wx3 = _cubic(to_x - column)
    # Points that far away read zeros alone, wherever they are.
    left = tl.minimum(tl.maximum(column, -4.0), width + 3.0).to(tl.int32) - 1
    top = tl.minimum(tl.maximum(row, -4.0), height + 3.0).to(tl.int32) - 1
    wy = _cubic(to_y - row)
    sources += n * 3 * pixels
    i1 = tl.zeros([BLOCK], tl.float32)
    ix = tl.zeros([BLOCK], tl.float32)
    iy = tl.zeros([BLOCK], tl.float32)
    for j in tl.static_range(4):
        y = top + j
        line = sources + y * width
        there = inside & (y >= 0) & (y < height)
        i1 += wy[j] * _across(line, left, there, width, wx0, wx1, wx2, wx3)
        ix += wy[j] * _across(line + pixels, left, there, width, wx0, wx1, wx2, wx3)
        iy += wy[j] * _across(line + 2 * pixels, left, there, width, wx0, wx1, wx2, wx3)
    data += n * 4 * pixels + at
    i0 = tl.load(first + n * pixels + at, inside, 0.0)
    tl.store(data, ix, inside)
    tl.store(data + pixels, iy, inside)
    tl.store(data + 2 * pixels, -1.0 / tl.maximum(ix * ix + iy * iy, 1.1920929e-07), inside)
    tl.store(data + 3 * pixels, i1 - ix * a - iy * b - i0, inside)


@triton.jit
def _cubic(t):
    """Weights of the four neighbours of a point t after the second; OpenCV's A = -0.75."""
    r = 1.0 - t
    s = t + 1.0
    w0 = ((-0.75 * s + 3.75) * s - 6.0) * s + 3.0
    w1 = (1.25 * t - 2.25) * t * t + 1.0
    w2 = (1.25 * r - 2.25) * r * r + 1.0
    return w0, w1, w2, 1.0 - w0 - w1 - w2


@triton.jit
def _across(line, x, there, width, w0, w1, w2, w3):
    """Interpolate four neighbours of a row, 0 for those that do not exist."""
    v0 = tl.load(line + x, there & (x >= 0) & (x < width), 0.0)
    v1 = tl.load(line + x + 1, there & (x >= -1) & (x < width - 1), 0.0)
    v2 = tl.load(line + x + 2, there & (x >= -2) & (x < width - 2), 0.0)
    v3 = tl.load(line + x + 3, there & (x >= -3) & (x < width - 3), 0.0)
    return w0 * v0 + w1 * v1 + w2 * v2 + w3 * v3


@triton.jit
def median(u, u_at, live, batch, height, width, BLOCK: tl.constexpr):
    """The 5 x 5 median of the flow, from one ``u`` into the other."""
    n = tl.load(live + tl.program_id(1)).to(tl.int64)
    if n < 0:
        return
    pixels = height * width
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = at < pixels
    here = tl.load(u_at + n).to(tl.int64)
    source = u + (here * batch + n) * 2 * pixels
    target = u + ((1 - here) * batch + n) * 2 * pixels
    y, x = at // width, at % width
    for c in tl.static_range(2):
        value = median_5x5(source + c * pixels, x, y, height, width, inside)
        tl.store(target + c * pixels + at, value, inside)


@triton.jit
def begin(live, counts, done, u_at, inner, flips, STEPS: tl.constexpr):
    """Start an outer iteration; ``flips`` is 1 where the median has moved the flow, else 0."""
    n = tl.load(live + tl.program_id(0))
    if n < 0:
        return
    here = tl.load(u_at + n)
    tl.store(u_at + n, tl.where(flips > 0, 1 - here, here))
    tl.store(done + n, 0)
    tl.store(counts + n, tl.minimum(inner, STEPS))


@triton.jit
def iterate(
    u,
    p,
    data,
    errors,  # [N, STEPS, tiles]: each tile's sum of squared changes
    live,
    counts,  # [N]: iterations to try, 0 for a pair that stands still
    u_at,
    p_at,
    batch,  # N
    height,
    width,
    limit,
    theta,
    taut,
    STEPS: tl.constexpr,
    TILE_HEIGHT: tl.constexpr,
    TILE_WIDTH: tl.constexpr,
):
    """Up to STEPS iterations of one tile: thresholding and divergence step, dual update.

    The tile is flat: Triton reads a neighbour of a value in registers by `gather` alone, which is
    cheapest along a single axis. Neighbours beyond the tile are wrong, and what they spoil grows
    by one row and column at each side an iteration: only the core is written.
    """
    n = tl.load(live + tl.program_id(1)).to(tl.int64)
    count = tl.load(counts + n, n >= 0, 0)
    if count == 0:
        return
    SIZE: tl.constexpr = TILE_HEIGHT * TILE_WIDTH
    CORE_HEIGHT: tl.constexpr = TILE_HEIGHT - 2 * STEPS
    CORE_WIDTH: tl.constexpr = TILE_WIDTH - 2 * STEPS
    across = tl.cdiv(width, CORE_WIDTH)
    tile = tl.program_id(0)
    local = tl.arange(0, SIZE)
    row, column = local // TILE_WIDTH, local % TILE_WIDTH
    y = tile // across * CORE_HEIGHT - STEPS + row
    x = tile % across * CORE_WIDTH - STEPS + column
    inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
    core = inside & (row >= STEPS) & (row < TILE_HEIGHT - STEPS)
    core = core & (column >= STEPS) & (column < TILE_WIDTH - STEPS)
    left, up = (local + SIZE - 1) % SIZE, (local + SIZE - TILE_WIDTH) % SIZE
    # The last column and row are their own neighbours: no gradient there.
    right = tl.where(x < width - 1, (local + 1) % SIZE, local)
    down = tl.where(y < height - 1, (local + TILE_WIDTH) % SIZE, local)

    pixels = height * width
    at = y * width + x
    u_here, p_here = tl.load(u_at + n).to(tl.int64), tl.load(p_at + n).to(tl.int64)
    source = u + (u_here * batch + n) * 2 * pixels + at
    u1 = tl.load(source, inside, 0.0)
    u2 = tl.load(source + pixels, inside, 0.0)
    source = p + (p_here * batch + n) * 4 * pixels + at
    p11 = tl.load(source, inside, 0.0)
    p12 = tl.load(source + pixels, inside, 0.0)
    p21 = tl.load(source + 2 * pixels, inside, 0.0)
    p22 = tl.load(source + 3 * pixels, inside, 0.0)
    source = data + n * 4 * pixels + at
    ix = tl.load(source, inside, 0.0)
    iy = tl.load(source + pixels, inside, 0.0)
    scale = tl.load(source + 2 * pixels, inside, 0.0)
    constant = tl.load(source + 3 * pixels, inside, 0.0)

    errors += n * STEPS * tl.num_programs(0) + tile
    for k in range(count):
        rho = constant + ix * u1 + iy * u2
        step = tl.minimum(tl.maximum(rho * scale, -limit), limit)
        before = tl.where(x > 0, tl.gather(p11, left, 0), 0.0)
        above = tl.where(y > 0, tl.gather(p12, up, 0), 0.0)
        d1 = step * ix + theta * (p11 - before + p12 - above)
        before = tl.where(x > 0, tl.gather(p21, left, 0), 0.0)
        above = tl.where(y > 0, tl.gather(p22, up, 0), 0.0)
        d2 = step * iy + theta * (p21 - before + p22 - above)
        u1 += d1
        u2 += d2
        error = tl.sum(tl.where(core, d1 * d1 + d2 * d2, 0.0), 0)
        tl.store(errors + k * tl.num_programs(0), error)
        p11, p12 = _dual(p11, p12, tl.gather(u1, right, 0) - u1, tl.gather(u1, down, 0) - u1, taut)
        p21, p22 = _dual(p21, p22, tl.gather(u2, right, 0) - u2, tl.gather(u2, down, 0) - u2, taut)

    target = u + ((1 - u_here) * batch + n) * 2 * pixels + at
    tl.store(target, u1, core)
    tl.store(target + pixels, u2, core)
    target = p + ((1 - p_here) * batch + n) * 4 * pixels + at
    tl.store(target, p11, core)
    tl.store(target + pixels, p12, core)
    tl.store(target + 2 * pixels, p21, core)
    tl.store(target + 3 * pixels, p22, core)


@triton.jit
def _dual(px, py, ux, uy, taut):
    shrink = 1.0 / (1.0 + taut * tl.sqrt(ux * ux + uy * uy))
    return (px + taut * ux) * shrink, (py + taut * uy) * shrink


@triton.jit
def decide(
    errors,
    live,
    counts,
    done,  # [N]: iterations of this outer iteration
    converged,  # [N]: set to 1 where the error has become small enough
    spent,  # [N] int64: iterations of all levels, by level
    u_at,
    p_at,
    tiles,
    enough,
    inner,
    STEPS: tl.constexpr,
    TILES: tl.constexpr,  # the next power of two
):
    """Accept what `iterate` has done with a pair, or have it done again with fewer iterations."""
    n = tl.load(live + tl.program_id(0)).to(tl.int64)
    count = tl.load(counts + n, n >= 0, 0)
    if count == 0:
        return
    tile = tl.arange(0, TILES)
    last = 0  # the first iteration with a small enough error, from 1
    for k in range(count):
        parts = tl.load(errors + (n * STEPS + k) * tiles + tile, tile < tiles, 0.0)
        last = tl.where((last == 0) & (tl.sum(parts, 0) <= enough), k + 1, last)
    if (last == 0) | (last == count):
        before = tl.load(done + n) + count
        tl.store(done + n, before)
        tl.store(spent + n, tl.load(spent + n) + count)
        tl.store(u_at + n, 1 - tl.load(u_at + n))
        tl.store(p_at + n, 1 - tl.load(p_at + n))
        tl.store(converged + n, (last > 0).to(tl.int32))  # type: ignore[attr-defined]  # a Triton tensor
        tl.store(counts + n, tl.where(last > 0, 0, tl.minimum(inner - before, STEPS)))
    else:
        tl.store(counts + n, last)
