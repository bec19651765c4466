"""Figures of the co-attention of a trained TCoN: attention over time, and pairs of videos."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F

from ...adapt.data.domains import Videos
from ...adapt.inference.feature_files import Domain
from ...adapt.methods import entry
from ...cache import InputError
from ..runs.embeddings import Loader, Trained, find, no_video
from ..runs.read import Run
from .attention import PairCourse, draw_attention
from .coattention import draw_coattention
from .frames import Roots, read_images, segment_frames
from .pair_attention import co_attend, co_attends, confident_pairs, source_probabilities
from .style import Picture

_PAIRS = 3


@dataclass(frozen=True, kw_only=True)
class PairChoice:
    """Which pairs of videos co-attention is shown of.

    Args:
        ids: source and target id of each; the most confident pairs if empty.
        roots: folder that each domain's paths start at, if its videos have moved.
    """

    ids: tuple[tuple[str, str], ...] = ()
    roots: Roots = field(default_factory=dict)


def check_pairs(runs: Sequence[Run], loader: Loader, pairs: PairChoice) -> None:
    """Refuse a pair that none of some runs used, before anything is drawn.

    Args:
        runs: of any methods. Those that do not co-attend, or whose features cannot be read, do not
            count, for nothing is drawn of them.
        loader: of their files.
        pairs: asked for.

    Raises:
        InputError: names the nearest id.
    """
    if not pairs.ids:
        return
    used = []
    for run in runs:
        cached = not run.config.get("end_to_end")
        with suppress(InputError):
            if cached and co_attends(entry(run.config["method"]).method):
                used.append((run, loader.ids(run)))
    for pair in pairs.ids:
        missing = [_missing(run, pair, ids) for run, ids in used]
        if missing and all(missing):
            raise missing[0]


def _missing(
    run: Run, pair: tuple[str, str], ids: Mapping[Domain, Sequence[str]]
) -> InputError | None:
    """What a run lacks of a pair; None if it used both videos."""
    for domain, id_ in zip(("source", "target"), pair, strict=True):
        if id_ not in ids[domain]:
            return no_video(run, domain, id_, ids[domain])
    return None


@torch.no_grad()
def pair_pictures(
    trained: Trained, name: str, pairs: PairChoice, say: Callable[[str], None]
) -> Iterator[Picture]:
    """Attention over time, where the method predicts it, and a co-attention matrix per pair.

    A pair that another run used is left out, as `check_pairs` has seen that one did.

    Args:
        trained: a method that co-attends.
        name: of its pictures.
        pairs: which ones.
        say: told why a matrix cannot be drawn.

    Raises:
        InputError: a pair that was asked for cannot be shown.
    """
    used = {domain: trained.ids(domain) for domain in ("source", "target")}
    asked = [pair for pair in pairs.ids if not _missing(trained.run, pair, used)]
    ids = asked if pairs.ids else _confident_ids(trained)
    sources = find(trained, "source", [source for source, _ in ids])
    targets = find(trained, "target", [target for _, target in ids])
    joint = np.empty((0, 0, 0))
    if ids:
        fs = trained.embed("source", sources).features
        ft = trained.embed("target", targets).features
        rows = torch.arange(len(ids))
        joint = co_attend(trained.method, fs, ft, rows, rows).joint.numpy()  # [N, Ks, Kt]
    if hasattr(trained.method, "attention"):
        yield _attention(trained, name, targets, joint)
    try:
        yield from _matrices(trained, name, sources, targets, joint, pairs.roots)
    except InputError as error:
        if pairs.ids:
            raise
        say(f"No co-attention of {name} is drawn: {error}")


def _confident_ids(trained: Trained) -> list[tuple[str, str]]:
    """The most confident pairs of a source training and a target test video."""
    source = trained.embed("source", trained.domains.source_train)
    target = trained.embed("target", trained.domains.target_test)
    p_s = source_probabilities(trained.method, source.features)
    true = F.one_hot(torch.from_numpy(source.truth), p_s.shape[1])  # a wrong source shows nothing
    p_t = trained.method.predict(target.cached).softmax(1)
    return [(source.ids[i], target.ids[j]) for i, j in confident_pairs(p_s * true, p_t, _PAIRS)]


def _attention(trained: Trained, name: str, targets: Videos, joint: np.ndarray) -> Picture:
    """Attention over time of the pairs' targets [N], ``joint`` [N, Ks, Kt]."""
    test = trained.embed("target", trained.domains.target_test).features
    everyone = trained.method.attention(test).numpy()  # [n, Kt]
    courses = []
    if len(joint):
        predicted = trained.method.attention(trained.embed("target", targets).features).numpy()
        frames = segment_frames(trained, "target", targets)  # [N, Kt]
        fps = {video.id: video.fps for video in trained.files["target"].videos}
        for n, id_ in enumerate(targets.ids):
            times, unit = (frames[n] / fps[id_], "seconds") if fps[id_] else (frames[n], "frame")
            courses.append(PairCourse(id_, predicted[n], joint[n].sum(0), times, unit))
    return Picture(
        f"{name}_attention",
        f"{name}: attention over time",
        "Attention of target segments: of all test videos (median and quartiles), and of single "
        "videos as the attention network predicts it and as co-attention with the source video of "
        "the figures below gives it. Dotted: no segment matters more than another.",
        draw_attention(everyone, courses),
    )


def _matrices(
    trained: Trained,
    name: str,
    sources: Videos,
    targets: Videos,
    joint: np.ndarray,
    roots: Roots,
) -> list[Picture]:
    """A figure per pair, `joint` [N, Ks, Kt]."""
    images, labels, titles = {}, {}, {}
    for domain, videos in (("source", sources), ("target", targets)):
        frames = segment_frames(trained, domain, videos)  # [N, K]
        row = {video.id: video for video in trained.files[domain].videos}
        images[domain] = [
            read_images(row[id_], frames[n], roots.get(domain)) for n, id_ in enumerate(videos.ids)
        ]
        labels[domain] = [[f"frame {frame}" for frame in numbers] for numbers in frames]
        titles[domain] = [f"{id_} ({row[id_].label or 'unlabelled'})" for id_ in videos.ids]
    return [
        Picture(
            f"{name}_coattention_{n + 1}",
            f"{name}: co-attention, pair {n + 1}",
            f"Share of each pair of segments in the co-attention of {sources.ids[n]} (rows) and "
            f"{targets.ids[n]} (columns), in percent; dark is high, and {100 / joint[n].size:.1f} "
            "everywhere would prefer nothing. Frames are the centres of the snippets used.",
            draw_coattention(
                joint[n],
                images["source"][n],
                images["target"][n],
                source_labels=labels["source"][n],
                target_labels=labels["target"][n],
                titles=(titles["source"][n], titles["target"][n]),
            ),
            photo=True,
        )
        for n in range(len(joint))
    ]
