"""What ``tcon eval`` prints and writes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...cache import InputError
from ..runs.groups import Group, group_runs
from ..runs.read import find_runs
from ..runs.truth import TrueClasses
from ..scores.fusion import FusionWeights, fuse_groups
from ..scores.results import check_baseline, results_of
from ..scores.selection import select_epochs, select_setting
from ..scores.validators import DEFAULT, validator
from ..tables.accuracy import markdown, write_csv
from ..tables.details import details_markdown
from ..tables.paper import paper_blocks
from ..tables.paper_formats import blocks_markdown, write_blocks_csv, write_latex
from ..tables.selection import outcome_markdown, scores_markdown, write_candidates
from ..tables.unlabelled import predictions, unlabelled_markdown, write_predictions
from .outputs import check_outputs
from .presentation import Presentation, present
from .results_json import write_json

_SHOWN_PREDICTIONS = 20


def report(
    paths: Sequence[Path],
    *,
    csv_path: Path | None = None,
    json_path: Path | None = None,
    latex_path: Path | None = None,
    features: Path | None = None,
    baseline: str = "source_only",
    fuse: str | None = None,
    table: str | None = None,
    details: bool = False,
    shared_classes: bool = False,
    presentation: Presentation | None = None,
) -> None:
    """Print the accuracies of the runs, or one of the paper's tables with them; predictions and
    label-free scores where the target has no labels.

    Args:
        paths: of runs.
        csv_path: gets the rows that are printed.
        json_path: gets everything about the labelled runs.
        latex_path: gets the paper's table.
        features: the target's feature file, if it has moved.
        baseline: the method that others are compared with.
        fuse: weights of RGB and flow, ``1:1``; None not to fuse.
        table: "1" to "5", one of the paper's tables.
        details: print seeds, classes and confusions too.
        shared_classes: see `find_runs`.
        presentation: figures, domain distances and an HTML report to make.

    Raises:
        InputError: no finished run, labels that cannot be found, or nothing to fuse or compare.
    """
    if presentation:
        presentation.check()
    html = presentation.html if presentation else None
    outputs = {"--csv": csv_path, "--json": json_path, "--latex": latex_path, "--report": html}
    check_outputs(outputs)
    if latex_path and not table:
        raise InputError("--latex writes one of the paper's tables: give --table 1 to 5 too")
    if table and details:
        raise InputError("--table has no details: leave out --details")
    weights = FusionWeights.parse(fuse) if fuse else None
    runs, unfinished = find_runs(paths, shared_classes=shared_classes)
    trained = group_runs(runs, features)
    fused, remarks = fuse_groups(trained, weights) if weights else ([], [])
    groups = trained + fused
    labelled = [group for group in groups if group.scores]
    unlabelled = [group for group in groups if not group.scores]
    if not labelled and (table or json_path):
        option = "--table" if table else "--json"
        raise InputError(f"{option}: the target has no labels, so there is no accuracy")
    check_baseline(labelled or groups, baseline)
    wanted = json_path or html or not table
    results = results_of(labelled, baseline) if labelled and wanted else []
    shown = []
    if table:
        blocks = paper_blocks(table, labelled)
        shown.append(blocks_markdown(blocks))
    elif labelled:
        shown.append(markdown(results))
    if shared_classes:
        shown.append("Test videos are predicted among the classes that the target has labels for.")
    if labelled and details:
        shown.append(details_markdown(results))
    print(*shown, sep="\n\n", end="\n" if shown else "")
    if unlabelled:
        _print_unlabelled(unlabelled)
    print(*remarks, sep="\n", end="\n" if remarks else "")
    _say_unfinished(unfinished)
    if csv_path:
        if labelled and unlabelled:
            print(f"{csv_path} gets the labelled targets' rows; name the others alone for theirs.")
        if table:
            write_blocks_csv(blocks, csv_path)
        elif labelled:
            write_csv(results, csv_path)
        else:
            write_predictions(unlabelled, csv_path)
    if json_path:
        write_json(results, json_path)
    if latex_path:
        write_latex(blocks, latex_path)
    for path in filter(None, (csv_path, json_path, latex_path)):
        print(f"\nWrote {path}.")
    if presentation:
        tables = list(shown)
        if html and table:
            tables.append(markdown(results))
        if html and labelled and not details:
            tables.append(details_markdown(results))
        if unlabelled:
            tables.append(unlabelled_markdown(unlabelled))
        present(trained, presentation, tables, fused=fused)


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
    check_outputs({"--csv": csv_path})
    for name in validators:
        validator(name)
    runs, unfinished = find_runs(paths)
    groups = group_runs(runs, features)
    taught = {group.method for group in groups if group.reads_target_labels}
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


def _print_unlabelled(groups: Sequence[Group]) -> None:
    for group in groups:
        rows = predictions(group)
        config = group.first.config
        how = f"{group.transfer}, {config['modality']}, K = {config['segments']}"
        print(f"\nPredictions of {group.label} ({how}), mean over seeds:")
        for row in rows[:_SHOWN_PREDICTIONS]:
            print(f"  {row['video']}  {row['class']}  {row['probability']:.2f}")
        if len(rows) > _SHOWN_PREDICTIONS:
            print(f"  and {len(rows) - _SHOWN_PREDICTIONS} more (all of them with --csv FILE)")
    print(f"\n{unlabelled_markdown(groups)}")


def _say_unfinished(unfinished: Sequence[Path]) -> None:
    if unfinished:
        print(f"Left out {len(unfinished)} unfinished runs: repeat their tcon adapt command.")
