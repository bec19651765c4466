"""What end-to-end training gives: ``python tests/benchmarks/end_to_end_accuracy.py -o FOLDER``.

On synthetic clips of two domains: methods trained end to end against the same methods on cached
features of the weights as they were before, with and without standardisation. Prints the tables of
`tcon eval`. The backbone ``small`` is one for CPUs with random weights alone (four convolutions,
64 x 64 pixels, 256 features). What is in FOLDER already is kept, so a longer list of methods or
seeds goes on from there.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from torch import nn

from tcon.adapt.config import make_runs
from tcon.adapt.progress import adapt_with_progress
from tcon.evaluate.report import report
from tcon.extract.backbones import BackboneSpec, Preprocessing, Weights, registry
from tcon.extract.config import ExtractConfig
from tcon.extract.lists import read_videos
from tcon.extract.progress import extract_with_progress
from tcon.extract.sampling import Sampling
from tcon.extract.synthetic import write_pair

SMALL, WIDTHS = "small", (32, 64, 128, 256)
TRAIN = ("train.epochs=1", "train.batch_size=8", "train.evaluations=1")
TCON = ("tcon.pair.max_pairs=256", "tcon.disc.max_segments=256", "tcon.disc.hidden=256")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--backbone", default="efficientnet_lite0")
    parser.add_argument("--weights", help="file or random; the published ones if not given")
    parser.add_argument("--methods", default="source_only,tcon")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--segments", type=int, default=4)
    parser.add_argument("--set", action="append", default=[], help="for end-to-end runs")
    options = parser.parse_args()
    _register()
    pair = write_pair(options.output / "clips")
    lists = {"source": pair.source_list, "target": pair.target_list}
    files = tuple(options.output / f"{name}.h5" for name in lists)
    backbone, weights = options.backbone, options.weights
    weights = "random" if backbone == SMALL else weights
    config = ExtractConfig(backbone=backbone, weights=weights, sampling=Sampling("uniform", 16))
    for name, file in zip(lists, files, strict=True):
        extract_with_progress(read_videos(lists[name]), file, config)

    methods = options.methods.split(",")
    common = [*TRAIN, f"train.min_steps={options.steps}", *(TCON if "tcon" in methods else ())]
    end_to_end = [f"e2e.backbone={backbone}", *options.set]
    end_to_end += [f"e2e.weights={weights}"] if weights else []
    folders = []
    for mode, settings in (
        ("cached", ["train.normalise=none"]),
        ("cached_standardised", []),
        ("end_to_end", end_to_end),
    ):
        runs = make_runs(
            methods,
            [*common, *settings],
            segments=options.segments,
            seeds=options.seeds,
            end_to_end=mode == "end_to_end",
        )
        folders.append(options.output / "runs" / mode)
        adapt_with_progress(*files, runs, output=folders[-1], task=pair.task)
    report(folders)


def _register() -> None:
    """Make the small backbone known."""
    registry._REGISTRY[SMALL] = BackboneSpec(
        name=SMALL,
        build=_build,
        heads=(),
        layer="average pool",
        dim=WIDTHS[-1],
        weights=Weights("none", "nowhere", "", "none", _none),
        preprocessing=Preprocessing(resize=72, input_size=64),
        batch_size=64,
    )


def _build() -> nn.Module:
    layers: list[nn.Module] = []
    for before, width in zip((3, *WIDTHS), WIDTHS, strict=False):
        layers += [nn.Conv2d(before, width, 3, stride=2, padding=1, bias=False)]
        layers += [nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())


def _none() -> Path:
    raise OSError("this backbone has random weights alone")


if __name__ == "__main__":
    main()
