"""An import with a progress bar and a summary for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from ...cache.schema import SPLITS, Failure
from .registry import open_source, recognise
from .run import Progress, import_features
from .wanted import Wanted, choose_videos

_SHOWN = 10  # failures, and names that were not found


def import_with_progress(
    kind: str,
    path: Path,
    output: Path,
    *,
    lists: Sequence[str] = (),
    list_form: str | None = None,
    classes: Path | None = None,
    classes_from: int | None = None,
    unlabelled: bool = False,
    modality: str | None = None,
    select: str | None = None,
    trust_pickle: bool = False,
    backbone: str = "imported",
    weights: str = "",
) -> bool:
    """Import features; prints what was understood, what was not found, what failed, what is next.

    Args:
        kind: of the features, "auto" to recognise it.
        path: the features.
        output: the feature file.
        lists, list_form, classes, classes_from, unlabelled: as of `choose_videos`.
        modality, backbone, weights: as of `import_features`.
        select: as of `open_source`.
        trust_pickle: that the user vouches for features and lists that are pickles.

    Returns:
        whether every video wanted is in the file.

    Raises:
        InputError: as those do.
        KeyboardInterrupt: by Ctrl-C, with what the file holds.
    """
    console = Console(soft_wrap=True, highlight=False, markup=False)
    if kind == "auto":
        kind, others = recognise(path, trust_pickle=trust_pickle)
        console.print(f"{path} is taken as {kind}{others and f'; {others}'}.")
    with console.status("looking for videos"):
        source = open_source(kind, path, select=select, trust_pickle=trust_pickle)
        wanted = choose_videos(
            source,
            lists,
            form=list_form,
            classes=classes,
            classes_from=classes_from,
            unlabelled=unlabelled,
            trust_pickle=trust_pickle,
        )
    for note in (*wanted.notes, _describe(wanted)):
        console.print(f"{note}.")
    last = Progress(0, 0)
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("videos"), TimeRemainingColumn())
    try:
        with Bar(TextColumn("import"), *columns, console=console) as bar:
            row = bar.add_task("", total=None)

            def show(progress: Progress) -> None:
                nonlocal last
                last = progress
                done = progress.done + progress.failed
                bar.update(row, total=progress.todo, completed=done, visible=progress.todo > 0)

            failures = import_features(
                source,
                output,
                wanted.videos,
                modality=modality,
                backbone=backbone,
                weights=weights,
                on_progress=show,
            )
    except KeyboardInterrupt:
        held = f"{output} holds {last.before + last.done} videos; " if last.todo else ""
        raise KeyboardInterrupt(f"stopped: {held}the same command continues") from None
    before = f"; it held {last.before} before" if last.before else ""
    console.print(f"{last.done} videos imported to {output}{before}.")
    _show_unmatched(console, wanted)
    _show_failures(console, failures, output)
    console.print(f"Next: tcon inspect {output}; tcon adapt --source {output} --target OTHER.h5")
    return not (failures or wanted.unmatched)


def _describe(wanted: Wanted) -> str:
    """One line that says which videos are taken: classes, splits."""
    videos = wanted.videos.values()
    classes = {video.label for video in videos if video.label}
    splits = Counter(video.split for video in videos if video.split)
    parts = (
        f"{len(videos)} videos",
        f"{len(classes)} classes" if classes else "unlabelled",
        ", ".join(f"{s} {splits[s]}" for s in SPLITS if splits[s]) or "no splits",
    )
    return "; ".join(parts)


def _show_unmatched(console: Console, wanted: Wanted) -> None:
    if wanted.unmatched:
        count = len(wanted.unmatched)
        console.print(f"{count} listed are not there, or are not clear:", style="yellow")
        for name in wanted.unmatched[:_SHOWN]:
            console.print(f"  {wanted.explain(name)}")
        if count > _SHOWN:
            console.print(f"  and {count - _SHOWN} more")


def _show_failures(console: Console, failures: Sequence[Failure], output: Path) -> None:
    if failures:
        console.print(f"{len(failures)} failed:", style="yellow")
        for failure in failures[:_SHOWN]:
            console.print(f"  {failure.video}: {failure.reason}")
        if len(failures) > _SHOWN:
            console.print(f"  and {len(failures) - _SHOWN} more: tcon inspect {output}")
        console.print("Mend them and run the same command again.")
