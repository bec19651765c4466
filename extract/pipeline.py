"""Videos to one feature file: decode, batch across videos, run the backbone, commit."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from .. import __version__
from ..cache import Failure, FeatureWriter, InputError, Provenance, Snippets, Video
from ..cache.device import choose_device
from .backbones import LoadedBackbone, get_spec, load_backbone
from .batching import run_batched
from .decode import DECODER, Clip, DecodeError, read_clip
from .lists import VideoItem, list_sha256
from .precision import DTYPES, choose_precision
from .sampling import Sampling
from .transforms import normalise, resize_and_crop


@dataclass(frozen=True, kw_only=True)
class ExtractConfig:
    """Options of an extraction.

    Args:
        backbone: a name of the registry.
        weights: None for the published ones, a checkpoint file, or "random".
        sampling: which frames become snippets.
        device: "auto", "cpu", "cuda", "cuda:1", ...
        precision: "auto", "fp32", "bf16" or "fp16".
        batch_size: images per forward pass; every pass has exactly this many.
        workers: videos decoded at once.
        retry_failed: take the videos that failed before, and no others.
    """

    backbone: str = "efficientnet_lite0"
    weights: str | None = None
    sampling: Sampling = Sampling("uniform", 32)
    device: str = "auto"
    precision: str = "auto"
    batch_size: int = 8
    workers: int = 2
    retry_failed: bool = False


@dataclass(frozen=True)
class Progress:
    """How far an extraction is: videos to do, done, failed and in the file before; images run."""

    todo: int
    done: int
    failed: int
    before: int
    images: int


def extract(
    items: Sequence[VideoItem],
    output: str | Path,
    config: ExtractConfig,
    *,
    on_progress: Callable[[Progress], None] = lambda progress: None,
) -> list[Failure]:
    """Extract the features of ``items`` into the feature file ``output``, or extend it.

    Videos that the file holds already are skipped. A video that cannot be read is recorded as a
    failure and the rest goes on.

    Args:
        items: the videos.
        output: the feature file.
        config: options.
        on_progress: called after every video.

    Returns:
        the failures of these items, earlier ones included.

    Raises:
        InputError: wrong options, weights that cannot be had, or a file that does not match.
    """
    device = choose_device(config.device)
    precision = choose_precision(config.precision, device)
    backbone = load_backbone(config.backbone, config.weights)
    provenance = Provenance(
        backbone=backbone.spec.name,
        weights=backbone.weights,
        weights_sha256=backbone.sha256,
        layer=backbone.spec.layer,
        dim=backbone.spec.dim,
        preprocessing=backbone.spec.preprocessing,
        snippet_length=backbone.spec.snippet_length,
        sampling=str(config.sampling),
        precision=precision,
        decoder=DECODER,
        tool_version=__version__,
        device=str(device),
        list_sha256=list_sha256(items),
    )
    with FeatureWriter(output, {"rgb": provenance}) as writer:
        _check_committed(items, writer)
        todo = [
            item
            for item in items
            if item.id not in writer.committed and (item.id in writer.failed) == config.retry_failed
        ]
        before, images_run, failed = len(writer.committed), 0, 0

        def report() -> None:
            done = len(writer.committed) - before
            on_progress(Progress(len(todo), done, failed, before, images_run))

        def fail(item: VideoItem, stage: str, reason: str) -> None:
            nonlocal failed
            failed += 1
            writer.fail(Failure(item.id, stage, reason))
            report()

        def readable() -> Iterator[tuple[tuple[VideoItem, Clip], Tensor]]:
            for item, clip in _decode_ahead(todo, config):
                if isinstance(clip, DecodeError):
                    fail(item, "decode", str(clip))
                else:
                    yield (item, clip), clip.images

        report()
        forward = _forward(backbone, device, DTYPES[precision])
        for (item, clip), features in run_batched(forward, readable(), config.batch_size):
            images_run += len(features)
            stored = features.half()
            if not stored.isfinite().all():
                fail(item, "backbone", "features are not finite in float16")
                continue
            video = Video(item.id, item.label, item.split, str(item.path), clip.total, clip.fps)
            writer.add(video, {"rgb": Snippets(stored.numpy(), clip.indices)})
            report()
        listed = {item.id for item in items}
        return [failure for id_, failure in writer.failed.items() if id_ in listed]


def _check_committed(items: Sequence[VideoItem], writer: FeatureWriter) -> None:
    for item in items:
        video = writer.committed.get(item.id)
        if video and (video.label, video.split) != (item.label, item.split):
            raise InputError(
                f"{writer.path} holds {item.id} as label '{video.label}', split '{video.split}', "
                f"now it is '{item.label}', '{item.split}': choose another output"
            )


def _decode_ahead(
    items: Sequence[VideoItem], config: ExtractConfig
) -> Iterator[tuple[VideoItem, Clip | DecodeError]]:
    """Decode on threads (decord releases the interpreter), in order, a few videos ahead."""
    transform = partial(resize_and_crop, spec=get_spec(config.backbone))

    def decode(item: VideoItem) -> Clip | DecodeError:
        try:
            return read_clip(item.path, config.sampling.frames, transform)
        except DecodeError as error:
            return error

    ahead: deque[tuple[VideoItem, Future[Clip | DecodeError]]] = deque()
    with ThreadPoolExecutor(config.workers) as pool:
        for item in items:
            ahead.append((item, pool.submit(decode, item)))
            if len(ahead) > 2 * config.workers:
                item, future = ahead.popleft()
                yield item, future.result()
        for item, future in ahead:
            yield item, future.result()


def _forward(
    backbone: LoadedBackbone, device: torch.device, dtype: torch.dtype
) -> Callable[[Tensor], Tensor]:
    """uint8 images [n, 3, H, W] on the CPU to float32 features [n, D] on the CPU."""
    layout = torch.channels_last  # faster than the default on CPUs in bf16
    module = backbone.module.to(device, dtype, memory_format=layout)

    @torch.inference_mode()
    def forward(images: Tensor) -> Tensor:
        x = normalise(images.to(device), backbone.spec)
        return module(x.to(dtype, memory_format=layout)).float().cpu()

    return forward
