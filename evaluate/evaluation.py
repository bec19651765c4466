"""From run folders to an `Evaluation`: everything is computed here, and nothing is printed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..adapt.run.finished import FinishedRun
from ..cache import InputError
from ..cache.common.plugins import load_plugin
from .hand_labels.checked import check_groups, taken_groups
from .hand_labels.questions import Question
from .report.content import Content, RunDistances
from .report.page import accuracies, printed
from .report.page import distances as distance_blocks
from .runs.embeddings import Loader
from .runs.files import RunFiles
from .runs.groups import FusionWeights, Group, group_runs
from .runs.logs import health_of
from .runs.names import folder_names
from .runs.notes import notes_of
from .runs.provenance import provenance_of
from .runs.read import find_runs
from .runs.settings import compare_settings
from .runs.truth import TrueClasses
from .scores.choices.choose import choose, default_validator, recommend_unasked
from .scores.choices.validators import validator
from .scores.fusion import fuse_groups
from .scores.results import check_baseline, result_notes, results_of
from .scores.unlabelled import unlabelled_results
from .scores.zero_shot import zero_shot_of
from .tables.layout import mean_std
from .tables.paper import PAPER_TABLES, paper_tables

if TYPE_CHECKING:
    from .figures.picture import NotDrawn, Picture  # these need matplotlib
    from .report.label_cards import LabelCards

RunOrPath = str | Path | FinishedRun


class Evaluation(Content):
    """All that is computed of runs, and the ways to show it.

    Its repr is one line; a notebook shows a small table. The renderers compute nothing: what an
    output needs is asked of `evaluate`.
    """

    def __repr__(self) -> str:
        shown = [
            f"{result.name} {result.group.modality} {mean_std(result.scores.accuracy)}"
            for result in self.results[:6]
        ]
        if len(self.results) > len(shown):
            shown.append(f"and {len(self.results) - len(shown)} more")
        if self.unlabelled:
            shown.append(f"{len(self.unlabelled)} with an unlabelled target")
        shown += [f"take {one.taken.value}" for one in self.recommendations]
        groups = len(self.groups) + len(self.fused)
        return f"<Evaluation of {groups} group{'' if groups == 1 else 's'}: {', '.join(shown)}>"

    def _repr_markdown_(self) -> str:
        from .report.markdown import blocks_markdown

        return blocks_markdown(accuracies(self) or printed(self))

    def _repr_html_(self) -> str:
        from .report.html_file import blocks_html

        return blocks_html(accuracies(self) or printed(self))

    def to_markdown(self, *, details: bool = False, csv: Path | None = None) -> str:
        """What ``tcon eval`` prints.

        Args:
            details: each seed, each class and the confusions too.
            csv: the file that gets all predictions, where one does.
        """
        from .report.markdown import to_markdown

        return to_markdown(self, details=details, csv=csv)

    def distances_markdown(self) -> str:
        """The domain distances that `evaluate` was asked for, and why some are unknown."""
        from .report.markdown import blocks_markdown

        return blocks_markdown(distance_blocks(self))

    def to_csv(self, path: str | Path) -> None:
        """Write a row per run and per group; of a paper's table per cell, of choices per candidate,
        of unlabelled targets per video.

        Raises:
            InputError: it cannot be written.
        """
        from .report.csv_file import write_csv

        write_csv(self, path)

    def to_json(self, path: str | Path) -> None:
        """Write everything, in shares, not percent.

        Raises:
            InputError: it cannot be written.
        """
        from .report.json_file import write_json

        write_json(self, path)

    def to_latex(self, path: str | Path) -> None:
        """Write the paper's table, which `evaluate` was asked for.

        Raises:
            InputError: it cannot be written, or there is none.
        """
        from .report.latex_file import write_latex

        write_latex(self, path)

    def to_html(
        self,
        path: str | Path,
        *,
        pictures: Iterable[Picture | NotDrawn] | None = None,
        roots: Sequence[str] = (),
        command: str = "",
    ) -> None:
        """Write one self-contained file that says everything.

        Args:
            path: of the file.
            pictures: to show, or why there are none; None for all that `draw` gives.
            roots: as in `draw`; also of the videos whose labels are shown.
            command: that makes the file, for its reader; empty where it was none.

        Raises:
            InputError: it cannot be written, or a package for figures is missing.
        """
        from .report.html_file import write_html

        if pictures is None:
            pictures = self.draw(roots=roots)
        cards: Iterable[LabelCards] = ()
        if self.labelling:
            from .report.label_cards import label_cards

            cards = label_cards(self, roots=roots)
        write_html(self, path, pictures=pictures, cards=cards, command=command)

    def draw(
        self,
        *,
        pairs: Sequence[tuple[str, str]] = (),
        roots: Sequence[str] = (),
    ) -> Iterator[Picture | NotDrawn]:
        """Every figure that the runs give, one after the other.

        Args:
            pairs: source and target ids whose co-attention is shown; if empty, the most confident
                pairs.
            roots: folders that the videos' paths start at, if they have moved: ``DIR``, or
                ``source=DIR`` and ``target=DIR``.

        Yields:
            each figure, or why it cannot be drawn.

        Raises:
            InputError: a package for figures is missing, or a pair cannot be shown.
        """
        try:
            from .figures.all_figures import draw_all
            from .figures.data.pairs import PairChoice
            from .figures.data.roots import parse_roots
        except ImportError as error:
            package = (error.name or "").partition(".")[0]
            raise InputError(
                f"figures need the package {package}: pip install 'tcon[demo]'"
            ) from None
        choice = PairChoice(ids=tuple(pairs), roots=parse_roots(roots))
        loader = Loader(self.files)
        return draw_all(self.groups, loader, choice, fused=self.fused, labelling=self.labelling)

    def ask(
        self, count: int, path: str | Path, *, roots: Sequence[str] = ()
    ) -> tuple[Question, ...]:
        """Write a page of the videos whose labels by hand would tell most, and a csv for these.

        They are chosen by the method to take, or by the only group.

        Args:
            count: how many videos.
            path: ``FILE.html``; the csv lies beside it.
            roots: as in `draw`.

        Returns:
            the videos.

        Raises:
            InputError: the target is labelled, it is not clear which group should ask, or a file
                is there already or cannot be written.
        """
        from .report.sheet import write_sheet

        return write_sheet(self, count, Path(path), roots=roots)


def evaluate(
    runs: RunOrPath | Iterable[RunOrPath],
    *,
    baseline: str = "source_only",
    fuse: bool | str | None = None,
    shared_classes: bool = False,
    table: int | str | None = None,
    select: str | None = None,
    validators: str | Sequence[str] | None = None,
    hand_labels: str | Path | None = None,
    distances: bool = False,
    provenance: bool = True,
    features: str | Path | None = None,
    source_features: str | Path | None = None,
    plugins: Iterable[str | Path] = (),
) -> Evaluation:
    """Score finished runs on the target's test videos, at the last epoch.

    >>> result = evaluate("runs")
    >>> result
    <Evaluation of 1 group: source_only rgb 60.0>
    >>> result.results[0].scores.accuracy
    array([0.6])
    >>> result.to_csv("accuracy.csv")

    Args:
        runs: run folders, folders of them or what `tcon.adapt.adapt` returned: one or several.
        baseline: the method that others are compared with.
        fuse: weights by which RGB and flow runs are fused, seed by seed, such as "1:1.5"; True for
            equal ones.
        shared_classes: predict test videos among the classes that the target has labels for.
        table: 1 to 5: one of the paper's tables with these runs beside the published numbers.
        select: choose an evaluation ("epoch"), a method ("method"), K ("segments") or a setting
            such as "tcon.tau" without target labels.
        validators: by which it is chosen; the first of them recommends a method. "ensv" if none.
        hand_labels: a csv with the labels of some videos of an unlabelled target, as
            `Evaluation.ask` writes it.
        distances: measure how far the domains are apart, which takes seconds per group.
        provenance: read how the features were made, which opens and checks the feature files.
        features, source_features: the feature files, if they have moved.
        plugins: files or modules that register the runs' methods. Without them such runs are scored
            too, under the names in their records.

    Returns:
        everything that is computed of the runs.

    Raises:
        InputError: no finished run, labels that cannot be found, no such table, or nothing to fuse,
            to compare or to choose from.
    """
    weights = FusionWeights.parse("1:1" if fuse is True else str(fuse)) if fuse else None
    validators = validators or default_validator(select)
    validators = [validators] if isinstance(validators, str) else validators
    for name in validators:
        validator(name)
    table = None if table is None else str(table)
    if table is not None and table not in PAPER_TABLES:
        raise InputError(f"there is no table {table} of the paper: give {', '.join(PAPER_TABLES)}")
    for plugin in plugins:
        load_plugin(plugin)
    found, unfinished = find_runs(_paths(runs), shared_classes=shared_classes)
    if not found:
        raise InputError("there are no finished runs to evaluate: name folders of tcon adapt")
    files = RunFiles(features, source_features)
    groups = group_runs(found, files)
    fused, remarks = fuse_groups(groups, weights) if weights else ([], [])
    everything = [*groups, *fused]
    labelled = [group for group in everything if group.scores]
    unlabelled = [group for group in everything if not group.scores]
    if table and not labelled:
        raise InputError(
            "the target has no labels, so there is no accuracy for a paper's table: leave it out "
            "(table=, --table)"
        )
    check_baseline(labelled or everything, baseline)
    results = results_of(labelled, baseline)
    zero_shot, zero_shot_notes = zero_shot_of(labelled, files)
    loader, source = Loader(files), TrueClasses("source", files)
    if select:
        choices = choose(groups, select, validators, source)
    else:
        choices = recommend_unasked([g for g in groups if not g.scores], source)
    results_without = unlabelled_results(unlabelled, source, loader)
    checked = check_groups(results_without, Path(hand_labels)) if hand_labels else []
    chosen_among = [g for s in choices.selections if s.accuracy is not None for g in s.groups]
    return Evaluation(
        groups=tuple(groups),
        fused=tuple(fused),
        results=tuple(results),
        notes=(*notes_of(labelled), *result_notes(results), *zero_shot_notes),
        zero_shot=tuple(zero_shot),
        unlabelled=tuple(results_without),
        checked=tuple(checked),
        unlabelled_notes=tuple(
            notes_of(unlabelled, taken_groups(checked, choices.recommendations))
        ),
        remarks=tuple(remarks),
        shared_classes=shared_classes,
        unfinished=tuple(unfinished),
        paper=tuple(paper_tables(table, labelled)) if table else (),
        selections=choices.selections,
        outcomes=choices.outcomes,
        recommendations=choices.recommendations,
        selection_notes=tuple(notes_of(chosen_among)),
        left_out=choices.left_out,
        distances=tuple(_distances(groups, loader)) if distances else (),
        health=health_of(groups),
        settings=compare_settings(groups),
        provenance=provenance_of(groups, loader.file) if provenance else None,
        files=files,
    )


def _paths(runs: RunOrPath | Iterable[RunOrPath]) -> list[Path]:
    """Of folders, or of runs that know theirs."""
    several = [runs] if isinstance(runs, str | Path | FinishedRun) else runs
    return [run.path if isinstance(run, FinishedRun) else Path(run) for run in several]


def _distances(groups: Sequence[Group], loader: Loader) -> Iterator[RunDistances]:
    """Of each group's first seed."""
    from .scores.distances import domain_distances  # scikit-learn takes a second to import

    for group, folder in zip(groups, folder_names(groups), strict=True):
        name = f"{folder}_seed{group.first.seed}"
        try:
            measured = tuple(domain_distances(loader.load(group.first)))
        except InputError as error:
            yield RunDistances(group.transfer, name, (), str(error))
        else:
            yield RunDistances(group.transfer, name, measured)
