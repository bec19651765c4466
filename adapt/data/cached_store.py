"""Runs on cached features: loaded and standardised once and shared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from ...cache.common.machine.memory import free_memory
from ..config.options import RunConfig
from .domains import Domains, Videos, load_domains, with_features
from .features import Free, Placement, choose_place, put
from .feeds import CachedFeed, Feed
from .statistics import normalise
from .store import Store, data_key

_MAY_DIFFER = ("views", "sampling", "precision")  # features stay comparable, hardly


class CachedStore(Store):
    """Features as they lie in the files, standardised as a run wants; see `Store`.

    Args:
        source, target, task, device, exact_labels: as in `Store`.
        free: how many bytes a device has free.
    """

    def __init__(
        self,
        source: Path,
        target: Path,
        *,
        task: str | Path | None,
        device: torch.device,
        exact_labels: bool = False,
        free: Free = free_memory,
    ) -> None:
        super().__init__(source, target, task=task, device=device, exact_labels=exact_labels)
        self._free = free
        self._placements: dict[tuple[Any, ...], Placement] = {}
        self._ready: tuple[tuple[Any, ...], Domains[Videos]] | None = None

    def feed(self, run: RunConfig) -> Feed:
        return CachedFeed(run, self.domains(run), self.device)

    def placement(self, run: RunConfig) -> Placement:
        key = data_key(run)
        if key not in self._placements:
            domains = self.chosen(run)
            size = sum(v.features.nbytes for v in (domains.source_train, domains.target_train))
            self._placements[key] = choose_place(size, self.device, self._free)
        return self._placements[key]

    def warnings(self, run: RunConfig) -> list[str]:
        a, b = (file.recipes[run.modality] for file in (self.source, self.target))
        said = [
            f"the {run.modality} features of source and target differ in {name} "
            f"({a.text(name)} and {b.text(name)}): extract both alike"
            for name in _MAY_DIFFER
            if getattr(a, name) != getattr(b, name)
        ]
        said += super().warnings(run)
        each = getattr(run.options, "snippets", 1)
        positions = each * run.source_segments, each * run.target_segments
        if short := repeating_videos(self.chosen(run), *positions):
            of_several = f" of {each} snippets" if each > 1 else ""
            clips = self.source.recipes[run.modality].clip_rate is not None
            more = "--snippets or a higher --clip-rate" if clips else "--snippets"
            videos = "1 video has" if short == 1 else f"{short} videos have"
            said.append(
                f"{videos} fewer snippets than {run.segments} segments{of_several}; "
                f"some of their snippets repeat: extract more by {more} or take fewer --segments"
            )
        return said

    def _prepared(self, run: RunConfig) -> Domains:
        """The run's videos, standardised and in their place; one way of it is kept."""
        key = data_key(run)
        if self._ready is None or self._ready[0] != key:
            self._ready = None  # two at once may not fit
            self._placements.pop(key, None)  # processes forked off may still hold another
            domains, place = self.chosen(run), self.placement(run).place
            source, target = (
                put(videos.features, place)
                for videos in (domains.source_train, domains.target_train)
            )
            domains = with_features(domains, source, target)
            self._ready = key, normalise(domains, run.train.normalise)
        return self._ready[1]

    def _seen(self, run: RunConfig) -> str | None:
        return run.modality

    def _features(self, run: RunConfig) -> dict[str, Any]:
        recipe = self.source.recipes[run.modality]
        return {
            "backbone": recipe.backbone,
            "weights": recipe.weights,
            "weights_sha256": recipe.weights_sha256,
            "recipe": self.target.recipes[run.modality].without_list(),
            "mode": "cached features",
        }

    def _load(self, run: RunConfig) -> Domains:
        return load_domains(
            self.source,
            self.target,
            modality=run.modality,
            task=self.task,
            device=self.device,
            holdout=run.train.holdout,
            pool=run.train.target_pool,
        )


def repeating_videos(domains: Domains, source_positions: int, target_positions: int) -> int:
    """How many videos have fewer snippets than a method looks at, so that some repeat."""
    sets = (
        (source_positions, domains.source_train, domains.source_val),
        (target_positions, domains.target_train, domains.target_test),
    )
    short = {
        (domain, id_)
        for domain, (positions, *splits) in enumerate(sets)
        for videos in filter(None, splits)
        for id_, count in zip(videos.ids, videos.count.tolist(), strict=True)
        if count < positions
    }
    return len(short)
