"""``tcon eval``: runs to numbers."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ...cache.common.counts import counted
from ...cache.common.output.console import console, print_line
from ...cache.common.plugin_option import plugin_option
from ...cache.errors import InputError

if TYPE_CHECKING:
    from ..evaluation import Evaluation


@click.command("eval")
@click.argument("runs", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--csv", "csv_path", type=click.Path(path_type=Path), help="Write the rows there too."
)
@click.option(
    "--json", "json_path", type=click.Path(path_type=Path), help="Write everything to it."
)
@click.option(
    "--baseline",
    metavar="METHOD",
    default="source_only",
    show_default=True,
    help="Compare the others with it.",
)
@click.option(
    "--fuse",
    metavar="[RGB:FLOW]",
    is_flag=False,
    flag_value="1:1",
    help="Fuse RGB and flow runs, seed by seed; weights such as 1:1.5, else equal ones.",
)
@click.option(
    "--table", type=click.Choice("12345"), help="Print that table of the paper with ours beside."
)
@click.option(
    "--latex", "latex_path", type=click.Path(path_type=Path), help="Write the --table there too."
)
@click.option("--details", is_flag=True, help="Print each seed, each class and the confusions.")
@click.option(
    "--shared-classes",
    is_flag=True,
    help="Predict test videos among the classes that the target has labels for.",
)
@click.option("--features", type=click.Path(path_type=Path), help="Target file, if it has moved.")
@click.option(
    "--source-features", type=click.Path(path_type=Path), help="Source file, if it has moved."
)
@click.option(
    "--select",
    metavar="epoch|method|segments|KEY",
    help="Choose an epoch, a method, K or a setting such as tcon.tau without target labels.",
)
@click.option(
    "--validator",
    "validators",
    metavar="NAME",
    multiple=True,
    help="Choose by ensv, entropy, mutual_information, snd or source_accuracy.  [default: ensv]",
)
@click.option(
    "--labels",
    "hand_labels",
    type=click.Path(path_type=Path),
    help="Check the groups by the labels of some videos: a csv that --ask has written.",
)
@click.option(
    "--ask",
    type=click.IntRange(min=1),
    metavar="N",
    help="Write a page of the N videos whose labels by hand would tell most, and a csv for them.",
)
@click.option(
    "--sheet",
    type=click.Path(path_type=Path),
    help="That page; its csv lies beside it.  [default: ask.html]",
)
@click.option("--figures", type=click.Path(path_type=Path), help="Draw PNG and SVG to this folder.")
@click.option(
    "--report", "html", type=click.Path(path_type=Path), help="Write all into one HTML file."
)
@click.option("--distances", is_flag=True, help="Measure how far the domains are from each other.")
@click.option(
    "--pair",
    "pairs",
    nargs=2,
    metavar="SOURCE_ID TARGET_ID",
    multiple=True,
    help="Draw this pair's co-attention.  [default: the most confident pairs]",
)
@click.option(
    "--root",
    "roots",
    metavar="DIR|DOMAIN=DIR",
    multiple=True,
    help="Folder that the videos' paths start at; of one domain by source=DIR or target=DIR.",
)
@plugin_option(
    "Run this code of yours, which registers the run's method or backbone; may be repeated."
)
def evaluate(
    runs: tuple[Path, ...],
    csv_path: Path | None,
    json_path: Path | None,
    latex_path: Path | None,
    features: Path | None,
    baseline: str,
    fuse: str | None,
    table: str | None,
    details: bool,
    shared_classes: bool,
    select: str | None,
    validators: tuple[str, ...],
    source_features: Path | None,
    hand_labels: Path | None,
    ask: int | None,
    sheet: Path | None,
    figures: Path | None,
    html: Path | None,
    distances: bool,
    pairs: tuple[tuple[str, str], ...],
    roots: tuple[str, ...],
) -> None:
    """Score finished RUNS on the target's test videos.

    RUNS are run folders or folders of them. Where the target is unlabelled, prints which method to
    take, predictions and scores that need no labels. With --select, prints what label-free
    validators choose.
    """
    from ..evaluation import evaluate as compute
    from ..report.outputs import check_figures, check_outputs, check_sheet, write_outputs

    if fuse and Path(fuse).exists():  # the option took the first of the runs
        runs, fuse = (Path(fuse), *runs), "1:1"
    if not runs:
        raise InputError("no runs are named: tcon eval RUNS")
    _check_options(click.get_current_context().params)
    files = {"--csv": csv_path, "--json": json_path, "--latex": latex_path}
    if figures or html:
        check_figures(figures, html, roots)
    page = sheet or Path("ask.html")
    asked = {"--sheet": page, "the csv of --sheet": check_sheet(page)} if ask else {}
    check_outputs({**files, "--report": html, **asked})
    with console(stderr=True).status("evaluating"):
        result = compute(
            runs,
            baseline=baseline,
            fuse=fuse,
            shared_classes=shared_classes,
            table=table,
            select=select,
            validators=validators,
            hand_labels=hand_labels,
            distances=distances or html is not None,
            provenance=html is not None,
            features=features,
            source_features=source_features,
        )
    console().print(result.to_markdown(details=details, csv=csv_path))
    written = write_outputs(result, files)
    if csv_path and result.results and result.unlabelled:
        console().print(
            f"{csv_path} gets the rows of the labelled targets; name the others alone for theirs."
        )
    for path in written:
        console().print(f"\nWrote {path}.")
    if distances:
        console().print(f"\n{result.distances_markdown()}")
    if ask:
        questions = result.ask(ask, page, roots=roots)
        console().print(
            f"\nWrote {page} and {page.with_suffix('.csv')}, which ask for "
            f"{counted(len(questions), 'video')}: open the page, or fill in the csv, then give "
            "--labels FILE.csv."
        )
    if figures or html:
        _draw(result, figures, html, pairs=pairs, roots=roots)


def _draw(
    result: Evaluation,
    folder: Path | None,
    html: Path | None,
    *,
    pairs: tuple[tuple[str, str], ...],
    roots: tuple[str, ...],
) -> None:
    """Write the figures to a folder, the report, or both."""
    from rich.text import Text

    from ..figures.fonts import missing_font
    from ..figures.picture import CannotDraw, NotDrawn, Picture

    pictures: list[Picture | NotDrawn] = []
    missing: frozenset[str] = frozenset()
    count = 0
    with console(stderr=True).status("drawing") as status:
        for picture in result.draw(pairs=pairs, roots=roots):
            pictures.append(picture)
            if isinstance(picture, NotDrawn):
                print_line(str(picture))
                continue
            status.update(Text(f"drawn: {picture.title}"))
            missing |= picture.missing()
            if folder:
                try:
                    picture.write(folder)
                    count += 1
                except CannotDraw as error:
                    print_line(str(error))
    if missing:
        print_line(missing_font(missing))
    if folder:
        console().print(f"\nWrote {counted(count, 'figure')}, as PNG and SVG, to {folder}.")
    if html:
        words = shlex.join(["tcon", *sys.argv[1:]])
        result.to_html(html, pictures=pictures, roots=roots, command=words)
        size = html.stat().st_size / 1e6
        console().print(f"\nWrote {html} ({size:.1f} MB), which needs no other file.")


def _check_options(given: Mapping[str, Any]) -> None:
    """Refuse options of ``tcon eval`` that do not go together."""
    drawn = given["figures"] or given["html"]
    measured = drawn or given["distances"]
    select, of_tables = given["select"], ("table", "details", "shared_classes")
    wrong = {
        "--pair is for figures: give --figures DIR or --report FILE": given["pairs"] and not drawn,
        "--root is for pictures: give --figures DIR, --report FILE or --ask N": (
            given["roots"] and not (drawn or given["ask"])
        ),
        "--sheet is the page of --ask: give --ask 30": given["sheet"] and not given["ask"],
        "--select chooses without labels: leave out --labels and --ask": (
            select and (given["hand_labels"] or given["ask"])
        ),
        "--latex writes one of the paper's tables: give --table 1 to 5 too": (
            given["latex_path"] and not given["table"]
        ),
        "--table has no details: leave out --details": given["table"] and given["details"],
        "--validator chooses something: give --select epoch": given["validators"] and not select,
        "--source-features is for figures, distances and choices: give --select epoch, "
        "--report FILE, --figures DIR or --distances": (
            given["source_features"] and not select and not measured
        ),
        "--select draws nothing: leave out --figures, --report and --distances (--report goes with "
        "--select method)": (
            select
            and (given["figures"] or given["distances"] or (given["html"] and select != "method"))
        ),
        "--select prints choices alone: leave out the options of other tables": (
            select and (given["fuse"] or any(given[name] for name in of_tables))
        ),
    }
    for message, holds in wrong.items():
        if holds:
            raise InputError(message)
