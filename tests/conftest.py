"""Fixtures that several tests share; each is a function that makes or reads something small."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # before torch is loaded, as the command does

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from tcon.cache import Recipe, Snippets, Video
from tcon.cache.recipe import Preprocessing, Sampling

# Damage at random (fuzz.py): the same 200 variants of each input; 10,000 new ones by `make fuzz`.
for name, variants in (("suite", 200), ("fuzz", 10_000)):
    settings.register_profile(
        name,
        max_examples=variants,
        derandomize=name == "suite",
        deadline=None,  # fuzz.py has its own, which ends a hang
        suppress_health_check=list(HealthCheck),
    )
settings.load_profile("suite")

BITS = 8
BLACK, WHITE = 16, 235


def _blocks(height: int, width: int) -> list[tuple[slice, slice]]:
    """Where the bits of a frame's number are: two rows of four blocks."""
    h, w = height // 2, width // 4
    return [
        (slice(b // 4 * h, b // 4 * h + h), slice(b % 4 * w, b % 4 * w + w)) for b in range(BITS)
    ]


@pytest.fixture
def temporary_methods() -> Iterator[None]:
    """The methods that the test registers are forgotten when it ends."""
    from tcon.adapt import methods

    with methods.temporary_methods():
        yield


@pytest.fixture(scope="session")
def write_video() -> Callable[..., Path]:
    """``write_video(path, frames)``: a video whose frame i shows ``first`` + i as blocks.

    The blocks are black and white bits, ``tint`` colours the white; the rest are the encoder's
    options.
    """
    import av

    def write(
        path: Path,
        frames: int = 12,
        *,
        first: int = 0,
        codec: str = "libx264",
        size: tuple[int, int] = (64, 96),  # height, width
        b_frames: int = 0,
        gop: int = 300,
        tint: tuple[float, float, float] = (1, 1, 1),
        container: Mapping[str, str] | None = None,
    ) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        with av.open(str(path), "w", options=dict(container or {})) as output:
            stream: Any = output.add_stream(codec, rate=25)
            stream.height, stream.width = size
            stream.pix_fmt = "yuv420p"
            stream.codec_context.max_b_frames = b_frames
            stream.codec_context.gop_size = gop
            stream.codec_context.thread_count = 1
            stream.bit_rate = 2_000_000
            for number in range(first, first + frames):
                image = np.full((*size, 3), BLACK, np.uint8)
                for bit, (rows, columns) in enumerate(_blocks(*size)):
                    if number >> bit & 1:
                        image[rows, columns] = WHITE * np.array(tint)
                output.mux(stream.encode(av.VideoFrame.from_ndarray(image, "rgb24")))
            output.mux(stream.encode())
        return path

    return write


@pytest.fixture(scope="session")
def read_number() -> Callable[[np.ndarray], int]:
    """The number that an image [H, W, 3] of ``write_video`` shows."""

    def read(image: np.ndarray) -> int:
        blocks = [image[block] for block in _blocks(*image.shape[:2])]
        return sum(
            int(block[4:-4, 4:-4].max(-1).mean() > (BLACK + WHITE) / 2) << bit
            for bit, block in enumerate(blocks)
        )

    return read


@pytest.fixture(scope="session")
def decode_forward() -> Callable[[Path], np.ndarray]:
    """All frames [n, H, W, 3] of a video, decoded from start to end by PyAV."""
    import av

    def decode(path: Path) -> np.ndarray:
        with av.open(str(path)) as container:
            return np.stack([f.to_ndarray(format="rgb24") for f in container.decode(video=0)])

    return decode


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory, write_video: Callable[..., Path]) -> Path:
    """A folder ``class/video`` of six clips of 3 to 13 frames; do not change it."""
    folder = tmp_path_factory.mktemp("clips")
    for n in range(6):
        path = folder / ("jump", "run")[n % 2] / f"{n}{('.mp4', '.avi')[n // 3]}"
        codec, tint = ("libx264", "mpeg4")[n // 3], (1 - n / 8, 0.3 + n / 8, (n * 3 % 7) / 7)
        write_video(path, 3 + 2 * n, first=1 + 37 * n, codec=codec, b_frames=2, tint=tint)
    return folder


@pytest.fixture
def recipe() -> Callable[..., Recipe]:
    """``recipe(**changes)``: how four-dimensional features were made."""

    def make(**changes: Any) -> Recipe:
        fields = {
            "backbone": "net",
            "weights": "imagenet",
            "weights_sha256": "a1",
            "layer": "pool",
            "dim": 4,
            "preprocessing": Preprocessing(),
            "snippet_length": 1,
            "sampling": Sampling("uniform", 32),
            "precision": "fp32",
            "tool_version": "0.1.0",
            "device": "cpu",
            "list_sha256": "b2",
        }
        return Recipe(**{**fields, **changes})

    return make


@pytest.fixture
def video() -> Callable[..., Video]:
    """``video(id, **changes)``: a row of the table of videos."""

    def make(id: str, **changes: Any) -> Video:
        fields = {"label": "jump", "split": "train", "path": f"/in/{id}", "frames": 9, "fps": 25.0}
        return Video(id, **{**fields, **changes})

    return make


@pytest.fixture
def snippets() -> Callable[..., Snippets]:
    """``snippets(n, seed)``: features of n snippets that float16 holds exactly."""

    def make(n: int, seed: int = 0) -> Snippets:
        random = np.random.default_rng(seed)
        features = random.integers(-512, 512, (n, 4)) / 64
        return Snippets(features.astype(np.float16), np.arange(n) * 3 + seed)

    return make
