"""``tcon import``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click


@click.command("import")
@click.argument("kind")
@click.argument("features", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
@click.option(
    "--list",
    "lists",
    metavar="[SPLIT=]FILE",
    multiple=True,
    help="Labels of the videos to take, such as train=FILE; may be repeated.",
)
@click.option("--list-form", metavar="NAME", help="Form of the lists.  [default: recognised]")
@click.option(
    "--classes", type=click.Path(path_type=Path), help="Class names of the lists' numbers."
)
@click.option(
    "--classes-from",
    type=click.IntRange(0, 1),
    help="Number of the first of --classes in the lists, where that differs from the file's.",
)
@click.option("--unlabelled", is_flag=True, help="Drop all labels.")
@click.option("--modality", help="What the features are of, or which to take.  [default: rgb]")
@click.option(
    "--select", metavar="FEATURE", help="Of several per video by video_features, such as clip."
)
@click.option(
    "--trust-pickle", is_flag=True, help="Read pickles, as data: you know where they come from."
)
@click.option(
    "--dtype",
    type=click.Choice(["float16", "float32"]),
    default="float16",
    show_default=True,
    help="Of the features in the file; float32 holds larger and smaller numbers.",
)
@click.option(
    "--backbone", default="imported", show_default=True, help="What made them, for the record."
)
@click.option("--weights", default="", metavar="NAME", help="Its weights, for the record.")
def import_(kind: str, features: Path, output: Path, **options: Any) -> None:
    """Import FEATURES that you already have into a feature file.

    FEATURES is the root of them all, a folder or one file: the paths in a --list, of whatever
    machine, are matched with those below it.

    KIND is t7 (TA3N, TranSVAE), npy (video_features and others), npz, hdf5, mat, a pickled kind
    (epic100, mmsada, mmaction2), or auto. Run again to continue. docs/import.md shows each.
    """
    from ..importers.api import import_features
    from ..importers.progress import ImportDisplay

    display = ImportDisplay(output)
    with display.showing():
        file = import_features(features, output, kind=kind, on_event=display, **options)
    display.print(display.summary(file))
    sys.exit(0 if display.complete(file) else 1)
