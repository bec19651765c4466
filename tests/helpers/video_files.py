"""Videos of every kind: how each is written, always from the same ``FRAMES`` numbered frames."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from reference_decoder import ffmpeg

FRAMES = 60

# Options of the fixture `write_video`.
WRITTEN: dict[str, dict[str, Any]] = {
    "h264.mp4": {"b_frames": 2},
    "sections.mp4": {"b_frames": 2, "gop": 12},
    "start.mp4": {"b_frames": 2, "gop": 12, "container": {"movflags": "faststart"}},
    "fragments.mp4": {"b_frames": 2, "gop": 12, "container": {"movflags": "frag_keyframe"}},
    # As most clips of UCF101: B-frames, and one key frame in the whole file.
    "xvid.avi": {"codec": "mpeg4", "b_frames": 2, "gop": 1000},
    # Containers that do not tell how many frames they hold.
    "h264.mkv": {"b_frames": 2, "gop": 12},
    "vp8.webm": {"codec": "libvpx"},
    "vp9.webm": {"codec": "libvpx-vp9"},
    "mpeg2.mpg": {"codec": "mpeg2video", "b_frames": 2, "gop": 12},
    "h264.ts": {"b_frames": 2, "gop": 12},
    "h264.m2ts": {"b_frames": 2, "gop": 12},
}

_COPY = ("-c", "copy")
_H264 = ("-c:v", "libx264", "-bf", "2")
_UNEVEN = ("-vf", "setpts=(N*N/8+2*N+3)/25/TB", "-fps_mode", "vfr", *_H264)
# A file above, ffmpeg's options for reading it and for writing.
_MADE: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "turned90.mp4": ("h264.mp4", ("-display_rotation", "90"), _COPY),
    "turned180.mp4": ("h264.mp4", ("-display_rotation", "180"), _COPY),
    "turned270.mp4": ("h264.mp4", ("-display_rotation", "270"), _COPY),
    "turned90.mkv": ("h264.mp4", ("-display_rotation", "90"), _COPY),
    "mirrored.mp4": ("h264.mp4", ("-display_hflip",), _COPY),
    "upside_down.mp4": ("h264.mp4", ("-display_vflip",), _COPY),
    "turned_mirrored.mp4": ("h264.mp4", ("-display_rotation", "90", "-display_hflip"), _COPY),
    "uneven.mp4": ("h264.mp4", (), _UNEVEN),
    "uneven.mkv": ("h264.mp4", (), _UNEVEN),
    "odd.avi": ("h264.mp4", (), ("-vf", "scale=97:67", "-c:v", "mpeg4", "-bf", "2", "-q:v", "2")),
    "odd.mkv": ("h264.mp4", (), ("-vf", "scale=97:67,format=yuv444p", *_H264)),
    "grey.mp4": ("h264.mp4", (), ("-pix_fmt", "gray", *_H264)),
    "ten_bits.mp4": ("h264.mp4", (), ("-pix_fmt", "yuv420p10le", *_H264)),
    # Cut without encoding again: an edit list hides the frames from the key frame to the cut.
    "cut.mp4": ("sections.mp4", ("-ss", "1"), _COPY),
    "window.mp4": ("sections.mp4", ("-ss", "1", "-t", "0.5"), _COPY),
    # Not the same numbers any more: nothing before the second key frame decodes.
    "keyless.mp4": ("sections.mp4", (), (*_COPY, "-bsf:v", r"noise=drop=eq(n\,0)")),
}

DAMAGED = ("keyless.mp4",)
SOUND = (*WRITTEN, *(name for name in _MADE if name not in DAMAGED))


def write_videos(folder: Path, write_video: Callable[..., Path]) -> Path:
    """Write all of them into a folder."""
    for name, options in WRITTEN.items():
        write_video(folder / name, FRAMES, **options)
    for name, (source, reading, writing) in _MADE.items():
        ffmpeg(*reading, "-i", folder / source, *writing, folder / name)
    return folder
