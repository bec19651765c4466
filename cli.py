"""The ``tcon`` command: one function call per subcommand.

Heavy packages are imported inside the commands, so that ``tcon --help`` is quick.
"""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import Any

import click

from . import __version__
from .cache.errors import InputError


class _Group(click.Group):
    """Prints wrong input, or a disk that refuses, as one line and exits with code 2."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except BrokenPipeError:  # whoever read the output has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(0)
        except (InputError, OSError) as error:
            click.echo(f"Error: {error}", err=True)
            sys.exit(2)
        except KeyboardInterrupt as stop:
            click.echo(str(stop) or "stopped: the same command continues", err=True)
            sys.exit(130)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="tcon")
def main() -> None:
    """Adapt an action-recognition model from a labelled video domain to an unlabelled one.

    \b
    tcon demo                                   see it work on synthetic clips
    tcon extract VIDEOS -o FILE.h5              videos to features
    tcon import auto FEATURES -o FILE.h5        features that you already have
    tcon adapt --source S.h5 --target T.h5 -o RUNS
    tcon eval RUNS                              accuracies with intervals
    tcon predict RUN VIDEOS                     labels for new videos

    Exit code 0: all done; 1: done, but some videos or runs failed and are listed; 2: the input was
    wrong; 130: stopped by Ctrl-C.
    """
    # Beside a busy process, OpenMP threads that spin at barriers are far slower than sleeping ones.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")


@main.command()
@click.argument("videos", type=click.Path(path_type=Path), required=False)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Feature file; cache/NAME.h5."
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
    "--list-form", metavar="NAME", help="Form of the list, as in docs/lists.md; its shape tells."
)
@click.option(
    "--classes",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Names of the list's numbers, as classInd.txt.",
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
@click.option(
    "--modality",
    default="rgb",
    show_default=True,
    help="rgb, flow, rgb,flow, or none: a table of videos for adapt --end-to-end.",
)
@click.option("--backbone", default="efficientnet_lite0", show_default=True)
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
@click.option(
    "--flow-parameters",
    default="opencv",
    show_default=True,
    metavar="PRESET|KEY=VALUE,...",
    help="Of TV-L1; the presets are in docs/flow.md.",
)
@click.option(
    "--flow-bound",
    type=click.FloatRange(min=0, min_open=True),
    default=20,
    show_default=True,
    help="Motion of the largest of 256 levels, in pixels per frame.",
)
@click.option("--flow-float", is_flag=True, help="Keep the fractions of the levels.")
@click.option(
    "--keep-flow",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="Keep all flow of every video there; take from there what it holds.",
)
@click.option(
    "--keep-flow-gb",
    type=click.FloatRange(min=0, min_open=True),
    default=100,
    show_default=True,
    help="Size at which no more is kept.",
)
@click.option(
    "--snippets", type=click.IntRange(min=1), help="Snippets of each video.  [default: 32]"
)
@click.option(
    "--stride", type=click.IntRange(min=1), help="One snippet every STRIDE frames instead."
)
@click.option(
    "--views",
    default="centre",
    show_default=True,
    help="Crops stored of every frame: centre, flip, tencrop or multiscale:N.",
)
@click.option("--unlabelled", is_flag=True, help="Sub-folders and list labels are not classes.")
@click.option("--device", default="auto", show_default=True, help="cpu, cuda, cuda:0,cuda:1 ...")
@click.option("--precision", default="auto", show_default=True, help="fp32, bf16 or fp16.")
@click.option("--batch-size", type=click.IntRange(min=1), help="Snippets per forward pass.")
@click.option(
    "--workers",
    type=click.IntRange(min=0),
    help="Decoding processes; 0 decodes in this one.  [default: one per core]",
)
@click.option(
    "--decoder", default="auto", show_default=True, help="auto, pyav or decord; auto is pyav."
)
@click.option(
    "--time-limit",
    type=click.FloatRange(min=0, min_open=True),
    default=120,
    show_default=True,
    help="Seconds a video may go without a new frame before it is given up.",
)
@click.option(
    "--min-frames",
    type=click.IntRange(min=1),
    default=16,
    show_default=True,
    help="A video of which fewer frames decode has failed.",
)
@click.option("--retry-failed", is_flag=True, help="Take only the videos that failed before.")
@click.option("--shard", metavar="I/N", help="Take the I-th of N shares of the list.")
@click.option(
    "--check",
    is_flag=True,
    help="Print the top-5 classes that the backbone sees in the video VIDEOS; on the CPU.",
)
def extract(
    videos: Path | None,
    output: Path | None,
    root: Path | None,
    dataset: str | None,
    split: int | None,
    annotations: Path | None,
    strict: bool,
    list_form: str | None,
    classes: Path | None,
    classes_from: int | None,
    trust_pickle: bool,
    modality: str,
    flow_parameters: str,
    snippets: int | None,
    stride: int | None,
    views: str,
    unlabelled: bool,
    shard: str | None,
    check: bool,
    **options: Any,
) -> None:
    """Extract the features of VIDEOS, RGB, flow or both, into one feature file.

    VIDEOS is a csv list (path,label,split), a text list (path label) or another form of
    docs/lists.md, a folder class/video or split/class/video, or a folder of unlabelled videos; a
    folder of frames counts as a video. With --check it is a single video, and with --dataset there
    is none. Run again to continue or extend.
    """
    from .extract.flow import Parameters
    from .extract.lists.shards import Shard
    from .extract.lists.videos import read_videos
    from .extract.machine.memory import keep_freed_memory
    from .extract.options import ExtractConfig
    from .extract.progress import extract_with_progress
    from .extract.snippets.sampling import Sampling
    from .extract.snippets.views import Views

    if dataset and (videos or check or unlabelled or not root):
        raise InputError("--dataset needs --root DIR, and no VIDEOS, --check or --unlabelled")
    for_lists = list_form or classes or classes_from is not None or trust_pickle
    if (dataset or check) and for_lists:
        raise InputError(
            "--list-form, --classes, --classes-from and --trust-pickle are for lists: leave them "
            "out with --dataset and --check"
        )
    if not dataset and (split is not None or annotations or strict):
        raise InputError("--split, --annotations and --strict are for a --dataset: name one")
    if not dataset and not videos:
        raise InputError("name the VIDEOS to extract, or an official --dataset and its --root")
    if snippets and stride:
        raise InputError("give --snippets or --stride, not both")
    sampling = Sampling("stride", stride) if stride else Sampling("uniform", snippets or 32)
    names = [name.strip() for name in modality.split(",")]
    modalities = () if names == ["none"] else tuple(dict.fromkeys(names))
    config = ExtractConfig(
        modalities=modalities,
        sampling=sampling,
        views=Views.parse(views),
        flow=Parameters.parse(flow_parameters),
        **options,
    )
    if check:
        from .extract.check import check_video

        for name, probability in check_video(videos, config):
            click.echo(f"{probability:6.1%}  {name}")
        return
    if dataset:
        from .extract.lists.datasets import read_dataset

        split = 1 if split is None else split
        found = read_dataset(dataset, root, split=split, annotations=annotations, strict=strict)
        click.echo(f"{dataset}: {found}.")
        items, name = found.items, dataset + f"_split{split}" * (split > 1)
    else:
        items = read_videos(
            videos,
            root=root,
            unlabelled=unlabelled,
            form=list_form,
            classes=classes,
            classes_from=classes_from,
            trust_pickle=trust_pickle,
            on_note=click.echo,
        )
        name = videos.resolve().name if videos.is_dir() else videos.stem
    output = output or Path("cache") / f"{name}.h5"
    if shard is not None:
        part = Shard.parse(shard)
        items, output = part.choose(items), part.output(output)
    keep_freed_memory()
    failures = extract_with_progress(items, output, config)
    sys.exit(1 if failures else 0)


@main.command()
@click.option("--source", type=click.Path(path_type=Path), help="Labelled features.")
@click.option("--target", type=click.Path(path_type=Path), help="Unlabelled features.")
@click.option("--task", help="Class csv or a shipped task; the shared names if none.")
@click.option("--plan", metavar="FILE.toml|NAME", help="Grids of runs; table1 to table5 ship.")
@click.option("--method", "methods", help="One or more.  [default: source_only,tcon]")
@click.option("--modality", help="One or more, as rgb,flow.  [default: rgb]")
@click.option("--segments", help="As 4,6,8 or, source:target, as 6:4.  [default: 6]")
@click.option("--seeds", type=click.IntRange(min=1), help="How many.  [default: 1]")
@click.option(
    "--epochs",
    type=click.IntRange(min=1),
    help="Passes over the source, but at least train.min_steps=600 steps.  [default: 90]",
)
@click.option(
    "--normalise",
    type=click.Choice(["none", "source", "domain"]),
    help="Standardise features by nothing, the source's statistics or each domain's own.  "
    "[default: domain]",
)
@click.option(
    "--preset", help="Named settings of the methods: matched, official ...  [default: matched]"
)
@click.option(
    "--set", "settings", metavar="KEY=VALUE", multiple=True, help="Any option of docs/settings.md."
)
@click.option(
    "--oracle", is_flag=True, default=None, help="Permit target_only to read target labels."
)
@click.option("--end-to-end", is_flag=True, default=None, help="Train the backbone too, on clips.")
@click.option("--backbone", help="End to end: which.  [default: efficientnet_lite0]")
@click.option(
    "--weights", metavar="FILE|RUN|random", help="End to end: the published ones if not given."
)
@click.option(
    "--sync-bn", is_flag=True, default=None, help="End to end: GPUs share batch norm statistics."
)
@click.option(
    "--workers",
    type=click.IntRange(min=0),
    help="End to end: decoding processes.  [default: one per core]",
)
@click.option(
    "--source-flow",
    type=click.Path(path_type=Path),
    help="End to end: the source's flow, as kept by tcon extract --keep-flow.",
)
@click.option("--target-flow", type=click.Path(path_type=Path), help="The target's.")
@click.option(
    "--flow-engine",
    default="auto",
    show_default=True,
    help="End to end, for flow that is not kept: auto, cpu, cuda, torch or opencv.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="[default: runs]")
@click.option("--device", default="auto", show_default=True)
@click.option("--tensorboard", is_flag=True, help="Write the metrics for TensorBoard too.")
@click.option("--dry-run", is_flag=True, help="Print the runs and train none.")
def adapt(
    plan: str | None,
    device: str,
    tensorboard: bool,
    workers: int | None,
    source_flow: Path | None,
    target_flow: Path | None,
    flow_engine: str,
    dry_run: bool,
    **options: Any,
) -> None:
    """Adapt classifiers from SOURCE to TARGET: every method, modality, number of segments and seed.

    SOURCE and TARGET are feature files; with --end-to-end lists or folders of videos will do.
    Finished runs are skipped and interrupted ones continued. Several processes may share a grid.
    With --plan, options given here override the plan's. Target labels, where the file holds any,
    decide which videos belong to the task's classes; training never gets them.
    """
    from .adapt.config.plans import make_grid, read_plan
    from .adapt.dry_run import require_mode, show_runs
    from .adapt.end_to_end.decoding import Decoding
    from .adapt.progress import adapt_grids, adapt_plan

    given = {key: value for key, value in options.items() if value}
    decoding = Decoding(
        workers=workers,
        source_flow=source_flow,
        target_flow=target_flow,
        flow_engine=flow_engine,
    )
    how = {"device": device, "tensorboard": tensorboard, "decoding": decoding}
    planned = read_plan(plan, given) if plan else None
    grids = planned.grids if planned else [make_grid(given)]
    require_mode(grids, decoding)
    if planned:
        failures = adapt_plan(planned, dry_run=dry_run, **how)
    elif dry_run:
        failures = show_runs(grids, decoding=decoding)
    else:
        failures = adapt_grids(grids, **how)
    sys.exit(1 if failures else 0)


@main.command()
@click.argument("task", required=False)
@click.option(
    "--check",
    "files",
    nargs=2,
    type=click.Path(path_type=Path),
    metavar="SOURCE TARGET",
    help="Compare two feature files with the task; with the shared names if none.",
)
def tasks(task: str | None, files: tuple[Path, Path] | None) -> None:
    """List the tasks that ship, or show the classes of TASK, one of them or a csv.

    With --check, exit code 1 if videos are missing, moved or more than is known.
    """
    from .adapt.tasks.tables import check_files, list_tasks, show_task

    if files:
        sys.exit(1 if check_files(task, *files) else 0)
    if task:
        show_task(task)
    else:
        list_tasks()


@main.command("eval")
@click.argument("runs", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--csv", "csv_path", type=click.Path(path_type=Path), help="Write the rows there too."
)
@click.option(
    "--json", "json_path", type=click.Path(path_type=Path), help="Write everything there."
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
    metavar="epoch|segments|KEY",
    help="Choose an epoch, K or a setting such as tcon.tau without target labels.",
)
@click.option(
    "--validator",
    "validators",
    metavar="NAME",
    multiple=True,
    help="Choose by ensv, entropy, mutual_information, snd or source_accuracy.  [default: ensv]",
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
def evaluate(
    runs: tuple[Path, ...],
    csv_path: Path | None,
    features: Path | None,
    fuse: str | None,
    select: str | None,
    validators: tuple[str, ...],
    source_features: Path | None,
    figures: Path | None,
    html: Path | None,
    distances: bool,
    pairs: tuple[tuple[str, str], ...],
    roots: tuple[str, ...],
    **options: Any,
) -> None:
    """Score finished RUNS on the target's test videos.

    RUNS are run folders or folders of them. Where the target is unlabelled, prints predictions
    and scores that need no labels. With --select, prints what label-free validators choose.
    """
    from .evaluate.report.presentation import Presentation
    from .evaluate.report.report import report, report_selection
    from .evaluate.scores.validators import DEFAULT

    if fuse and Path(fuse).exists():  # the option took the first of the runs
        runs, fuse = (Path(fuse), *runs), "1:1"
    if not runs:
        raise InputError("no runs are named: tcon eval RUNS")
    presentation = Presentation(
        figures=figures,
        html=html,
        distances=distances,
        pairs=pairs,
        roots=roots,
        features=features,
        source_features=source_features,
        command=shlex.join(["tcon", *sys.argv[1:]]),
    )
    if (pairs or roots) and not (figures or html):
        raise InputError("--pair and --root are for figures: give --figures DIR or --report FILE")
    if validators and not select:
        raise InputError("--validator chooses something: give --select epoch")
    if source_features and not (select or presentation):
        raise InputError(
            "--source-features is for figures, distances and choices: give --select epoch, "
            "--report FILE, --figures DIR or --distances"
        )
    if not select:
        report(
            runs,
            csv_path=csv_path,
            features=features,
            fuse=fuse,
            presentation=presentation,
            **options,
        )
        return
    if presentation:
        raise InputError("--select draws nothing: leave out --figures, --report and --distances")
    of_tables = ("json_path", "table", "latex_path", "details", "shared_classes")
    if fuse or any(options[name] for name in of_tables):
        raise InputError("--select prints choices alone: leave out the options of other tables")
    report_selection(
        runs,
        select,
        validators=validators or (DEFAULT,),
        csv_path=csv_path,
        features=features,
        source_features=source_features,
    )


@main.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("videos", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--root", type=click.Path(path_type=Path), help="Folder that a list's paths start at."
)
@click.option(
    "--weights",
    type=click.Path(path_type=Path),
    help="The backbone's checkpoint, if not published.",
)
@click.option(
    "--features",
    type=click.Path(path_type=Path),
    help="Target file of an old run, if it has moved.",
)
@click.option("--csv", "csv_path", type=click.Path(path_type=Path), help="Write everything there.")
@click.option(
    "--json", "json_path", type=click.Path(path_type=Path), help="Write everything there."
)
@click.option(
    "--figures", type=click.Path(path_type=Path), help="Draw each video's attention to this folder."
)
@click.option(
    "--top", type=click.IntRange(min=1), default=2, show_default=True, help="Classes in a line."
)
@click.option("--device", default="auto", show_default=True, help="cpu, cuda, cuda:0,cuda:1 ...")
@click.option("--precision", default="auto", show_default=True, help="auto is the run's.")
@click.option("--batch-size", type=click.IntRange(min=1), help="Snippets per forward pass.")
@click.option(
    "--workers",
    type=click.IntRange(min=0),
    help="Decoding processes; 0 decodes in this one.  [default: one per core]",
)
@click.option("--decoder", default="auto", show_default=True, help="auto, pyav or decord.")
@click.option(
    "--time-limit",
    type=click.FloatRange(min=0, min_open=True),
    default=120,
    show_default=True,
    help="Seconds a video may go without a new frame before it is given up.",
)
@click.option(
    "--min-frames",
    type=click.IntRange(min=1),
    default=16,
    show_default=True,
    help="A video of which fewer frames decode has failed.",
)
def predict(
    run: Path,
    videos: tuple[Path, ...],
    root: Path | None,
    weights: Path | None,
    features: Path | None,
    csv_path: Path | None,
    json_path: Path | None,
    figures: Path | None,
    top: int,
    **machine: Any,
) -> None:
    """Predict new VIDEOS with a finished RUN: labels, scores, attention over time.

    VIDEOS are files, folders of videos and lists.
    """
    from .evaluate.predict.report import predict_and_report
    from .extract.machine.memory import keep_freed_memory
    from .extract.options import ExtractConfig

    keep_freed_memory()
    failures = predict_and_report(
        run,
        videos,
        ExtractConfig(**machine),
        weights=weights,
        features=features,
        root=root,
        csv_path=csv_path,
        json_path=json_path,
        figures=figures,
        top=top,
    )
    sys.exit(1 if failures else 0)


@main.command()
@click.argument("file", type=click.Path(path_type=Path))
def inspect(file: Path) -> None:
    """Show what a feature FILE holds: videos, modalities, provenance, failures."""
    from rich.console import Console

    from .cache.inspect import describe
    from .cache.reader import FeatureFile

    Console().print(*describe(FeatureFile(file)), sep="\n")


@main.command("import")
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
    "--backbone", default="imported", show_default=True, help="That made them, for the record."
)
@click.option("--weights", default="", metavar="NAME", help="Its weights, for the record.")
def import_(kind: str, features: Path, output: Path, **options: Any) -> None:
    """Import FEATURES that you already have into a feature file.

    FEATURES is the root of them all, a folder or one file: the paths in a --list, of whatever
    machine, are matched with those below it.

    KIND is t7 (TA3N, TranSVAE), npy (video_features and others), npz, hdf5, mat, a pickled kind
    (epic100, mmsada, mmaction2), or auto. Run again to continue. docs/import.md shows each.
    """
    from .extract.importers.progress import import_with_progress

    complete = import_with_progress(kind, features, output, **options)
    sys.exit(0 if complete else 1)


@main.command()
@click.argument("source", metavar="FILE|RUN", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="FILE.npz; of a run FILE.pt2 or FILE.onnx.",
)
@click.option("--modality", default="rgb", show_default=True, help="Of a feature file.")
@click.option(
    "--segments",
    type=click.IntRange(min=1),
    metavar="K",
    help="Of a feature file the central snippet of each of K segments, [N, K, D], instead of all.",
)
@click.option(
    "--weights",
    type=click.Path(path_type=Path),
    help="Of a run the backbone's checkpoint, if not published.",
)
@click.option(
    "--features",
    type=click.Path(path_type=Path),
    help="Of an old run its target file, if it has moved.",
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
    backbone and all.
    """
    if source.is_dir():
        from .evaluate.export.model import export_model

        if output is None:
            raise InputError("name the model's file: -o FILE.pt2 or -o FILE.onnx")
        click.echo(export_model(source, output, weights=weights, features=features))
        return
    from .cache.sources import sources_of

    if not any(file.exists() for file in sources_of(source)):
        raise InputError(f"there is no such run or feature file: {source}")
    if weights or features:
        raise InputError(f"--weights and --features are for a run, and {source} is a file")
    from .evaluate.export.features import export_npz

    output = output or source.with_suffix(".npz")
    click.echo(export_npz(source, output, modality=modality, segments=segments))


@main.command()
@click.argument("video", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Path without suffix; VIDEO's name.flow.",
)
@click.option(
    "--engine", default="auto", show_default=True, help="auto, cpu, cuda, torch or opencv."
)
@click.option(
    "--pairs", type=click.IntRange(min=1), default=300, show_default=True, help="At most so many."
)
@click.option(
    "--parameters",
    default="opencv",
    show_default=True,
    metavar="PRESET|KEY=VALUE,...",
    help="Of TV-L1; the presets are in docs/flow.md.",
)
def flow(video: Path, output: Path | None, engine: str, pairs: int, parameters: str) -> None:
    """Write the TV-L1 flow of a VIDEO as a colour video (mp4) and as numbers (npz)."""
    from .extract.flow import Parameters
    from .extract.flow.video import write_flow

    write_flow(
        video,
        output or Path(f"{video.stem}.flow"),
        engine=engine,
        parameters=Parameters.parse(parameters),
        pairs=pairs,
    )


@main.command()
@click.option("-o", "--output", type=click.Path(path_type=Path), default="demo", show_default=True)
@click.option("--clips", type=click.IntRange(min=1), default=224, show_default=True)
@click.option("--seeds", type=click.IntRange(min=1), default=3, show_default=True)
@click.option("--device", default="auto", show_default=True)
def demo(output: Path, clips: int, seeds: int, device: str) -> None:
    """Make synthetic clips of two domains, extract, adapt and evaluate: the whole pipeline."""
    from .evaluate.demo.demo import run_demo

    run_demo(output, clips=clips, seeds=seeds, device=device)
