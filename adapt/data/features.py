"""Where a data set's features lie: on the device, in host memory or in their files.

The place is chosen by size. What a run trains on does not depend on it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from ...cache import FeatureRows
from ...cache.common.machine.memory import free_memory, readable_bytes
from ...cache.common.short import short_repr

Place = Literal["device", "host", "file"]
Free = Callable[[torch.device], int | None]

_CPU = torch.device("cpu")
_SHARE = 0.7  # of the free memory that features may take; training needs the rest
_ROWS = 512  # that are standardised or read at once: larger chunks leave the processor's caches


@dataclass(frozen=True)
class FetchedFeatures:
    """Features of a domain that do not lie on the device: rows are fetched as they are wanted.

    Args:
        rows: all of them, [S V, D_in], in host memory or in the file.
        device: where they are fetched to.
        statistics: the ``mean`` and ``deviation`` [D_in] on the device that fetched rows are
            standardised by; none where they are not, or were before.
    """

    rows: Tensor | FeatureRows
    device: torch.device
    statistics: Mapping[str, Tensor] | None = None

    __repr__ = short_repr

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.rows.shape)

    @property
    def nbytes(self) -> int:
        return self.rows.nbytes

    def __getitem__(self, index: Tensor) -> Tensor:
        """Rows of any indices [...]: [..., D_in] on the device, of the type that is stored.

        Raises:
            InputError: the file is damaged, or was cut off meanwhile.
        """
        index = index.cpu()
        if isinstance(self.rows, Tensor):
            rows = self.rows.index_select(0, index.flatten())  # faster than indexing
        else:
            rows = torch.from_numpy(self.rows[index.flatten().numpy()])
        found = rows.unflatten(0, index.shape)
        if self.device.type == "cuda":
            found = found.pin_memory().to(self.device, non_blocking=True)
        return found if self.statistics is None else standardised(found, **self.statistics)


Features = Tensor | FetchedFeatures  # a tensor lies on the device


@dataclass(frozen=True)
class Placement:
    """Where the features of both domains lie.

    Args:
        place: that was chosen.
        size: bytes of the features.
        device: that trains.
        free: bytes of the device, and of the host, when it was chosen; None where unknown.
    """

    place: Place
    size: int
    device: torch.device
    free: int | None
    free_on_host: int | None

    def note(self, what: str) -> str:
        """A sentence on the memory that ``what``, such as "rgb features", take."""
        text = f"The {what} take {readable_bytes(self.size)}"
        if self.place == "device":
            where = "memory" if self.device.type == "cpu" else f"the memory of {self.device}"
            return f"{text} of {where}."
        room = self.free if self.place == "host" else self.free_on_host
        text += f", too much for the {readable_bytes(room or 0)} of memory that are free"
        if self.place == "host":
            return (
                f"{text} on {self.device}: they stay in host memory, and each batch is copied "
                "while the one before trains."
            )
        return f"{text}: each batch is read from the files while the one before trains."


def choose_place(size: int, device: torch.device, free: Free = free_memory) -> Placement:
    """Keep features as near to the device as there is room.

    Args:
        size: bytes of the features of both domains.
        device: that trains.
        free: how many bytes a device has free; None where unknown, which is taken for enough.
    """
    on_device = free(device)
    on_host = on_device if device.type == "cpu" else free(_CPU)

    def fit(room: int | None) -> bool:
        return room is None or size <= _SHARE * room

    place: Place = "device" if fit(on_device) else "host" if fit(on_host) else "file"
    return Placement(place, size, device, on_device, on_host)


def put(features: FetchedFeatures, place: Place) -> Features:
    """Features that lie in a file, loaded to a place."""
    if place == "file":
        return features
    device = features.device if place == "device" else _CPU
    rows = features.rows
    assert isinstance(rows, FeatureRows)
    held = torch.empty(features.shape, dtype=getattr(torch, rows.dtype.name), device=device)
    for first in range(0, len(held), _ROWS):
        chunk = held[first : first + _ROWS]
        if device.type == "cpu":
            rows.read_into(chunk.numpy(), first)
        else:
            read = torch.empty(chunk.shape, dtype=chunk.dtype)
            rows.read_into(read.numpy(), first)
            chunk.copy_(read)
    return held if place == "device" else replace(features, rows=held)


def standardise(features: Features, mean: Tensor, deviation: Tensor) -> Features:
    """All rows standardised: those in memory in place, since a copy might not fit; those in a file
    as they are fetched.

    Args:
        features: that nothing else uses.
        mean, deviation: [D_in].
    """
    if isinstance(features, FetchedFeatures):
        if isinstance(features.rows, FeatureRows):
            own = {"mean": mean.to(features.device), "deviation": deviation.to(features.device)}
            return replace(features, statistics=own)
        standardise(features.rows, mean.cpu(), deviation.cpu())
        return features
    for chunk in features.split(_ROWS):
        chunk.copy_(standardised(chunk, mean, deviation))
    return features


def standardised(features: Tensor, mean: Tensor, deviation: Tensor) -> Tensor:
    """(x - mean) / deviation, computed in float32, in the features' type; [..., D_in]."""
    return ((features.float() - mean) / deviation).to(features.dtype)
