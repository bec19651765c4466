"""TV-L1 on a batch of pairs in plain torch operations, on any device.

Every step treats each pair by itself, so a pair's flow does not depend on the batch it is in.

Legend: N pairs, H, W rows and columns of a level; ``u`` the flow [N, 2, H, W], ``p`` the dual
variables [N, 4, H, W] (x and y of the flow's x, then of its y), ``data`` what a warp leaves
constant [N, 4, H, W].
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from ....cache.recipe import FlowParameters

# See `coarse_to_fine`.
Refine = Callable[[Tensor, Tensor, Tensor, FlowParameters, Tensor], tuple[Tensor, Tensor]]

_PIXELS = 16 * 256 * 340  # of a batch: the median holds 25 values of each in memory, about 0.3 GB
_CHECK = 5  # iterations between looks at which pairs have converged; a look waits for the device
_SMALLEST = 16  # pixels: a side of the coarsest level
_TINY = torch.finfo(torch.float32).eps


def flow(first: Tensor, second: Tensor, parameters: FlowParameters) -> tuple[Tensor, Tensor]:
    """The flow of each pair.

    Args:
        first, second: [N, H, W] uint8, on one device.

    Returns:
        [N, 2, H, W] float32, x and y in pixels; pixel iterations spent [N].
    """
    size = max(1, _PIXELS // first[0].numel())
    batches = zip(first.split(size), second.split(size), strict=True)
    parts = [coarse_to_fine(*batch, parameters, _level) for batch in batches]
    flows, spent = zip(*parts, strict=True)
    return torch.cat(flows), torch.cat(spent)


def coarse_to_fine(
    first: Tensor, second: Tensor, parameters: FlowParameters, refine: Refine
) -> tuple[Tensor, Tensor]:
    """`flow` of one batch, with ``refine`` for each level.

    ``refine`` is given both images, the flow so far, the parameters and after how many iterations
    each pair's budget is used up [N]; it returns the better flow and the iterations taken [N].
    """
    levels = [pyramid(images, parameters)[::-1] for images in (first, second)]
    u: Tensor | None = None
    spent = first.new_zeros(len(first), dtype=torch.long)
    budget = parameters.budget * first[0].numel()
    for a, b in zip(*levels, strict=True):
        pixels = a[0].numel()
        u, taken = refine(a, b, to_level(u, a, parameters), parameters, (budget - spent) / pixels)
        spent += taken * pixels
    assert u is not None  # there is at least one level
    return u, spent


def pyramid(images: Tensor, parameters: FlowParameters) -> list[Tensor]:
    """The levels [N, H, W] float32 of images [N, H, W], from the finest."""
    levels = [images.float()]
    step = 1 / parameters.scale_step
    for _ in range(parameters.scales - 1):
        height, width = levels[-1].shape[1:]
        shape = round(height * parameters.scale_step), round(width * parameters.scale_step)
        if min(shape) < _SMALLEST:
            break
        levels.append(_resize(levels[-1], shape, step, step))
    return levels


def to_level(u: Tensor | None, images: Tensor, parameters: FlowParameters) -> Tensor:
    """The flow of the coarser level enlarged to that of ``images`` [N, H, W]; 0 for None."""
    n, *_ = images.shape
    shape = images.shape[-2], images.shape[-1]
    if u is None:
        return images.new_zeros(n, 2, *shape)
    rows, columns = u.shape[2] / shape[0], u.shape[3] / shape[1]
    return _resize(u, shape, rows, columns) * (1 / parameters.scale_step)


def _resize(images: Tensor, shape: tuple[int, int], row_step: float, column_step: float) -> Tensor:
    """Bilinear, pixel centres aligned, a source step of ``row_step`` and ``column_step`` pixels."""
    for dim, size, step in ((-2, shape[0], row_step), (-1, shape[1], column_step)):
        last = images.shape[dim] - 1
        # Points in double precision, as OpenCV; not every device has it.
        at = ((torch.arange(size, dtype=torch.float64) + 0.5) * step - 0.5).clamp(0, last)
        low = at.long()
        part = (at - low).float().to(images.device)  # [size]
        a = images.index_select(dim, low.to(images.device))
        b = images.index_select(dim, (low + 1).clamp(max=last).to(images.device))
        images = a + (part[:, None] if dim == -2 else part) * (b - a)
    return images


def _level(
    first: Tensor, second: Tensor, u: Tensor, parameters: FlowParameters, limit: Tensor
) -> tuple[Tensor, Tensor]:
    """See `coarse_to_fine`."""
    sources = with_gradients(second)  # [N, 3, H, W]
    p = u.new_zeros(len(u), 4, *u.shape[2:])
    taken = u.new_zeros(len(u), dtype=torch.long)
    for _ in range(parameters.warps):
        data = warp(first, sources, u)
        left = torch.arange(len(u), device=u.device)  # pairs that have not converged
        for _ in range(parameters.outer):
            if not len(left):
                break
            if parameters.median > 1:
                u[left] = median_5x5(u[left])
            left = _inner(u, p, data, left, taken, parameters)
            left = left[taken[left] < limit[left]]
    return u, taken


def _inner(
    u: Tensor, p: Tensor, data: Tensor, left: Tensor, taken: Tensor, parameters: FlowParameters
) -> Tensor:
    """Iterate on the pairs ``left`` [n] in place, and add to the iterations ``taken`` [N].

    A pair whose change is small enough stands still from that iteration on, and leaves the batch
    at the next look. Returns those that are left in the end.
    """
    enough = parameters.epsilon**2 * u[0, 0].numel()
    part = u[left], p[left], data[left]
    active = torch.ones(len(left), dtype=torch.bool, device=u.device)
    for done in range(1, parameters.inner + 1):
        new_u, new_p, error = iterate(*part, parameters)
        moves = active[:, None, None, None]
        part = torch.where(moves, new_u, part[0]), torch.where(moves, new_p, part[1]), part[2]
        taken[left] += active
        active &= error > enough
        if done % _CHECK == 0 or done == parameters.inner:
            u[left], p[left] = part[:2]
            left, part = left[active], (part[0][active], part[1][active], part[2][active])
            active = active[active]
            if not len(left):
                break
    return left


def with_gradients(images: Tensor) -> Tensor:
    """Images [N, H, W] and their central differences in x and y, halved at the borders too."""
    wide = F.pad(images[:, None], (1, 1, 1, 1), mode="replicate")[:, 0]
    x = 0.5 * (wide[:, 1:-1, 2:] - wide[:, 1:-1, :-2])
    y = 0.5 * (wide[:, 2:, 1:-1] - wide[:, :-2, 1:-1])
    return torch.stack([images, x, y], dim=1)  # [N, 3, H, W]


def warp(first: Tensor, sources: Tensor, u: Tensor) -> Tensor:
    """Warp the second images and their gradients by the flow; outside of the image there is 0.

    Args:
        first: [N, H, W].
        sources: [N, 3, H, W], see `with_gradients`.

    Returns:
        [N, 4, H, W]: gradient in x and y, minus the inverse of its square, constant part of rho.
    """
    n, height, width = first.shape
    x = torch.arange(width, device=u.device) + u[:, 0]
    y = torch.arange(height, device=u.device)[:, None] + u[:, 1]
    column, row = x.floor(), y.floor()
    wx, wy = _cubic(x - column), _cubic(y - row)
    # Points that far away read zeros alone, wherever they are.
    left = column.clamp(-4, width + 3).long() - 1
    top = row.clamp(-4, height + 3).long() - 1
    flat = sources.flatten(2)  # [N, 3, H * W]
    total = torch.zeros_like(sources)
    for j in range(4):
        line = torch.zeros_like(sources)
        for i in range(4):
            at_y, at_x = top + j, left + i
            inside = (at_y >= 0) & (at_y < height) & (at_x >= 0) & (at_x < width)
            index = (at_y * width + at_x).where(inside, torch.zeros_like(at_x))  # [N, H, W]
            read = flat.gather(2, index.view(n, 1, -1).expand(-1, 3, -1)).view_as(sources)
            line += (wx[i] * inside)[:, None] * read
        total += wy[j][:, None] * line
    i1, ix, iy = total.unbind(1)
    scale = -1 / (ix * ix + iy * iy).clamp(min=_TINY)
    return torch.stack([ix, iy, scale, i1 - ix * u[:, 0] - iy * u[:, 1] - first], dim=1)


def _cubic(t: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Weights of the four neighbours of a point t after the second; OpenCV's A = -0.75."""
    a, r, s = -0.75, 1 - t, t + 1
    w0 = ((a * s - 5 * a) * s + 8 * a) * s - 4 * a
    w1 = ((a + 2) * t - (a + 3)) * t * t + 1
    w2 = ((a + 2) * r - (a + 3)) * r * r + 1
    return w0, w1, w2, 1 - w0 - w1 - w2


def median_5x5(u: Tensor) -> Tensor:
    """The median of the 5 x 5 window around every pixel of [N, C, H, W]; the border repeats."""
    wide = F.pad(u, (2, 2, 2, 2), mode="replicate")
    return wide.unfold(2, 5, 1).unfold(3, 5, 1).flatten(4).median(4).values


def iterate(
    u: Tensor, p: Tensor, data: Tensor, parameters: FlowParameters
) -> tuple[Tensor, Tensor, Tensor]:
    """One iteration: thresholding and divergence step, then the dual update.

    Returns:
        u, p and the sums of squared changes of the flow [N].
    """
    limit = parameters.lambda_ * parameters.theta
    taut = parameters.tau / parameters.theta
    px, py = p.unflatten(1, (2, 2)).unbind(2)  # [N, 2, H, W] each
    gradient, scale, constant = data[:, :2], data[:, 2:3], data[:, 3:]
    rho = constant + (gradient * u).sum(1, keepdim=True)
    divergence = px - F.pad(px, (1, -1)) + py - F.pad(py, (0, 0, 1, -1))
    change = (rho * scale).clamp(-limit, limit) * gradient + parameters.theta * divergence
    u = u + change
    ux, uy = F.pad(u.diff(dim=3), (0, 1)), F.pad(u.diff(dim=2), (0, 0, 0, 1))
    shrink = 1 / (1 + taut * (ux * ux + uy * uy).sqrt())
    p = torch.stack([(px + taut * ux) * shrink, (py + taut * uy) * shrink], dim=2).flatten(1, 2)
    # Row by row: torch may sum a whole image in another order when it is alone.
    return u, p, change.square().sum(1).sum(2).sum(1)
