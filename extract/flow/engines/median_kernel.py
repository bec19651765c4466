"""The 5 x 5 median on the GPU: the network of `median`, a window in a thread's registers."""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def median_5x5(image, x, y, height, width, inside):
    """The medians of the windows around the pixels (x, y); the border repeats.

    Args:
        image: pointer to [height, width] float32.
        x, y: [block] int32.
        inside: [block], which of them are pixels.
    """
    # Column i of the window, sorted: rank r of column i is the letter r and the number i.
    a0, b0, c0, d0, e0 = _column(image, x - 2, y, height, width, inside)
    a1, b1, c1, d1, e1 = _column(image, x - 1, y, height, width, inside)
    a2, b2, c2, d2, e2 = _column(image, x, y, height, width, inside)
    a3, b3, c3, d3, e3 = _column(image, x + 1, y, height, width, inside)
    a4, b4, c4, d4, e4 = _column(image, x + 2, y, height, width, inside)
    a0, a3 = tl.minimum(a0, a3), tl.maximum(a0, a3)
    a1, a4 = tl.minimum(a1, a4), tl.maximum(a1, a4)
    a2 = tl.maximum(a0, a2)
    a3 = tl.maximum(a1, a3)
    a2, a4 = tl.minimum(a2, a4), tl.maximum(a2, a4)
    a3, a4 = tl.minimum(a3, a4), tl.maximum(a3, a4)
    a3 = tl.maximum(a2, a3)
    b0, b3 = tl.minimum(b0, b3), tl.maximum(b0, b3)
    b1, b4 = tl.minimum(b1, b4), tl.maximum(b1, b4)
    b1, b3 = tl.minimum(b1, b3), tl.maximum(b1, b3)
    b1 = tl.maximum(b0, b1)
    b2, b4 = tl.minimum(b2, b4), tl.maximum(b2, b4)
    b2 = tl.maximum(b1, b2)
    b3, b4 = tl.minimum(b3, b4), tl.maximum(b3, b4)
    b2, b3 = tl.minimum(b2, b3), tl.maximum(b2, b3)
    c0, c3 = tl.minimum(c0, c3), tl.maximum(c0, c3)
    c1, c4 = tl.minimum(c1, c4), tl.maximum(c1, c4)
    c0, c2 = tl.minimum(c0, c2), tl.maximum(c0, c2)
    c1, c3 = tl.minimum(c1, c3), tl.maximum(c1, c3)
    c1 = tl.maximum(c0, c1)
    c2, c4 = tl.minimum(c2, c4), tl.maximum(c2, c4)
    c1, c2 = tl.minimum(c1, c2), tl.maximum(c1, c2)
    c3 = tl.minimum(c3, c4)
    c2, c3 = tl.minimum(c2, c3), tl.maximum(c2, c3)
    d0, d3 = tl.minimum(d0, d3), tl.maximum(d0, d3)
    d1, d4 = tl.minimum(d1, d4), tl.maximum(d1, d4)
    d0, d2 = tl.minimum(d0, d2), tl.maximum(d0, d2)
    d1, d3 = tl.minimum(d1, d3), tl.maximum(d1, d3)
    d0, d1 = tl.minimum(d0, d1), tl.maximum(d0, d1)
    d2 = tl.minimum(d2, d4)
    d1, d2 = tl.minimum(d1, d2), tl.maximum(d1, d2)
    d2 = tl.minimum(d2, d3)
    e0, e3 = tl.minimum(e0, e3), tl.maximum(e0, e3)
    e1, e4 = tl.minimum(e1, e4), tl.maximum(e1, e4)
    e1 = tl.minimum(e1, e3)
    e0, e1 = tl.minimum(e0, e1), tl.maximum(e0, e1)
    e2 = tl.minimum(e2, e4)
    e1 = tl.minimum(e1, e2)
    b2 = tl.maximum(a3, b2)
    c1 = tl.maximum(d0, c1)
    a4, e0 = tl.minimum(a4, e0), tl.maximum(a4, e0)
    c2, e1 = tl.minimum(c2, e1), tl.maximum(c2, e1)
    d1, b3 = tl.minimum(d1, b3), tl.maximum(d1, b3)
    d2 = tl.minimum(d2, c3)
    c1 = tl.maximum(b2, c1)
    a4, c2 = tl.minimum(a4, c2), tl.maximum(a4, c2)
    e0 = tl.minimum(e0, e1)
    e0, c2 = tl.minimum(e0, c2), tl.maximum(e0, c2)
    c1, e0 = tl.minimum(c1, e0), tl.maximum(c1, e0)
    d2 = tl.minimum(d2, b4)
    a4 = tl.maximum(c1, a4)
    e0, c2 = tl.minimum(e0, c2), tl.maximum(e0, c2)
    b3 = tl.minimum(b3, d2)
    d1 = tl.maximum(a4, d1)
    e0 = tl.minimum(e0, b3)
    c2 = tl.minimum(c2, d1)
    c2 = tl.maximum(e0, c2)
    return c2


@triton.jit
def _column(image, x, y, height, width, inside):
    """Five pixels of a column, sorted."""
    at = image + tl.minimum(tl.maximum(x, 0), width - 1)
    v0 = tl.load(at + tl.maximum(y - 2, 0) * width, inside, 0.0)
    v1 = tl.load(at + tl.maximum(y - 1, 0) * width, inside, 0.0)
    v2 = tl.load(at + y * width, inside, 0.0)
    v3 = tl.load(at + tl.minimum(y + 1, height - 1) * width, inside, 0.0)
    v4 = tl.load(at + tl.minimum(y + 2, height - 1) * width, inside, 0.0)
    v0, v3 = tl.minimum(v0, v3), tl.maximum(v0, v3)
    v1, v4 = tl.minimum(v1, v4), tl.maximum(v1, v4)
    v0, v2 = tl.minimum(v0, v2), tl.maximum(v0, v2)
    v1, v3 = tl.minimum(v1, v3), tl.maximum(v1, v3)
    v0, v1 = tl.minimum(v0, v1), tl.maximum(v0, v1)
    v2, v4 = tl.minimum(v2, v4), tl.maximum(v2, v4)
    v1, v2 = tl.minimum(v1, v2), tl.maximum(v1, v2)
    v3, v4 = tl.minimum(v3, v4), tl.maximum(v3, v4)
    v2, v3 = tl.minimum(v2, v3), tl.maximum(v2, v3)
    return v0, v1, v2, v3, v4
