"""``tcon export``: features and models for other tools."""

from __future__ import annotations

from pathlib import Path

import click

from ...cache.common.counts import counted
from ...cache.common.output.console import print_line
from ...cache.common.plugin_option import plugin_option
from ...cache.errors import InputError
from ...extract.known import require_known
from ..export.outputs import require_model_output, require_npz_output


@click.command()
@click.argument("source", metavar="FILE|RUN", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="FILE.npz; for a run FILE.pt2 or FILE.onnx.",
)
@click.option(
    "--modality", default="rgb", show_default=True, help="For a feature file: whose features."
)
@click.option(
    "--segments",
    type=click.IntRange(min=1),
    metavar="K",
    help="For a feature file: the central snippet of each of K segments, [N, K, D], not all.",
)
@click.option(
    "--weights",
    type=click.Path(path_type=Path),
    help="For a run: the backbone's checkpoint, unless its weights were the published ones.",
)
@click.option(
    "--features",
    type=click.Path(path_type=Path),
    help="For an old run: the target's feature file, if it has moved.",
)
@plugin_option(
    "Run this code of yours, which registers the run's method or backbone; may be repeated."
)
def export(
    source: Path,
    output: Path | None,
    modality: str,
    segments: int | None,
    weights: Path | None,
    features: Path | None,
) -> None:
    """Write a feature FILE as a plain npz, or a finished RUN as a model.

    tcon import reads the npz back. The model is a torch.export program (.pt2) or ONNX, with the
    backbone and all; FILE.onnx.tcon.json beside it says how to feed it.
    """
    if source.is_dir():
        if output is None:
            raise InputError("name the model's file: -o FILE.pt2 or -o FILE.onnx")
        require_model_output(output)
        require_known(None, weights)

        from ..export.model import export_model

        exported = export_model(source, output, weights=weights, features=features)
        print_line(f"Wrote {exported}.")
        print_line(f"{exported.described} says how to feed it.")
        return
    from ...cache.sources import sources_of

    if not any(file.exists() for file in sources_of(source)):
        raise InputError(f"there is no such run or feature file: {source}")
    if weights or features:
        raise InputError(f"--weights and --features are for a run, and {source} is a file")
    output = output or source.with_suffix(".npz")
    require_npz_output(output)

    from ..export.features import export_npz

    videos = export_npz(source, output, modality=modality, segments=segments)
    whose = "its" if videos == 1 else "their"
    print_line(f"Wrote {output}: {counted(videos, 'video')}, {whose} {modality} features.")
