"""Pairs of a source and a target video whose co-attention is shown, and their co-attention."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from ....adapt.data.domains import Videos
from ....adapt.inference.feature_files import Domain
from ....adapt.methods.tcon.method import Tcon
from ....cache import InputError, Video
from ...runs.embeddings import Loader, RunFeatures, find, no_video, some
from ...runs.read import Run
from .coattention import co_attend, co_attends, confident_pairs, source_probabilities
from .roots import Roots

_PAIRS = 3
_MOST_VIDEOS = 1000  # whose mean stands for that of a domain


@dataclass(frozen=True, kw_only=True)
class PairChoice:
    """Which pairs of videos co-attention is shown of.

    Args:
        ids: source and target id of each; the most confident pairs if empty.
        roots: folder that each domain's paths start at, if its videos have moved.
    """

    ids: tuple[tuple[str, str], ...] = ()
    roots: Roots = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class PairAttention:
    """A source and a target video, and how their segments attend to each other.

    Args:
        source, target: the videos.
        source_frames, target_frames: the centre frame of each segment's central snippet, [Ks] and
            [Kt].
        target_times: when the target's are shown, [Kt] seconds; NaN where unknown.
        joint: the co-attention matrix as a joint distribution, [Ks, Kt].
        predicted: of the target's segments by the attention network, [Kt]; None without one.
    """

    source: Video
    target: Video
    source_frames: np.ndarray
    target_frames: np.ndarray
    target_times: np.ndarray
    joint: np.ndarray
    predicted: np.ndarray | None

    def __repr__(self) -> str:
        return f"<PairAttention of {self.source.id} and {self.target.id}>"

    @property
    def times(self) -> np.ndarray:
        """When the target's segments are shown, [Kt], in `time_unit`."""
        return self.target_times if self._times_known else self.target_frames

    @property
    def time_unit(self) -> str:
        return "seconds" if self._times_known else "frame"

    @property
    def _times_known(self) -> bool:
        return not np.isnan(self.target_times).any()


def check_pairs(runs: Sequence[Run], loader: Loader, pairs: PairChoice) -> None:
    """Refuse a pair that none of some runs used, before anything is drawn.

    Args:
        runs: of any methods. Those that do not co-attend, or whose features cannot be read, do not
            count, because nothing is drawn of them.
        loader: of their features.
        pairs: asked for.

    Raises:
        InputError: names the nearest id.
    """
    if not pairs.ids:
        return
    used = []
    for run in runs:
        cached = run.record.run.end_to_end is None
        with suppress(InputError):
            known = run.record.registered
            if cached and known and co_attends(known.method):
                used.append((run, loader.ids(run)))
    for pair in pairs.ids:
        errors = [_missing(run.path, pair, ids) for run, ids in used]
        missing = [error for error in errors if error is not None]
        if missing and len(missing) == len(used):
            raise missing[0]


def shown_pairs(run: RunFeatures, choice: PairChoice) -> list[tuple[str, str]]:
    """The pairs to show of a run that co-attends: source and target id of each.

    Args:
        run: the run.
        choice: what was asked for. A pair that only another run used is left out; `check_pairs`
            has made sure that one did.
    """
    if not choice.ids:
        return _confident_ids(run)
    used: dict[Domain, list[str]] = {domain: run.ids(domain) for domain in ("source", "target")}
    return [pair for pair in choice.ids if _missing(run.loaded.path, pair, used) is None]


@torch.no_grad()
def attend_pairs(run: RunFeatures, ids: Sequence[tuple[str, str]]) -> list[PairAttention]:
    """The co-attention of pairs of videos.

    Args:
        run: a run whose method co-attends.
        ids: source and target id of each pair.
    """
    if not ids:
        return []
    method = _tcon(run)
    sources = find(run, "source", [source for source, _ in ids])
    targets = find(run, "target", [target for _, target in ids])
    fs = run.embed("source", sources).features  # [N, Ks, D]
    ft = run.embed("target", targets).features  # [N, Kt, D]
    rows = torch.arange(len(ids))
    domains = run.domains
    means = _mean(run, "source", domains.source_train), _mean(run, "target", domains.target_train)
    joint = co_attend(method, fs, ft, rows, rows, means).joint.numpy()  # [N, Ks, Kt]
    predicted = _predicted(method, ft)
    frames = segment_frames(run, "source", sources), segment_frames(run, "target", targets)
    times = run.files["target"].times(run.loaded.config.modality)[_central(run, "target", targets)]
    row_of = {d: {v.id: v for v in run.files[d].videos} for d in run.files}
    return [
        PairAttention(
            source=row_of["source"][source],
            target=row_of["target"][target],
            source_frames=frames[0][n],
            target_frames=frames[1][n],
            target_times=times[n],
            joint=joint[n],
            predicted=None if predicted is None else predicted[n],
        )
        for n, (source, target) in enumerate(ids)
    ]


@torch.no_grad()
def attention_to_test_videos(run: RunFeatures) -> np.ndarray | None:
    """The attention that a run predicts of its target test videos, [n, Kt]; None without an
    attention network."""
    return _predicted(_tcon(run), run.embed("target", run.domains.target_test).features)


def segment_frames(run: RunFeatures, domain: Domain, videos: Videos) -> np.ndarray:
    """The centre frame of the central snippet of each segment.

    Args:
        run: the run.
        domain: whose videos.
        videos: [n].

    Returns:
        frame numbers [n, K]; a video with fewer snippets than segments repeats some.
    """
    frames = run.files[domain].frames(run.loaded.config.modality)  # [S]
    return frames[_central(run, domain, videos)]


def _central(run: RunFeatures, domain: Domain, videos: Videos) -> np.ndarray:
    """The central snippet of each segment, [n, K], counted through the feature file."""
    k, m = run.loaded.segments(domain), run.method.snippets
    rows = videos.snippets(torch.arange(len(videos)), k * m)  # [n, K m]
    return rows.view(-1, k, m)[:, :, m // 2].numpy()


def _mean(run: RunFeatures, domain: Domain, videos: Videos) -> torch.Tensor:
    """The mean segment after G_f of a domain's videos, of a random subset if many: [D]."""
    return run.embed(domain, some(videos, _MOST_VIDEOS)).features.mean((0, 1))


def _missing(
    run: Path, pair: tuple[str, str], ids: Mapping[Domain, Sequence[str]]
) -> InputError | None:
    """What a run lacks of a pair; None if it used both videos."""
    source, target = pair
    if source not in ids["source"]:
        return no_video(run, "source", source, ids["source"])
    if target not in ids["target"]:
        return no_video(run, "target", target, ids["target"])
    return None


@torch.no_grad()
def _confident_ids(run: RunFeatures) -> list[tuple[str, str]]:
    """The most confident pairs of a source training and a target test video."""
    method = _tcon(run)
    source = run.embed("source", run.domains.source_train)
    target = run.embed("target", run.domains.target_test)
    p_s = source_probabilities(method, source.features)
    true = F.one_hot(torch.from_numpy(source.truth), p_s.shape[1])  # a wrong source shows nothing
    p_t = method.predict(target.cached).softmax(1)
    return [(source.ids[i], target.ids[j]) for i, j in confident_pairs(p_s * true, p_t, _PAIRS)]


def _predicted(method: Tcon, target: torch.Tensor) -> np.ndarray | None:
    """Attention by the attention network [n, Kt], of target segments after G_f [n, Kt, D]."""
    return method.attention(target).numpy() if hasattr(method, "attention") else None


def _tcon(run: RunFeatures) -> Tcon:
    """The run's method, which co-attends."""
    assert isinstance(run.method, Tcon)
    return run.method
