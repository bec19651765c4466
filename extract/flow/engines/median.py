"""The 5 x 5 median, by minima and maxima over whole rows.

Each column of five is sorted once and serves the five windows that it lies in; what is left is a
network that finds the median of five sorted columns. It was found by taking a sorting network's
rows and Batcher's merge of the 13 values that can be the median, and leaving out every comparison
without which the median of all 6^5 patterns of five sorted columns of zeros and ones is still
right: by the zero-one principle it is right for all numbers then.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from .lanes import OPTIONS, padded


@njit(**OPTIONS)
def median_5x5(image: np.ndarray, height: int, width: int, result: np.ndarray) -> None:
    """The median of the window around every pixel; the border repeats.

    Args:
        image: [>= height, >= width rounded up to 16] float32; what lies beyond is padding.
        height, width: of the image.
        result: like the image, but not the image itself; its padding may be written too.
    """
    columns = padded(width)  # the columns past the last multiple of 16 would be done one by one
    # Of each column, from the smallest. Zeros, since what the memory holds may be NaN: the end of
    # the padding would become NaN too, and with it the sum of all changes.
    ranks = np.zeros((5, columns + 4), np.float32)
    for y in range(height):
        _sort(
            image[max(y - 2, 0), :columns],
            image[max(y - 1, 0), :columns],
            image[y, :columns],
            image[min(y + 1, height - 1), :columns],
            image[min(y + 2, height - 1), :columns],
            ranks,
        )
        for n in range(5):
            ranks[n, :2], ranks[n, width + 2 : width + 4] = ranks[n, 2], ranks[n, width + 1]
        _medians(ranks[0], ranks[1], ranks[2], ranks[3], ranks[4], result[y, :columns])


@njit(**OPTIONS)
def _sort(a, b, c, d, e, ranks):
    """Sort the columns of five rows [W] into ranks [5, 2 + W + 2]."""
    first, second, third, fourth, fifth = ranks[0], ranks[1], ranks[2], ranks[3], ranks[4]
    for x in range(len(a)):
        v0, v1, v2, v3, v4 = a[x], b[x], c[x], d[x], e[x]
        v0, v3 = min(v0, v3), max(v0, v3)
        v1, v4 = min(v1, v4), max(v1, v4)
        v0, v2 = min(v0, v2), max(v0, v2)
        v1, v3 = min(v1, v3), max(v1, v3)
        v0, v1 = min(v0, v1), max(v0, v1)
        v2, v4 = min(v2, v4), max(v2, v4)
        v1, v2 = min(v1, v2), max(v1, v2)
        v3, v4 = min(v3, v4), max(v3, v4)
        v2, v3 = min(v2, v3), max(v2, v3)
        first[x + 2], second[x + 2], third[x + 2] = v0, v1, v2
        fourth[x + 2], fifth[x + 2] = v3, v4


@njit(**OPTIONS)
def _medians(a, b, c, d, e, result):
    """Medians [W] of five neighbouring columns each, whose ranks a to e are [W + 4].

    Written with conditions: with ``min`` and ``max`` it runs at a third of the speed.
    """
    for x in range(len(result)):
        a0, a1, a2, a3, a4 = a[x], a[x + 1], a[x + 2], a[x + 3], a[x + 4]
        b0, b1, b2, b3, b4 = b[x], b[x + 1], b[x + 2], b[x + 3], b[x + 4]
        c0, c1, c2, c3, c4 = c[x], c[x + 1], c[x + 2], c[x + 3], c[x + 4]
        d0, d1, d2, d3, d4 = d[x], d[x + 1], d[x + 2], d[x + 3], d[x + 4]
        e0, e1, e2, e3, e4 = e[x], e[x + 1], e[x + 2], e[x + 3], e[x + 4]
        a0, a3 = (a0 if a0 < a3 else a3), (a0 if a0 > a3 else a3)
        a1, a4 = (a1 if a1 < a4 else a4), (a1 if a1 > a4 else a4)
        a2 = a0 if a0 > a2 else a2
        a3 = a1 if a1 > a3 else a3
        a2, a4 = (a2 if a2 < a4 else a4), (a2 if a2 > a4 else a4)
        a3, a4 = (a3 if a3 < a4 else a4), (a3 if a3 > a4 else a4)
        a3 = a2 if a2 > a3 else a3
        b0, b3 = (b0 if b0 < b3 else b3), (b0 if b0 > b3 else b3)
        b1, b4 = (b1 if b1 < b4 else b4), (b1 if b1 > b4 else b4)
        b1, b3 = (b1 if b1 < b3 else b3), (b1 if b1 > b3 else b3)
        b1 = b0 if b0 > b1 else b1
        b2, b4 = (b2 if b2 < b4 else b4), (b2 if b2 > b4 else b4)
        b2 = b1 if b1 > b2 else b2
        b3, b4 = (b3 if b3 < b4 else b4), (b3 if b3 > b4 else b4)
        b2, b3 = (b2 if b2 < b3 else b3), (b2 if b2 > b3 else b3)
        c0, c3 = (c0 if c0 < c3 else c3), (c0 if c0 > c3 else c3)
        c1, c4 = (c1 if c1 < c4 else c4), (c1 if c1 > c4 else c4)
        c0, c2 = (c0 if c0 < c2 else c2), (c0 if c0 > c2 else c2)
        c1, c3 = (c1 if c1 < c3 else c3), (c1 if c1 > c3 else c3)
        c1 = c0 if c0 > c1 else c1
        c2, c4 = (c2 if c2 < c4 else c4), (c2 if c2 > c4 else c4)
        c1, c2 = (c1 if c1 < c2 else c2), (c1 if c1 > c2 else c2)
        c3 = c3 if c3 < c4 else c4
        c2, c3 = (c2 if c2 < c3 else c3), (c2 if c2 > c3 else c3)
        d0, d3 = (d0 if d0 < d3 else d3), (d0 if d0 > d3 else d3)
        d1, d4 = (d1 if d1 < d4 else d4), (d1 if d1 > d4 else d4)
        d0, d2 = (d0 if d0 < d2 else d2), (d0 if d0 > d2 else d2)
        d1, d3 = (d1 if d1 < d3 else d3), (d1 if d1 > d3 else d3)
        d0, d1 = (d0 if d0 < d1 else d1), (d0 if d0 > d1 else d1)
        d2 = d2 if d2 < d4 else d4
        d1, d2 = (d1 if d1 < d2 else d2), (d1 if d1 > d2 else d2)
        d2 = d2 if d2 < d3 else d3
        e0, e3 = (e0 if e0 < e3 else e3), (e0 if e0 > e3 else e3)
        e1, e4 = (e1 if e1 < e4 else e4), (e1 if e1 > e4 else e4)
        e1 = e1 if e1 < e3 else e3
        e0, e1 = (e0 if e0 < e1 else e1), (e0 if e0 > e1 else e1)
        e2 = e2 if e2 < e4 else e4
        e1 = e1 if e1 < e2 else e2
        b2 = a3 if a3 > b2 else b2
        c1 = d0 if d0 > c1 else c1
        a4, e0 = (a4 if a4 < e0 else e0), (a4 if a4 > e0 else e0)
        c2, e1 = (c2 if c2 < e1 else e1), (c2 if c2 > e1 else e1)
        d1, b3 = (d1 if d1 < b3 else b3), (d1 if d1 > b3 else b3)
        d2 = d2 if d2 < c3 else c3
        c1 = b2 if b2 > c1 else c1
        a4, c2 = (a4 if a4 < c2 else c2), (a4 if a4 > c2 else c2)
        e0 = e0 if e0 < e1 else e1
        e0, c2 = (e0 if e0 < c2 else c2), (e0 if e0 > c2 else c2)
        c1, e0 = (c1 if c1 < e0 else e0), (c1 if c1 > e0 else e0)
        d2 = d2 if d2 < b4 else b4
        a4 = c1 if c1 > a4 else a4
        e0, c2 = (e0 if e0 < c2 else c2), (e0 if e0 > c2 else c2)
        b3 = b3 if b3 < d2 else d2
        d1 = a4 if a4 > d1 else d1
        e0 = e0 if e0 < b3 else b3
        c2 = c2 if c2 < d1 else d1
        c2 = e0 if e0 > c2 else c2
        result[x] = c2
