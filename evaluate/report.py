"""What ``tcon eval`` prints and writes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..adapt.methods import entry
from ..cache import InputError
from .presentation import Presentation, present
from .runs import find_runs
from .selection import select_epochs, select_setting
from .selection_tables import outcome_markdown, scores_markdown, write_candidates
from .summary import group_runs
from .tables import (
    markdown,
    predictions,
    unlabelled_markdown,
    write_csv,
    write_predictions,
)
from .truth import TrueClasses
from .validators import DEFAULT, validator

_SHOWN_PREDICTIONS = 20


def report(
    paths: Sequence[Path],
    *,
    csv_path: Path | None = None,
    features: Path | None = None,
    presentation: Presentation | None = None,
) -> None:
    """Print the accuracy table of the runs; predictions and label-free scores where the target
    has no labels. ``csv_path`` gets the rows, and ``presentation`` says what else to make.

    Raises:
        InputError: no finished run, or labels that cannot be found.
    """
    runs, unfinished = find_runs(paths)
    groups = group_runs(runs, features)
    labelled = [group for group in groups if group.scores]
    unlabelled = [group for group in groups if not group.scores]
    tables = []
    if labelled:
        tables.append(markdown(labelled))
        print(tables[-1])
    if unlabelled:
        for group in unlabelled:
            rows = predictions(group)
            config = group.first.config
            how = f"{group.transfer}, {config['modality']}, K = {config['segments']}"
            print(f"\nPredictions of {group.method} ({how}), mean over seeds:")
            for row in rows[:_SHOWN_PREDICTIONS]:
                print(f"  {row['video']}  {row['class']}  {row['probability']:.2f}")
            if len(rows) > _SHOWN_PREDICTIONS:
                print(f"  and {len(rows) - _SHOWN_PREDICTIONS} more (all of them with --csv FILE)")
        tables.append(unlabelled_markdown(unlabelled))
        print(f"\n{tables[-1]}")
    _say_unfinished(unfinished)
    if csv_path:
        if labelled and unlabelled:
            print(f"{csv_path} gets the labelled targets' rows; name the others alone for theirs.")
        write = write_csv if labelled else write_predictions
        write(labelled or unlabelled, csv_path)
        print(f"\nWrote {csv_path}.")
    if presentation:
        present(groups, presentation, tables)


def report_selection(
    paths: Sequence[Path],
    select: str,
    *,
    validators: Sequence[str] = (DEFAULT,),
    csv_path: Path | None = None,
    features: Path | None = None,
    source_features: Path | None = None,
) -> None:
    """Print what each validator chooses among the runs' candidates, every candidate's scores and,
    where the target has labels, what the choices of ``validators`` reach.

    Args:
        paths: of runs.
        select: "epoch", "segments" or a key of ``--set``.
        validators: by which the label-free figure is chosen.
        csv_path: gets a row per candidate.
        features, source_features: the feature files, if they have moved.

    Raises:
        InputError: an unknown validator or key, nothing to choose from, no finished run, or labels
            that a named validator needs and that cannot be found.
    """
    for name in validators:
        validator(name)
    runs, unfinished = find_runs(paths)
    groups = group_runs(runs, features)
    taught = {g.method for g in groups if entry(g.method).method.reads_target_labels}
    groups = [group for group in groups if group.method not in taught]
    for method in sorted(taught):
        print(f"{method} is left out: it trains on target labels, so no choice is label-free.")
    if not groups:
        raise InputError("no run is left to choose from: name runs of other methods")
    source = TrueClasses("source", source_features)
    if select == "epoch":
        selections = select_epochs(groups, source)
    else:
        selections = select_setting(groups, select, source)
    for name in validators:
        for selection in selections:
            if name in selection.left_out:
                raise InputError(f"--validator {name}: {selection.left_out[name]}")
    for selection in selections:
        print(f"\n{scores_markdown(selection)}")
    labelled = [selection for selection in selections if selection.accuracy is not None]
    if labelled:
        print(f"\n{outcome_markdown(labelled, validators)}")
    if len(labelled) < len(selections):
        print("\nAn unlabelled target has scores alone.")
    reasons = {f"{n} is left out: {why}." for s in selections for n, why in s.left_out.items()}
    print(*sorted(reasons), sep="\n", end="\n" if reasons else "")
    _say_unfinished(unfinished)
    if csv_path:
        write_candidates(selections, csv_path)
        print(f"\nWrote {csv_path}.")


def _say_unfinished(unfinished: Sequence[Path]) -> None:
    if unfinished:
        print(f"Left out {len(unfinished)} unfinished runs: repeat their tcon adapt command.")
