"""What is in a feature file: a summary, and the tables that show it to people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import visible
from .reader import FeatureFile
from .recipe import Recipe
from .schema import SPLITS, Failure, Video

if TYPE_CHECKING:
    from rich.table import Table


@dataclass(frozen=True)
class ModalitySummary:
    """The features of one modality.

    Args:
        recipe: how they were made.
        snippets: of all videos.
        fewest, most: snippets of a video; 0 in a file without videos.
        early_stopped: pairs of frames whose flow ran out of iterations; 0 for other modalities.
        early_stopped_videos: in how many videos.
    """

    recipe: Recipe
    snippets: int
    fewest: int
    most: int
    early_stopped: int = 0
    early_stopped_videos: int = 0


@dataclass(frozen=True)
class Summary:
    """What a feature file holds.

    Args:
        path: the file.
        videos: how many.
        counts: videos of each class and split, ``{label: {split: videos}}``, labels sorted.
        modalities: by name.
        decoders: that read the videos.
        damaged: videos that were read as far as they decode.
        failures: videos that could not be read.
    """

    path: str
    videos: int
    counts: Mapping[str, Mapping[str, int]]
    modalities: Mapping[str, ModalitySummary]
    decoders: tuple[str, ...]
    damaged: tuple[Video, ...]
    failures: tuple[Failure, ...]


def summarise(file: FeatureFile) -> Summary:
    """Count what a feature file holds."""
    counts: dict[str, Counter[str]] = {
        label: Counter() for label in sorted({v.label for v in file.videos})
    }
    for video in file.videos:
        counts[video.label][video.split] += 1
    return Summary(
        path=str(file.path),
        videos=len(file.videos),
        counts=counts,
        modalities={name: _modality(file, name) for name in file.modalities},
        decoders=tuple(sorted({video.decoder for video in file.videos if video.decoder})),
        damaged=tuple(video for video in file.videos if video.damage),
        failures=tuple(file.failures),
    )


def _modality(file: FeatureFile, name: str) -> ModalitySummary:
    count = file.counts(name)  # [N]
    stopped = [v.early_stopped for v in file.videos if v.early_stopped] if name == "flow" else []
    return ModalitySummary(
        recipe=file.recipes[name],
        snippets=int(count.sum()),
        fewest=int(count.min()) if len(count) else 0,
        most=int(count.max()) if len(count) else 0,
        early_stopped=sum(stopped),
        early_stopped_videos=len(stopped),
    )


def tables(summary: Summary) -> list[Table]:
    """Videos per split and class, each modality's recipe, damaged videos and failures."""
    made = [_videos(summary)]
    made += [_recipe(name, m, summary) for name, m in summary.modalities.items()]
    if summary.damaged:
        rows = [(video.id, str(video.frames), video.damage) for video in summary.damaged]
        title = f"{len(rows)} damaged, read as far as they decode"
        made.append(_table(title, ("video", "frames", "damage"), rows))
    if summary.failures:
        failed = [(f.video, f.stage, f.reason) for f in summary.failures]
        made.append(_table(f"{len(failed)} failed", ("video", "stage", "reason"), failed))
    return made


def _videos(summary: Summary) -> Table:
    from rich.table import Table
    from rich.text import Text

    counts = summary.counts
    splits = [s for s in SPLITS if any(c.get(s) for c in counts.values())]
    videos = f"{summary.videos} video{'' if summary.videos == 1 else 's'}"
    title = Text(visible(f"{summary.path}: {videos}"))
    table = Table(title=title, title_justify="left")
    table.add_column("class")
    for split in splits:
        table.add_column(split or "(no split)", justify="right")
    for label, count in counts.items():
        name = Text(visible(label or "(unlabelled)"))
        table.add_row(name, *(str(count.get(s, 0)) for s in splits))
    table.add_section()
    totals = (sum(count.get(s, 0) for count in counts.values()) for s in splits)
    table.add_row("total", *map(str, totals))
    return table


def _recipe(name: str, modality: ModalitySummary, summary: Summary) -> Table:
    from rich.table import Table
    from rich.text import Text

    recipe = modality.recipe
    table = Table(title=f"{name}: how it was made", title_justify="left", show_header=False)
    table.add_column()
    table.add_column(overflow="fold")  # a hash is shown whole
    table.add_row("snippets", f"{modality.snippets} of {recipe.dim} dimensions")
    if summary.videos:
        table.add_row("snippets per video", f"{modality.fewest} to {modality.most}")
    if modality.early_stopped:
        pairs = f"{modality.early_stopped} pairs of frames"
        table.add_row("flow stopped early", f"{pairs} in {modality.early_stopped_videos} videos")
    if summary.decoders:
        table.add_row("decoder", Text(visible(", ".join(summary.decoders))))
    for field, value in recipe.rows():
        table.add_row(field, Text(visible(value)))
    if recipe.weights == "random":
        warning = "random weights: these features mean nothing"
        table.add_row(Text("warning", "bold red"), Text(visible(warning), "bold red"))
    return table


def _table(title: str, columns: tuple[str, ...], rows: list[tuple[str, str, str]]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns, title=title, title_justify="left")
    for row in rows:
        table.add_row(*(Text(visible(cell)) for cell in row))
    return table
