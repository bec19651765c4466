"""The videos of a domain, which are decoded again in every epoch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ....cache import FeatureFile
from ....cache.common.short import short_repr


@dataclass(frozen=True)
class ClipVideos:
    """Some videos of a domain.

    Args:
        domain: "source" or "target".
        ids: [n].
        rows: their places among the feature file's videos, [n].
        count: how many frames each has, [n].
        labels: class indices [n]; of source videos alone.
        in_features: D_in, of the backbone.
    """

    domain: str
    ids: tuple[str, ...]
    rows: tuple[int, ...]
    count: Tensor
    labels: Tensor | None
    in_features: int

    __repr__ = short_repr

    def __len__(self) -> int:
        return len(self.ids)

    def subset(self, rows: Sequence[int], *, labels: Sequence[int] | None = None) -> ClipVideos:
        """The videos of these rows, with these labels."""
        return replace(
            self,
            ids=tuple(self.ids[n] for n in rows),
            rows=tuple(self.rows[n] for n in rows),
            count=self.count[list(rows)],
            labels=None if labels is None else torch.tensor(labels),
        )


def all_videos(file: FeatureFile, domain: str, in_features: int) -> ClipVideos:
    """Every video of a domain's feature file, without labels."""
    return ClipVideos(
        domain=domain,
        ids=tuple(video.id for video in file.videos),
        rows=tuple(range(len(file.videos))),
        count=torch.tensor([video.frames for video in file.videos]),
        labels=None,
        in_features=in_features,
    )
