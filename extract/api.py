"""`extract`: videos to a feature file; what ``tcon extract`` calls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from ..cache.common.plugins import load_plugin
from ..cache.errors import InputError
from ..cache.prompts import write_prototypes
from ..cache.reader import FeatureFile
from ..cache.recipe import FlowRecipe
from .decoding.server import decoding_soon
from .features.items import extract_items
from .features.like import options_like, require_same
from .features.options import ExtractOptions, make_options
from .features.plan import Plan
from .features.prompts import require_templates, text_prototypes
from .features.sink import Progress
from .lists.selection import Videos, select_videos
from .lists.videos import VideoItem
from .machine.machine import Machine
from .snippets.reading import Reading


def extract(
    videos: Videos,
    output: str | Path,
    *,
    like: FeatureFile | str | Path | None = None,
    modality: str | None = None,
    backbone: str | None = None,
    weights: str | Path | None = None,
    flow_weights: str | Path | None = None,
    snippets: int | None = None,
    stride: int | None = None,
    clip_rate: str | float | None = None,
    window: str | int | None = None,
    hop: str | int | None = None,
    within_shots: bool | None = None,
    views: str | None = None,
    precision: str | None = None,
    flow: FlowRecipe | None = None,
    prompts: Sequence[str] = (),
    root: str | Path | None = None,
    unlabelled: bool = False,
    plugins: Sequence[str | Path] = (),
    retry_failed: bool | None = False,
    machine: Machine | None = None,
    on_event: Callable[[Progress], None] = lambda progress: None,
) -> FeatureFile:
    """Extract the features of videos into a feature file, or extend it.

    Videos that the file holds already are not read again, and take over labels and splits that the
    file does not know. A video that cannot be read is recorded in
    ``failures``, and the others go on. Nothing is printed.

    >>> from tcon.extract import Machine, extract
    >>> cpu = Machine(device="cpu", workers=0)
    >>> source = extract("clips.csv", "clips.h5", snippets=4, machine=cpu)
    >>> source
    FeatureFile('clips.h5': 3 videos, 2 classes, rgb 4x1280)
    >>> target = extract("cameras", "cameras.h5", like=source, machine=cpu)
    >>> target
    FeatureFile('cameras.h5': 2 videos, rgb 4x1280, 1 failure)
    >>> target.failures[0].video
    'broken.mp4'

    Args:
        videos: a list file, a folder ``class/video`` or of unlabelled videos, a video, or several
            of these.
        output: the feature file.
        like: make the features as this file's were made, in all its modalities.
        modality: "rgb", "flow", "rgb,flow", or "none" for a table of videos without features;
            "rgb" if None.
        backbone: its name; "efficientnet_lite0" if None.
        weights: a checkpoint file, the folder of an end-to-end run, or "random"; the published
            ones if None.
        flow_weights: the same for flow; None for ``weights``, turned into flow's where they are of
            RGB.
        snippets: how many of each video, 32 if neither this nor ``stride`` is given.
        stride: one snippet every so many frames instead.
        clip_rate: frames per second of the clips that clip backbones take, "trained", as the
            backbone was trained, or "consecutive"; "trained" if None.
        window: cut recordings into windows of so many seconds ("4s") or frames (100), each a video
            of its own; a video that gives a single one is left whole.
        hop: from the start of a window to that of the next; ``window`` if None.
        within_shots: no window crosses a hard cut; recordings are decoded twice.
        views: crops stored of every frame: "centre", "flip", "tencrop" or "multiscale:N";
            "centre" if None.
        precision: "auto", "fp32", "bf16" or "fp16"; "auto", which suits the device, if None.
        flow: how flow is computed; as OpenCV does if None.
        prompts: sentences such as "a photo of a person {label}", by which the classes are embedded
            and stored beside the file, for backbones that share a space with texts.
        root: folder that the paths of a list start at.
        unlabelled: drop labels, also those that the output holds already.
        plugins: files or modules that register backbones.
        retry_failed: take only the videos that failed before (True), only the others (False), or
            all of them (None).
        machine: devices, decoding processes and limits.
        on_event: called before the first video and after each.

    Returns:
        the file, also with what it held before.

    Raises:
        InputError: wrong options, videos or weights that are unavailable, a file that was made
            differently, or a full disk.
    """
    for plugin in plugins:
        load_plugin(plugin)
    require_templates(prompts)
    options = make_options(
        modality=modality,
        backbone=backbone,
        weights=weights,
        flow_weights=flow_weights,
        snippets=snippets,
        stride=stride,
        clip_rate=clip_rate,
        window=window,
        hop=hop,
        within_shots=within_shots,
        views=views,
        precision=precision,
        flow=flow,
    )
    machine = machine or Machine()
    with decoding_soon(
        Reading, workers=machine.workers
    ):  # its process starts while the backbone is loaded
        if like is None:
            plan = Plan.make(options, machine)
        else:
            of_the_file = {
                "modality": modality,
                "backbone": backbone,
                "snippets": snippets,
                "stride": stride,
                "clip_rate": clip_rate,
                "views": views,
                "precision": precision,
                "flow": flow,
            }
            given = [name for name, value in of_the_file.items() if value is not None]
            plan = _plan_like(like, options, machine, given)
        items = select_videos(videos, root=root, unlabelled=unlabelled)
        prototypes = text_prototypes(plan, _labels(items, output), prompts) if prompts else None
        extract_items(
            items,
            output,
            plan,
            retry_failed=retry_failed,
            unlabelled=unlabelled,
            on_progress=on_event,
        )
        if prototypes:
            write_prototypes(Path(output), prototypes)
    return FeatureFile(output)


def _labels(items: Sequence[VideoItem], output: str | Path) -> set[str]:
    """Of these videos and of those that the output holds already."""
    held = FeatureFile(output).videos if Path(output).exists() else []
    return {video.label for video in (*items, *held)}


def _plan_like(
    like: FeatureFile | str | Path,
    options: ExtractOptions,
    machine: Machine,
    given: Sequence[str],
) -> Plan:
    """The plan that makes features as a file's.

    Args:
        like: the file.
        options: whose weights count.
        machine: what computes the features.
        given: names of other options that were given and must not be.
    """
    file = like if isinstance(like, FeatureFile) else FeatureFile(like)
    if given:
        raise InputError(
            f"the features are to be made like those of {file.path}: leave out {', '.join(given)}"
        )
    like_file = options_like(
        file,
        weights=options.weights,
        flow_weights=options.flow_weights,
        windows=options.windows,
    )
    plan = Plan.make(like_file, machine)
    require_same(plan, file.recipes, f"those of {file.path}")
    return plan
