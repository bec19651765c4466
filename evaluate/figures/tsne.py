"""t-SNE of source, target and target-aligned source features (the paper's figure 5)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from sklearn.neighbors import NearestNeighbors

from .data.clouds import Cloud, FeatureClouds
from .picture import Picture
from .style import COLOURS, MARKERS, UNKNOWN, drawn, legend_columns, new_figure, style

_PCA = 50  # dimensions that t-SNE sees
_NEIGHBOURS = 12  # points that say whose a place is
_WIDTH = 4.6  # inches
# Filled, hollow and crossed: told apart without colour.
_SHAPES = {"source": MARKERS[0], "target": MARKERS[1], "target-aligned source": "x"}


def tsne_picture(clouds: FeatureClouds, name: str, classes: Sequence[str]) -> Picture:
    """t-SNE of segments and of videos.

    Args:
        clouds: the features.
        name: of the run.
        classes: their names, [C].
    """
    aligned = ""
    if clouds.pairs is not None:
        aligned = f", and of the source videos of {clouds.pairs} similar pairs, aligned to their "
        aligned += "targets"
    caption = (
        f"t-SNE after G_f of {clouds.source_videos} source training and {clouds.target_videos} "
        f"target test videos{aligned}; a video is its segments "
        f"{'side by side' if clouds.concatenated else 'averaged'}. Colours are the true classes"
        f"{_known_of_target(clouds)}; a class's number stands where it is most by itself, and is "
        "missing where it is nowhere in the majority. Distances between far groups mean little."
    )
    panels = {"segments": clouds.segments, "videos": clouds.videos}
    figure = draw_tsne(panels, classes)
    return Picture(f"{name}_tsne", f"{name}: features", caption, figure, photo=True)


def tsne(clouds: Mapping[str, Cloud], *, seed: int = 0) -> dict[str, np.ndarray]:
    """All clouds in one plane: [n, 2] of each.

    At most 50 principal components are embedded, with a perplexity of 30 or, of few points, a
    third of their number.
    """
    x = np.concatenate([cloud.features for cloud in clouds.values()]).astype(np.float64)
    if min(x.shape) > _PCA:
        x = PCA(_PCA, random_state=seed).fit_transform(x)
    perplexity = min(30, (len(x) - 1) / 3)
    plane = TSNE(2, perplexity=perplexity, init="pca", random_state=seed).fit_transform(x)
    ends = np.cumsum([len(cloud.features) for cloud in clouds.values()])
    return dict(zip(clouds, np.split(plane, ends[:-1]), strict=True))


def draw_tsne(panels: Mapping[str, Mapping[str, Cloud]], classes: Sequence[str]) -> Figure:
    """A panel for segments and one for videos, say. Each class's number stands where the class is
    most by itself, for grey print.

    Args:
        panels: per title, the clouds "source", "target" and perhaps "target-aligned source".
        classes: their names, [C]; of more than 8 the commonest 8 have a colour.
    """
    counts = Counter(
        int(c) for clouds in panels.values() for cloud in clouds.values() for c in cloud.classes
    )
    known = [c for c, _ in counts.most_common() if c >= 0][: len(COLOURS)]
    colours = {c: COLOURS[n] for n, c in enumerate(sorted(known))}
    legend = {
        f"{n} {drawn(classes[c], _WIDTH - 1)}": colour
        for n, (c, colour) in enumerate(colours.items(), start=1)
    }
    if set(counts) - set(colours):
        legend["other or unknown class"] = UNKNOWN
    columns = legend_columns(legend, _WIDTH)
    with style():
        # One above the other, so that a phone shows points and letters large enough.
        figure = new_figure(_WIDTH, 3.9 * len(panels) + 0.4 + 0.2 * -(-len(legend) // columns))
        for axis, (title, clouds) in zip(
            figure.subplots(len(panels), 1, squeeze=False)[:, 0], panels.items(), strict=True
        ):
            points = tsne(clouds)
            for name, cloud in clouds.items():
                _scatter(axis, name, points[name], cloud.classes, colours)
            _number(axis, points, clouds, colours)
            axis.set_title(title)
            axis.set_xticks([])
            axis.set_yticks([])
            axis.spines[:].set_visible(True)
        kinds = dict.fromkeys(name for clouds in panels.values() for name in clouds)
        figure.legend(
            handles=[_key(name, "black", name) for name in kinds],
            loc="outside upper center", ncols=3, frameon=False, columnspacing=1, handletextpad=0.2,
        )  # fmt: skip
        figure.legend(
            handles=[_key("class", colour, label) for label, colour in legend.items()],
            loc="outside lower center", ncols=columns, frameon=False, columnspacing=1,
            handletextpad=0.2,
        )  # fmt: skip
    return figure


def _known_of_target(clouds: FeatureClouds) -> str:
    known = clouds.videos["target"].classes >= 0  # [n]
    if not known.any():
        return " of the source, for the target is unlabelled"
    return ", which adaptation did not see of the target"


def _scatter(
    axis: Axes, name: str, points: np.ndarray, classes: np.ndarray, colours: Mapping[int, str]
) -> None:
    colour = np.array([colours.get(int(c), UNKNOWN) for c in classes], dtype=object)
    hollow = name == "target"
    axis.scatter(
        points[:, 0], points[:, 1], s=22, marker=_SHAPES[name],
        facecolors="none" if hollow else list(colour),
        edgecolors=list(colour) if hollow else None, linewidths=0.9, alpha=0.8, label=name,
    )  # fmt: skip


def _number(
    axis: Axes,
    points: Mapping[str, np.ndarray],
    clouds: Mapping[str, Cloud],
    colours: Mapping[int, str],
) -> None:
    """Put each class's number where it is the purest, of such places where its points are the
    densest; nowhere where it is no majority of the points around."""
    where = np.concatenate([points[name] for name in clouds])
    classes = np.concatenate([cloud.classes for cloud in clouds.values()])
    where, classes = where[classes >= 0], classes[classes >= 0]  # [n, 2], [n]
    for n, c in enumerate(colours, start=1):
        own = where[classes == c]  # [m, 2]
        if not len(own):
            continue
        near = NearestNeighbors(n_neighbors=min(_NEIGHBOURS, len(own))).fit(where)
        distances, around = near.kneighbors(own)  # [m, neighbours], the point itself among them
        purity = (classes[around] == c).mean(1)  # [m]
        best = np.lexsort((distances.sum(1), -purity))[0]
        if purity[best] > 0.5:
            x, y = own[best]
            axis.text(
                x, y, str(n), ha="center", va="center", fontsize=8,
                weight="bold", bbox={"boxstyle": "circle", "fc": "white", "alpha": 0.8, "pad": 0.2},
            )  # fmt: skip


def _key(name: str, colour: str, label: str) -> Line2D:
    """An entry of the legend; a class is a square that no cloud uses."""
    return Line2D(
        [], [], linestyle="", marker=_SHAPES.get(name, "s"), color=colour, label=label,
        markerfacecolor="none" if name == "target" else colour,
    )  # fmt: skip
