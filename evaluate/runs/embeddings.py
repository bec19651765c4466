"""A finished run's trained method, rebuilt, and what it makes of the videos that it saw."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ...adapt.config.runs import RunConfig
from ...adapt.data.domains import Domains, Videos, load_domains
from ...adapt.data.splits import split_videos
from ...adapt.data.statistics import normalise
from ...adapt.inference.feature_files import Domain, feature_file
from ...adapt.inference.rebuild import load_checkpoint, run_config
from ...adapt.methods import Method
from ...adapt.tasks.task import Task
from ...adapt.training.loop import new_method
from ...cache import FeatureFile, InputError
from .read import Run

_CHUNK = 512  # videos at once


@dataclass(frozen=True)
class Embedded:
    """Some videos of one domain, before and after G_f.

    Args:
        ids: of the videos, [n].
        truth: their classes, [n]; -1 where unknown.
        cached: their normalised snippets as `adapt` reads them, [n, K m, D_in].
        features: their segments after G_f, [n, K, D].
    """

    ids: tuple[str, ...]
    truth: np.ndarray
    cached: Tensor
    features: Tensor


@dataclass(frozen=True)
class Trained:
    """A run's method as it was after its last step, and its data, on the CPU.

    Args:
        run: the run.
        config: its options.
        method: in evaluation, which takes no gradients.
        domains: features normalised as the run's were.
        files: both domains' feature files.
    """

    run: Run
    config: RunConfig
    method: Method
    domains: Domains
    files: Mapping[Domain, FeatureFile]

    def segments(self, domain: Domain) -> int:
        """K of a domain's videos."""
        config = self.config
        return config.source_segments if domain == "source" else config.target_segments

    def sets(self, domain: Domain) -> tuple[Videos, ...]:
        """A domain's videos: the source's training and validation, the target's test and
        training."""
        d = self.domains
        if domain == "target":
            return d.target_test, d.target_train
        return (d.source_train,) if d.source_val is None else (d.source_train, d.source_val)

    def ids(self, domain: Domain) -> list[str]:
        """Of all videos of `sets`."""
        return [id_ for videos in self.sets(domain) for id_ in videos.ids]

    @torch.no_grad()
    def embed(self, domain: Domain, videos: Videos) -> Embedded:
        """The central snippets of videos of a domain, before and after G_f."""
        k = self.segments(domain) * self.method.snippets
        chunks = torch.arange(len(videos)).split(_CHUNK)
        cached = torch.cat([videos.segments(chunk, k) for chunk in chunks])
        features = torch.cat([self.method.bottleneck(x) for x in cached.split(_CHUNK)])
        return Embedded(videos.ids, self.truth(domain, videos.ids), cached, features)

    def truth(self, domain: Domain, ids: tuple[str, ...]) -> np.ndarray:
        """Class of each video [n], -1 where unknown."""
        label_of = {video.id: video.label for video in self.files[domain].videos}
        index = self.run.data[f"{domain}_map"]
        return np.array([index.get(label_of[id_], -1) for id_ in ids])


class Loader:
    """Rebuilds runs; a feature file is read and checked once for all of them.

    Args:
        features, source_features: where the feature files are, if they have moved.
    """

    def __init__(self, features: Path | None = None, source_features: Path | None = None) -> None:
        self._paths: dict[Domain, Path | None] = {"source": source_features, "target": features}
        self._files: dict[tuple[str, str], FeatureFile] = {}

    def file(self, run: Run, domain: Domain) -> FeatureFile:
        """The feature file of a run's domain.

        Raises:
            InputError: it is gone or holds other features than the run saw.
        """
        key = run.data[domain], run.data[f"{domain}_sha256"]
        if key not in self._files:
            self._files[key] = feature_file(run.path, run.config, domain, self._paths[domain])
        return self._files[key]

    def load(self, run: Run) -> Trained:
        """Rebuild a run.

        Raises:
            InputError: a feature file or the checkpoint cannot be used, the method has no trained
                features to look at, or it was trained end to end.
        """
        config = run_config(run.config)
        if config.end_to_end:  # a file's features are of another backbone, or of none
            raise InputError(
                f"{run.path} was trained end to end, and this needs cached features: tcon extract "
                f"LIST --weights {run.path}, and adapt on them"
            )
        files: dict[Domain, FeatureFile] = {d: self.file(run, d) for d in ("source", "target")}
        task = _task(run)
        chosen = load_domains(
            files["source"],
            files["target"],
            modality=config.modality,
            task=task,
            device=torch.device("cpu"),
            holdout=config.train.holdout,
            pool=config.train.target_pool,
        )
        domains = normalise(chosen, config.train.normalise)
        method = new_method(config, domains).eval()
        if not hasattr(method, "bottleneck"):
            raise InputError(f"{config.method} trains no features, so there are none to look at")
        load_checkpoint(run.path, method)
        return Trained(run, config, method.requires_grad_(False), domains, files)

    def ids(self, run: Run) -> dict[Domain, list[str]]:
        """`Trained.ids` of both domains, without rebuilding the run.

        Raises:
            InputError: a feature file cannot be used.
        """
        way, task = run_config(run.config).train, _task(run)
        source, target = (self.file(run, domain).videos for domain in ("source", "target"))
        rows = split_videos(source, target, task, holdout=way.holdout, pool=way.target_pool)
        return {
            "source": [source[n].id for n in (*rows.source_train, *rows.source_val)],
            "target": [target[n].id for n in (*rows.target_test, *rows.target_train)],
        }


def _task(run: Run) -> Task:
    data = run.data
    if "source_map" not in data:
        raise InputError(f"{run.path} does not say which classes its labels are: repeat it")
    return Task(data["task"], run.classes, data["source_map"], data["target_map"])


def some(videos: Videos, most: int, *, seed: int = 0) -> Videos:
    """At most ``most`` videos, a random subset that follows from the seed."""
    if len(videos) <= most:
        return videos
    chosen = np.sort(np.random.default_rng(seed).choice(len(videos), most, replace=False))
    return take(videos, chosen.tolist())


def take(videos: Videos, rows: list[int]) -> Videos:
    """These videos alone."""
    return replace(
        videos,
        ids=tuple(videos.ids[n] for n in rows),
        start=videos.start[rows],
        count=videos.count[rows],
        labels=None if videos.labels is None else videos.labels[rows],
    )


def find(trained: Trained, domain: Domain, ids: list[str]) -> Videos:
    """Videos of a domain by id, in this order.

    Raises:
        InputError: an id that the run did not use; names the nearest.
    """
    first = trained.sets(domain)[0]
    everything = replace(
        first,
        ids=tuple(trained.ids(domain)),
        start=torch.cat([videos.start for videos in trained.sets(domain)]),
        count=torch.cat([videos.count for videos in trained.sets(domain)]),
        labels=None,
    )
    row = {id_: n for n, id_ in enumerate(everything.ids)}
    for id_ in ids:
        if id_ not in row:
            raise no_video(trained.run, domain, id_, everything.ids)
    return take(everything, [row[id_] for id_ in ids])


def no_video(run: Run, domain: Domain, id_: str, ids: Sequence[str]) -> InputError:
    """The error that a run used no such video, only ``ids``; names the nearest."""
    near = difflib.get_close_matches(id_, ids, n=1) or list(ids[:1])
    return InputError(f"{run.path} used no {domain} video '{id_}': ids are such as {near[0]}")


def of_videos(segments: Tensor, *, concatenate: bool) -> Tensor:
    """Features of videos from those of their segments, [n, K, D]: concatenated, as the video
    discriminator sees them (equation 10), or their mean where K differs between the domains."""
    return segments.flatten(1) if concatenate else segments.mean(1)
