"""What ``tcon eval`` prints and writes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .runs import find_runs
from .summary import group_runs
from .tables import (
    markdown,
    predictions,
    unlabelled_markdown,
    write_csv,
    write_predictions,
)

_SHOWN_PREDICTIONS = 20


def report(
    paths: Sequence[Path], *, csv_path: Path | None = None, features: Path | None = None
) -> None:
    """Print the accuracy table of the runs; predictions and label-free scores where the target
    has no labels. ``csv_path`` gets the rows.

    Raises:
        InputError: no finished run, or labels that cannot be found.
    """
    runs, unfinished = find_runs(paths)
    groups = group_runs(runs, features)
    labelled = [group for group in groups if group.scores]
    unlabelled = [group for group in groups if not group.scores]
    if labelled:
        print(markdown(labelled))
    if unlabelled:
        for group in unlabelled:
            rows = predictions(group)
            config = group.first.config
            how = f"{group.transfer}, {config['modality']}, K = {config['segments']}"
            print(f"\nPredictions of {group.label} ({how}), mean over seeds:")
            for row in rows[:_SHOWN_PREDICTIONS]:
                print(f"  {row['video']}  {row['class']}  {row['probability']:.2f}")
            if len(rows) > _SHOWN_PREDICTIONS:
                print(f"  and {len(rows) - _SHOWN_PREDICTIONS} more (all of them with --csv FILE)")
        print(f"\n{unlabelled_markdown(unlabelled)}")
    if unfinished:
        print(f"Left out {len(unfinished)} unfinished runs: repeat their tcon adapt command.")
    if csv_path:
        if labelled and unlabelled:
            print(f"{csv_path} gets the labelled targets' rows; name the others alone for theirs.")
        write = write_csv if labelled else write_predictions
        write(labelled or unlabelled, csv_path)
        print(f"\nWrote {csv_path}.")
