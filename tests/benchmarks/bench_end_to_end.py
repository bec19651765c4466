"""Steps of end-to-end training: ``python tests/benchmarks/bench_end_to_end.py``.

A method's step (the loop itself, on random clips in memory: decoding is `bench_extract.py`'s)
against a plain supervised step of the same backbone on as many images: forward, cross entropy of
the mean of a video's segments, backward, Adam, in the same precision and with as many images at
once, rounded to whole videos. Both in every round, each in a process of its own. Prints images/s,
their ratio, and the peak memory of each beside what `tcon adapt` says before the first step.
"""

from __future__ import annotations

import argparse
import copy
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from unittest.mock import patch

import torch
from torch import Tensor, nn
from torch.nn import functional as F

sys.path.insert(0, str(Path(__file__).parents[1] / "helpers"))
from prepared_runs import invented_record

from tcon.adapt.config.options import RunConfig
from tcon.adapt.config.runs import make_runs
from tcon.adapt.data.domains import Domains
from tcon.adapt.end_to_end.backbone import TrainedBackbone
from tcon.adapt.end_to_end.clips.videos import ClipVideos
from tcon.adapt.end_to_end.feed import ClipFeed
from tcon.adapt.end_to_end.memory.step import need
from tcon.adapt.run.folder import RunFolder
from tcon.adapt.tasks.task import Task
from tcon.adapt.training.new_method import new_method
from tcon.adapt.training.processes import Processes
from tcon.adapt.training.programs import loop
from tcon.adapt.training.recorder import Recorder
from tcon.cache.common.machine.device import choose_device
from tcon.extract.backbones import LoadedBackbone, load_backbone
from tcon.extract.features.options import ExtractOptions
from tcon.extract.features.plan import make_cut
from tcon.extract.machine.precision import DTYPES

CLASSES = 12
WARM_UP = 2  # steps that are not timed
AIM = 0.9
CPU = torch.device("cpu")


class Measured(NamedTuple):
    """Of one process: images of both domains per second, and bytes at their peak."""

    rate: float
    peak: int
    told: int
    at_once: int
    precision: str


class RandomClips:
    """In the place of a `ClipLoader`: the same clips in every step."""

    def __init__(self, clips: Tensor) -> None:
        self.clips, self.failed = clips, {}

    def load(self, requests: Iterable[object]) -> Iterator[Tensor]:
        return (self.clips for _ in requests)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backbone", default="bninception")
    parser.add_argument("--method", default="tcon")
    parser.add_argument("--batch", type=int, default=64, help="videos of each domain")
    parser.add_argument("--segments", type=int, default=6)
    parser.add_argument("--steps", type=int, default=10, help="timed ones")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--device", default="auto")
    options = parser.parse_args()
    settings = [
        *(f"e2e.backbone={options.backbone}", "e2e.weights=random", "e2e.batch_norm=partial"),
        *("train.epochs=1", "train.evaluations=1", f"train.batch_size={options.batch}"),
        *(f"train.min_steps={WARM_UP + options.steps}", *options.set),
    ]
    (run,) = make_runs([options.method], settings, segments=options.segments, end_to_end=True)
    device = choose_device(options.device)
    what = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    print(
        f"{what}, {torch.get_num_threads()} threads, torch {torch.__version__}; "
        f"{options.backbone}, batch {options.batch} + {options.batch}, K = {options.segments}"
    )
    ratios = []
    for number in range(1, options.rounds + 1):
        ours, plain = (_alone(partial(step, run, device)) for step in (_method, _plain))
        ratios.append(ours.rate / plain.rate)
        print(
            f"round {number} ({ours.precision}, {ours.at_once} of "
            f"{2 * options.batch * options.segments} images at once): {options.method} "
            f"{ours.rate:.1f} images/s, {_gib(ours.peak)} (told {_gib(ours.told)}); plain "
            f"{plain.rate:.1f} images/s, {_gib(plain.peak)}; ratio "
            f"{ratios[-1]:.2f}"
        )
    print(f"median ratio {statistics.median(ratios):.2f}, aim {AIM}")


def _alone(step: Callable[[], Measured]) -> Measured:
    """Measure in a new process, whose peak memory is its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(step).result()


class _Setting(NamedTuple):
    """What both steps train on."""

    loaded: LoadedBackbone
    backbone: TrainedBackbone
    domains: Domains
    clips: Tensor
    told: int
    at_once: int


def _setting(run: RunConfig, device: torch.device) -> _Setting:
    options, batch, k = run.end_to_end, run.train.batch_size, run.source_segments
    loaded = load_backbone(options.backbone, options.weights, modality=run.modality)
    shape = make_cut(ExtractOptions(), run.modality, loaded).shape
    backbone = TrainedBackbone(loaded, device, options)
    domains = _domains(batch, loaded.spec.dim)
    itemsize = DTYPES[backbone.precision].itemsize
    method = new_method(run, domains)
    images = 2 * batch * k
    backbone.train()
    sketch = copy.deepcopy(backbone.module).to("meta")
    needed = need(sketch, method, shape, of_batch=images, bytes_per_value=itemsize)
    at_once = options.micro_batch or needed.micro_batch(device, images)
    clips = torch.randint(256, (batch, k, *shape), dtype=torch.uint8)
    if device.type == "cuda":
        clips = clips.pin_memory()
    return _Setting(loaded, backbone, domains, clips, needed.of(at_once), at_once)


def _method(run: RunConfig, device: torch.device) -> Measured:
    """The training loop, without evaluation."""
    setting = _setting(run, device)
    feed = ClipFeed(
        run,
        setting.domains,
        device,
        backbone=setting.backbone,
        loaders={name: RandomClips(setting.clips) for name in ("source", "target")},
        micro_batch=setting.at_once,
        processes=Processes(),
    )
    clock = _Clock(device)
    with (
        TemporaryDirectory() as folder,
        patch.object(Recorder, "evaluate", lambda *_, **__: {}),
        patch.object(Recorder, "finish"),
    ):
        output = RunFolder(Path(folder) / "run", invented_record(run))
        loop.train(run, feed, output, on_step=clock.step, save_seconds=float("inf"))
    return clock.measured(setting, images=2 * setting.clips.shape[0] * setting.clips.shape[1])


def _plain(run: RunConfig, device: torch.device) -> Measured:
    """Supervised steps on the videos of both domains."""
    setting = _setting(run, device)
    backbone, clips = setting.backbone, torch.cat([setting.clips, setting.clips])
    if device.type == "cuda":
        clips = clips.pin_memory()
    labels = torch.arange(len(clips), device=device) % CLASSES
    classifier = nn.Linear(setting.loaded.spec.dim, CLASSES).to(device)
    trained = [*backbone.parameters, *classifier.parameters()]
    optimiser = torch.optim.Adam(trained, lr=run.train.lr, fused=True)
    clock, steps = _Clock(device), run.train.min_steps
    for step in range(steps):
        backbone.train()
        optimiser.zero_grad(set_to_none=True)
        videos = max(setting.at_once // clips.shape[1], 1)
        parts = zip(clips.split(videos), labels.split(videos), strict=True)
        for part, expected in parts:
            images = part.to(device, non_blocking=True).flatten(0, 1)  # [b K, ...]
            features = backbone.features(images).unflatten(0, part.shape[:2])  # [b, K, D]
            loss = F.cross_entropy(classifier(features).mean(1), expected, reduction="sum")
            (loss / len(clips)).backward()
        optimiser.step()
        clock.step(None, step + 1, steps)
    return clock.measured(setting, images=clips.shape[0] * clips.shape[1])


class _Clock:
    """Times steps after the warm-up."""

    def __init__(self, device: torch.device) -> None:
        self.device, self.started, self.seconds, self.timed = device, 0.0, 0.0, 0

    def step(self, _: RunFolder | None, done: int, steps: int) -> None:
        """Called after each step."""
        if done in (WARM_UP, steps):
            if self.device.type == "cuda":
                torch.cuda.synchronize(self.device)
            now = time.perf_counter()
            self.started, self.seconds, self.timed = now, now - self.started, steps - WARM_UP

    def measured(self, setting: _Setting, *, images: int) -> Measured:
        if self.device.type == "cuda":
            peak = torch.cuda.max_memory_reserved(self.device)
        else:
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        rate = images * self.timed / self.seconds
        return Measured(rate, peak, setting.told, setting.at_once, setting.backbone.precision)


def _domains(videos: int, dim: int) -> Domains[ClipVideos]:
    names = tuple(f"class{n}" for n in range(CLASSES))
    index = {name: n for n, name in enumerate(names)}
    source, target = (
        ClipVideos(
            domain=name,
            ids=tuple(f"{name}{n}" for n in range(videos)),
            rows=tuple(range(videos)),
            count=torch.full((videos,), 100),
            labels=torch.arange(videos) % CLASSES if name == "source" else None,
            in_features=dim,
        )
        for name in ("source", "target")
    )
    return Domains(
        task=Task("random", names, index, index),
        source_train=source,
        source_val=None,
        target_train=target,
        target_test=target,
        protocol="transductive",
    )


def _gib(size: int) -> str:
    return f"{size / 2**30:.1f} GiB"


if __name__ == "__main__":
    main()
