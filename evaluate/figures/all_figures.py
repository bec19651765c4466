"""All figures of a comparison of runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from ...adapt.methods import entry
from ...adapt.training.health import by_kind
from ...cache import InputError
from ..runs.embeddings import Loader
from ..runs.groups import Group
from ..runs.logs import read_health, read_metrics
from ..runs.names import folder_names
from .accuracy_by_segments import draw_segments, series_by_segments
from .pair_attention import co_attends
from .pairs import PairChoice, check_pairs, pair_pictures
from .style import Picture
from .training_curves import draw_curves
from .tsne_of_run import tsne_picture


def draw_all(
    groups: Sequence[Group],
    loader: Loader,
    pairs: PairChoice,
    *,
    fused: Sequence[Group] = (),
    say: Callable[[str], None] = print,
) -> Iterator[Picture]:
    """Everything that the runs give: accuracy by K; per group training curves, t-SNE and, of TCoN,
    attention and co-attention. What shows features is of the group's first seed.

    Args:
        groups: scored runs.
        loader: of their methods.
        pairs: whose co-attention.
        fused: scored groups that have accuracies alone.
        say: told what cannot be drawn.

    Raises:
        InputError: a pair that was asked for cannot be shown.
    """
    check_pairs([group.first for group in groups], loader, pairs)
    if pairs.ids and not any(co_attends(entry(g.method).method) for g in groups):
        raise InputError("--pair shows co-attention, which none of these runs' methods has")
    if panels := series_by_segments([*groups, *fused]):
        yield Picture(
            "accuracy_by_segments",
            "Accuracy by number of segments",
            "Mean accuracy over seeds on the target's test videos; bars are 95 % intervals.",
            draw_segments(panels),
        )
    for group, name in zip(groups, folder_names(groups), strict=True):
        try:
            curves = curves_picture(group, name)
        except InputError as error:
            say(f"No curves of {name} are drawn: {error}")
        else:
            yield curves
        try:
            trained = loader.load(group.first)
        except InputError as error:
            say(f"No features of {name} are drawn: {error}")
            continue
        yield tsne_picture(trained, name)
        if co_attends(type(trained.method)):
            yield from pair_pictures(trained, name, pairs, say)


def curves_picture(group: Group, name: str) -> Picture:
    """Training curves of a group, with its health in the caption.

    Raises:
        InputError: a run's metrics are damaged.
    """
    records = [read_metrics(run) for run in group.runs]
    seeds = "one seed" if len(records) == 1 else f"mean of {len(records)} seeds and their range"
    try:
        found = by_kind((run.seed, finding) for run in group.runs for finding in read_health(run))
        words = "; ".join(finding["text"] for _, finding in found) or "nothing looks wrong"
    except InputError as error:
        words = str(error)
    caption = f"Means between evaluations, {seeds}. Health: "
    return Picture(
        f"{name}_curves", f"{name}: training", f"{caption}{words}.", draw_curves(records)
    )
