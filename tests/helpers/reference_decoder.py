"""What ffmpeg's own program decodes: the independent truth about a video."""

from __future__ import annotations

import subprocess
from fractions import Fraction
from pathlib import Path

import imageio_ffmpeg
import numpy as np


def ffmpeg(*arguments: str | Path, check: bool = True) -> bytes:
    """Run ffmpeg on one thread; its standard output."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "quiet", "-nostdin", "-y", "-threads", "1"]
    run = subprocess.run([*command, *map(str, arguments)], capture_output=True, check=check)
    return run.stdout


def _decode(path: Path, *output: str) -> bytes:
    """Every frame that decodes, none doubled or dropped to keep a rate."""
    options = ("-map", "0:v:0", "-fps_mode", "passthrough", "-pix_fmt", "rgb24", *output, "-")
    return ffmpeg("-i", path, *options, check=False)  # a damaged video may end in an error


def reference_frames(path: Path) -> list[np.ndarray]:
    """All frames [H, W, 3] of a video."""
    pictures = _decode(path, "-f", "image2pipe", "-c:v", "ppm")
    frames, at = [], 0
    while at < len(pictures):
        _, size, _ = pictures[at : at + 32].split(b"\n", 3)[:3]  # P6, width and height, 255
        width, height = map(int, size.split())
        at += len(b"P6\n" + size + b"\n255\n")
        pixels = np.frombuffer(pictures, np.uint8, height * width * 3, at)
        frames.append(pixels.reshape(height, width, 3))
        at += pixels.size
    return frames


def reference_md5s(path: Path) -> list[str]:
    """The md5 of the pixels of every frame."""
    lines = _decode(path, "-f", "framemd5").decode().splitlines()
    return [line.split()[-1] for line in lines if not line.startswith("#")]


def reference_times(path: Path) -> np.ndarray:
    """When every frame is shown, [n] seconds from the start of the file."""
    options = ("-enc_time_base", "demux", "-f", "framecrc", "-c:v", "rawvideo")
    lines = _decode(path, *options).decode().splitlines()
    (unit,) = (line.removeprefix("#tb 0: ") for line in lines if line.startswith("#tb"))
    stamps = [int(line.split(",")[2]) for line in lines if not line.startswith("#")]
    return np.array(stamps) * float(Fraction(unit))
