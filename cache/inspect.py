"""What is in a feature file, as tables for people."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from .reader import FeatureFile
from .schema import SPLITS

if TYPE_CHECKING:
    from rich.table import Table


def counts(file: FeatureFile) -> dict[str, Counter[str]]:
    """Videos per class and split: ``{label: Counter({split: videos})}``, labels sorted."""
    table: dict[str, Counter[str]] = {
        label: Counter() for label in sorted({v.label for v in file.videos})
    }
    for video in file.videos:
        table[video.label][video.split] += 1
    return table


def describe(file: FeatureFile) -> list[Table]:
    """Videos per split and class, modalities with their recipe, failures."""
    modalities = (_modality(file, name) for name in file.modalities)
    return [_videos(file), *modalities, *_damaged(file), *_failures(file)]


def _videos(file: FeatureFile) -> Table:
    from rich.markup import escape
    from rich.table import Table

    per_class = counts(file)
    splits = [s for s in SPLITS if any(c[s] for c in per_class.values())]
    table = Table(title=escape(f"{file.path}: {len(file.videos)} videos"), title_justify="left")
    table.add_column("class")
    for split in splits:
        table.add_column(split or "(no split)", justify="right")
    for label, counter in per_class.items():
        table.add_row(escape(label) or "(unlabelled)", *(str(counter[s]) for s in splits))
    table.add_section()
    table.add_row("total", *(str(sum(c[s] for c in per_class.values())) for s in splits))
    return table


def _modality(file: FeatureFile, name: str) -> Table:
    from rich.markup import escape
    from rich.table import Table

    recipe, count = file.recipes[name], file.counts(name)
    table = Table(title=f"{name}: how it was made", title_justify="left", show_header=False)
    table.add_column()
    table.add_column(overflow="fold")  # a hash is shown whole
    table.add_row("snippets", f"{count.sum()} of {recipe.dim} dimensions")
    if len(count):
        table.add_row("snippets per video", f"{count.min()} to {count.max()}")
    if name == "flow" and (stopped := [v.early_stopped for v in file.videos if v.early_stopped]):
        pairs = f"{sum(stopped)} pairs of frames in {len(stopped)} videos"
        table.add_row("flow stopped early", pairs)
    if decoders := sorted({video.decoder for video in file.videos if video.decoder}):
        table.add_row("decoder", ", ".join(decoders))
    for field, value in recipe.rows():
        table.add_row(field, escape(value))
    if recipe.weights == "random":
        table.add_row("[bold red]warning", "[bold red]random weights: these features mean nothing")
    return table


def _damaged(file: FeatureFile) -> list[Table]:
    from rich.markup import escape
    from rich.table import Table

    damaged = [video for video in file.videos if video.damage]
    if not damaged:
        return []
    title = f"{len(damaged)} damaged, read as far as they decode"
    table = Table("video", "frames", "damage", title=title, title_justify="left")
    for video in damaged:
        table.add_row(escape(video.id), str(video.frames), escape(video.damage))
    return [table]


def _failures(file: FeatureFile) -> list[Table]:
    from rich.markup import escape
    from rich.table import Table

    if not file.failures:
        return []
    table = Table(
        "video", "stage", "reason", title=f"{len(file.failures)} failed", title_justify="left"
    )
    for failure in file.failures:
        table.add_row(*map(escape, (failure.video, failure.stage, failure.reason)))
    return [table]
