"""``tcon extract``."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ...cache.common.list_option import list_option
from ...cache.common.plugin_option import plugin_option
from ...cache.errors import InputError
from ..known import require_known
from ..machine.command_options import machine_options, windows_options

if TYPE_CHECKING:
    from ...cache.recipe import FlowRecipe


@click.command()
@click.argument("videos", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Feature file.  [default: cache/NAME.h5]",
)
@click.option(
    "--root", type=click.Path(path_type=Path), help="Folder that a list's paths start at."
)
@click.option(
    "--dataset",
    metavar="NAME",
    help="Take an official dataset below --root instead of VIDEOS: ucf101, ucf50, hmdb51, "
    "olympic, jester or kinetics.",
)
@click.option("--split", type=int, help="Official split of the --dataset.  [default: 1]")
@click.option(
    "--annotations",
    type=click.Path(path_type=Path),
    help="Folder of the --dataset's lists, if not below --root.",
)
@click.option("--strict", is_flag=True, help="Refuse a --dataset of which videos are missing.")
@click.option(
    "--list-form",
    metavar="NAME",
    help="Form of the list, as in docs/lists.md.  [default: recognised]",
)
@click.option(
    "--classes",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="File that names the list's class numbers, such as classInd.txt.",
)
@click.option(
    "--classes-from",
    type=click.IntRange(0, 1),
    help="Number of the first of --classes in the list, where that differs from the file's.",
)
@click.option(
    "--trust-pickle",
    is_flag=True,
    help="Read a list that is a pickle, as data: you know where it comes from.",
)
@list_option(
    "--modality",
    help="rgb, flow, rgb,flow, or none: a table of videos for adapt --end-to-end.  [default: rgb]",
)
@click.option("--backbone", help="[default: efficientnet_lite0]")
@click.option(
    "--weights",
    metavar="FILE|RUN|random",
    help="Checkpoint, or run trained end to end; the published one if not given.",
)
@click.option(
    "--flow-weights",
    metavar="FILE|random",
    help="Checkpoint of flow; that of RGB turned into flow's if not given.",
)
@click.option(
    "--flow-engine",
    default="auto",
    show_default=True,
    help="cpu, cuda, torch or opencv; auto suits the device.",
)
@list_option(
    "--flow-parameters",
    metavar="PRESET|KEY=VALUE,...",
    help="Parameters of TV-L1; docs/flow.md has the presets.  [default: opencv]",
)
@click.option(
    "--flow-bound",
    type=click.FloatRange(min=0, min_open=True),
    help="Motion of the largest of 256 levels, in pixels per frame.  [default: 20]",
)
@click.option("--flow-float", is_flag=True, help="Keep the fractions of the levels.")
@click.option(
    "--keep-flow",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="Keep all flow of every video in this folder; flow that it holds is not computed again.",
)
@click.option(
    "--keep-flow-gb",
    type=click.FloatRange(min=0, min_open=True),
    default=100,
    show_default=True,
    help="Keep no more flow beyond this size.",
)
@click.option(
    "--snippets", type=click.IntRange(min=1), help="Snippets of each video.  [default: 32]"
)
@click.option(
    "--stride", type=click.IntRange(min=1), help="One snippet every STRIDE frames instead."
)
@click.option(
    "--clip-rate",
    metavar="FPS|trained|consecutive",
    help="Frames per second of the clips that clip backbones take; trained is the backbone's own.  "
    "[default: trained]",
)
@windows_options
@click.option(
    "--views",
    help="Crops stored of every frame: centre, flip, tencrop or multiscale:N.  [default: centre]",
)
@click.option(
    "--prompts",
    metavar="TEMPLATE",
    multiple=True,
    help="Store the classes as texts, such as 'a photo of a person {label}', for models that share "
    "a space with texts (docs/backbones.md); may be repeated.",
)
@click.option("--unlabelled", is_flag=True, help="Sub-folders and list labels are not classes.")
@click.option("--precision", help="fp32, bf16 or fp16.  [default: auto]")
@machine_options
@click.option("--retry-failed", is_flag=True, help="Take only the videos that failed before.")
@click.option("--shard", metavar="I/N", help="Take the I-th of N shares of the list.")
@click.option(
    "--check",
    is_flag=True,
    help="Print what the backbone sees in the one video VIDEOS, and what a batch costs.",
)
@click.option(
    "--like",
    metavar="FILE.h5",
    type=click.Path(path_type=Path),
    help="Make the features as that file's were made, in place of the options for that.",
)
@plugin_option("Load backbones of your own from there (docs/add-a-backbone.md); may be repeated.")
def extract(output: Path | None, check: bool, retry_failed: bool, **given: Any) -> None:
    """Extract the features of VIDEOS, RGB, flow or both, into one feature file.

    VIDEOS is a csv list (path,label,split), a text list (path label) or another form of
    docs/lists.md, a folder class/video or split/class/video, a folder of unlabelled videos, a
    video, or several of these; a folder of frames counts as a video. With --check it is a single
    video, and with --dataset there is none. Run again to continue or extend.
    """
    require_known(given["backbone"], given["weights"], given["flow_weights"])

    # Videos that are not there are refused at once: what follows takes seconds to import.
    from ...cache.common.output.console import console, print_line
    from ..lists.selection import Selection

    selection = Selection(**_take(given, Selection))
    items = [selection.one_video()] if check else selection.read(on_note=print_line)

    from ...cache.reader import FeatureFile
    from ...cache.recipe import FlowRecipe
    from ..api import extract as extract_videos
    from ..features.items import failures_of
    from ..features.options import make_options
    from ..flow.cache import FlowCache
    from ..lists.videos import describe
    from ..machine.machine import Machine
    from ..machine.memory import keep_freed_memory
    from ..progress import (
        ExtractionDisplay,
        about_check,
        about_kept_flow,
        about_prompts,
        saying_that_flow_compiles,
    )

    machine = Machine(**_take(given, Machine))
    flow = _flow_recipe(
        given.pop("flow_parameters"), given.pop("flow_bound"), as_float=given.pop("flow_float")
    )
    if check:
        from ..features.check import check_video

        for option in ("like", "prompts"):
            if given.pop(option):
                raise InputError(f"--check looks at a backbone: leave out --{option}")
        options = make_options(flow=flow, **given)
        for line in about_check(check_video(items[0].path, options, machine)):
            print_line(line)
        return
    keep_freed_memory()
    console().print(f"{describe(items)}.")
    output = selection.output(output)
    display = ExtractionDisplay(output)
    like = given["like"]
    modalities = FeatureFile(like).modalities if like else given["modality"] or ""
    with display.showing(), saying_that_flow_compiles() if "flow" in modalities else nullcontext():
        file = extract_videos(
            items,
            output,
            machine=machine,
            retry_failed=retry_failed,
            flow=flow,
            unlabelled=selection.unlabelled,
            on_event=display,
            **given,
        )
    failures = failures_of(items, file.failures)
    display.print(display.summary(file, failures))
    if given["prompts"]:
        display.print(about_prompts(output))
    if machine.keep_flow:
        display.print(about_kept_flow(FlowCache(machine.keep_flow, FlowRecipe())))
    sys.exit(1 if failures else 0)


def _flow_recipe(
    parameters: str | None, bound: float | None, *, as_float: bool
) -> FlowRecipe | None:
    """How flow is computed; None where no option says anything of it."""
    from ...cache.recipe import FlowRecipe
    from ..flow import parse_parameters

    if parameters is None and bound is None and not as_float:
        return None
    default = FlowRecipe()
    return FlowRecipe(
        parameters=default.parameters if parameters is None else parse_parameters(parameters),
        bound=default.bound if bound is None else bound,
        quantised=not as_float,
    )


def _take(given: dict[str, Any], kind: type[Any]) -> dict[str, Any]:
    """Take the options out of ``given`` that are fields of a dataclass."""
    return {f.name: given.pop(f.name) for f in fields(kind) if f.name in given}
