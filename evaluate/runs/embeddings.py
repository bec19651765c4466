"""The features that a finished run was trained and tested on, before and after G_f."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ...adapt.data.domains import Domains, Videos, load_domains
from ...adapt.data.splits import Splits, split_videos
from ...adapt.data.statistics import standardise_domains
from ...adapt.inference.feature_files import videos_of
from ...adapt.inference.loaded_run import LoadedRun, load_run
from ...adapt.methods import Method
from ...adapt.run.data_record import Domain
from ...adapt.tasks.task import Task
from ...cache import FeatureFile, InputError, Video
from .files import RunFiles
from .read import Run

_CHUNK = 512  # videos at once


@dataclass(frozen=True, eq=False, repr=False)
class Embedded:
    """Some videos of one domain, before and after G_f.

    Args:
        ids: of the videos, [n].
        truth: their classes, [n]; -1 where unknown.
        cached: their standardised snippets as the method reads them, [n, K m, D_in].
        features: their segments after G_f, [n, K, D].
    """

    ids: tuple[str, ...]
    truth: np.ndarray
    cached: Tensor
    features: Tensor

    def __repr__(self) -> str:
        return f"<Embedded: {len(self.ids)} videos>"


@dataclass(frozen=True, eq=False, repr=False)
class RunFeatures:
    """A finished run with the data that it was trained and tested on, on the CPU.

    Args:
        loaded: the run.
        domains: its videos, with features standardised as in training.
        files: both domains' feature files.
    """

    loaded: LoadedRun
    domains: Domains[Videos]
    files: Mapping[Domain, FeatureFile]

    def __repr__(self) -> str:
        return f"<RunFeatures of {self.loaded.path}>"

    @property
    def method(self) -> Method:
        return self.loaded.method

    def sets(self, domain: Domain) -> tuple[Videos, ...]:
        """A domain's videos: the source's training and validation videos, or the target's test and
        training videos."""
        d = self.domains
        if domain == "target":
            return d.target_test, d.target_train
        return (d.source_train,) if d.source_val is None else (d.source_train, d.source_val)

    def ids(self, domain: Domain) -> list[str]:
        """The ids of all videos of `sets`."""
        return [id_ for videos in self.sets(domain) for id_ in videos.ids]

    @torch.no_grad()
    def embed(self, domain: Domain, videos: Videos) -> Embedded:
        """The central snippets of videos of a domain, before and after G_f."""
        bottleneck = self.method.bottleneck
        assert isinstance(bottleneck, nn.Module)
        k = self.loaded.positions(domain)
        chunks = torch.arange(len(videos)).split(_CHUNK)
        cached = torch.cat([videos.segments(chunk, k) for chunk in chunks])  # [n, K m, D_in]
        features = torch.cat([bottleneck(x) for x in cached.split(_CHUNK)])  # [n, K, D]
        return Embedded(videos.ids, self.truth(domain, videos.ids), cached, features)

    @torch.no_grad()
    def attention(self, videos: Videos) -> dict[str, np.ndarray]:
        """To the segments of target videos, [K] of each by its id; empty where all weigh the
        same."""
        k = self.loaded.positions("target")
        weights: list[Tensor] = []
        for chunk in torch.arange(len(videos)).split(_CHUNK):
            votes = self.method.vote(videos.segments(chunk, k))
            if votes is None or votes.attention is None:
                return {}
            weights += votes.attention  # [n, K]
        return {id_: row.numpy() for id_, row in zip(videos.ids, weights, strict=True)}

    def truth(self, domain: Domain, ids: tuple[str, ...]) -> np.ndarray:
        """The class of each video [n], -1 where unknown."""
        label_of = {video.id: video.label for video in self.files[domain].videos}
        index = self.loaded.record.data.classes_of(domain, set(label_of.values()))
        return np.array([index.get(label_of[id_], -1) for id_ in ids])


class Loader:
    """Loads runs with their features.

    Args:
        files: that hold these; None for those that each run was made with.
    """

    def __init__(self, files: RunFiles | None = None) -> None:
        self._files = files or RunFiles()

    def file(self, run: Run, domain: Domain) -> FeatureFile:
        """`RunFiles.of`."""
        return self._files.of(run, domain)

    def load_if_readable(self, run: Run) -> RunFeatures | None:
        """`load`; None where it cannot be: end to end, or files that have moved."""
        try:
            return self.load(run)
        except InputError:
            return None

    def load(self, run: Run) -> RunFeatures:
        """Load a run and its features.

        Raises:
            InputError: a feature file or the checkpoint cannot be used, the method trains no
                features to look at, or the run was trained end to end.
        """
        run.record.require_method()
        config = run.record.run
        if config.end_to_end:  # a file's features are of another backbone, or of none
            raise InputError(
                f"{run.path} was trained end to end, and this needs cached features: run tcon "
                f"extract LIST --weights {run.path}, and adapt on its features"
            )
        files: dict[Domain, FeatureFile] = {d: self.file(run, d) for d in ("source", "target")}
        task = _task(run, files)
        loaded = load_run(run.path, recipe=files["target"].recipes[config.modality])
        if not hasattr(loaded.method, "bottleneck"):
            raise InputError(f"{config.method} trains no features, so there are none to look at")
        domains = load_domains(
            files["source"],
            files["target"],
            modality=config.modality,
            task=task,
            device=torch.device("cpu"),
            splits=_splits(run, files, task),
        )
        return RunFeatures(loaded, standardise_domains(domains, loaded.statistics), files)

    def ids(self, run: Run) -> dict[Domain, list[str]]:
        """`RunFeatures.ids` of both domains, without loading the run.

        Raises:
            InputError: a feature file cannot be used.
        """
        files: dict[Domain, FeatureFile] = {d: self.file(run, d) for d in ("source", "target")}
        source, target = files["source"].videos, files["target"].videos
        rows = _splits(run, files, _task(run, files))
        return {
            "source": [source[n].id for n in (*rows.source_train, *rows.source_val)],
            "target": [target[n].id for n in (*rows.target_test, *rows.target_train)],
        }


def _task(run: Run, files: Mapping[Domain, FeatureFile]) -> Task:
    data = run.record.data
    if data.source.labels is None or data.target.labels is None:
        raise InputError(f"{run.path} does not record the classes of its labels: repeat it")
    source, target = (
        data.classes_of(domain, {video.label for video in file.videos})
        for domain, file in files.items()
    )
    return Task(data.task, run.classes, source, target)


def _splits(run: Run, files: Mapping[Domain, FeatureFile], task: Task) -> Splits:
    """The run's own videos, whatever else the files hold by now."""
    source, target = files["source"].videos, files["target"].videos
    way, known = run.record.run.train, run.predictions
    if run.record.data.source.videos_sha256:
        train = set(videos_of(run.path, run.record).source_train)
        classes = [task.source.get(video.label) for video in source]
    else:  # from before: its source is as it was
        whole = split_videos(source, target, task, holdout=way.holdout, pool=way.target_pool)
        train = {source[n].id for n in whole.source_train}
        classes = whole.source_class
    return Splits(
        source_train=_rows(source, train),
        source_val=_rows(source, known["source_val"].ids if "source_val" in known else ()),
        target_train=_rows(target, known["target_train"].ids),
        target_test=_rows(target, run.test.ids),
        source_class=classes,
    )


def _rows(videos: Sequence[Video], ids: Collection[str]) -> list[int]:
    """Where the videos of these ids are."""
    wanted = set(ids)
    return [n for n, video in enumerate(videos) if video.id in wanted]


def cached_means(videos: Videos, segments: int) -> Tensor:
    """The mean of each video's central snippets before G_f, [n, D_in]."""
    chunks = torch.arange(len(videos)).split(_CHUNK)
    return torch.cat([videos.segments(chunk, segments).mean(1) for chunk in chunks])


def some(videos: Videos, most: int, *, seed: int = 0) -> Videos:
    """At most ``most`` videos, a random subset that the seed decides."""
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


def find(run: RunFeatures, domain: Domain, ids: Sequence[str]) -> Videos:
    """Videos of a domain by id, in this order.

    Raises:
        InputError: an id that the run did not use; names the nearest.
    """
    first = run.sets(domain)[0]
    everything = replace(
        first,
        ids=tuple(run.ids(domain)),
        start=torch.cat([videos.start for videos in run.sets(domain)]),
        count=torch.cat([videos.count for videos in run.sets(domain)]),
        labels=None,
    )
    row = {id_: n for n, id_ in enumerate(everything.ids)}
    for id_ in ids:
        if id_ not in row:
            raise no_video(run.loaded.path, domain, id_, everything.ids)
    return take(everything, [row[id_] for id_ in ids])


def no_video(run: Path, domain: Domain, id_: str, ids: Sequence[str]) -> InputError:
    """The error for an id that is none of the ``ids`` that a run used; names the nearest."""
    near = difflib.get_close_matches(id_, ids, n=1) or list(ids[:1])
    return InputError(f"{run} used no {domain} video '{id_}': ids look like {near[0]}")


def of_videos(segments: Tensor, *, concatenate: bool) -> Tensor:
    """Features of videos from those of their segments, [n, K, D]: concatenated, as the video
    discriminator sees them (equation 10), or their mean where K differs between the domains."""
    return segments.flatten(1) if concatenate else segments.mean(1)
