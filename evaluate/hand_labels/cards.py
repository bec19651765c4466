"""Thumbnails of videos that are to be labelled, or have been."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
from PIL import Image  # torchvision installs it

from ...cache import InputError, Video
from ..figures.data.frames import read_images
from ..scores.trust.labels import VideoLabel
from .questions import Question

Shown = TypeVar("Shown", Question, VideoLabel)
_MOMENTS = (1 / 6, 3 / 6, 5 / 6)  # of a video
_HEIGHT = 144  # of a thumbnail, pixels


@dataclass(frozen=True)
class Card(Generic[Shown]):
    """A video as it is shown.

    Args:
        about: the video, and what is asked or said of it.
        images: data URLs, in their order; empty where it cannot be read.
        problem: why not; else empty.
    """

    about: Shown
    images: tuple[str, ...]
    problem: str = ""


def make_cards(
    shown: Iterable[Shown], videos: Mapping[str, Video], root: Path | None = None
) -> Iterator[Card[Shown]]:
    """Read thumbnails of the videos, one after the other.

    Args:
        shown: the videos.
        videos: rows of the feature file, by id.
        root: folder that their paths start at, if they have moved.
    """
    for one in shown:
        try:
            yield Card(one, thumbnails(videos[one.video], root))
        except InputError as error:
            yield Card(one, (), str(error))


def thumbnails(video: Video, root: Path | None = None) -> tuple[str, ...]:
    """Three moments of a video as data URLs of JPEG files.

    Raises:
        InputError: the video is gone or is another one now.
    """
    frames = np.array([int(moment * video.frames) for moment in _MOMENTS])
    return tuple(map(_data_url, read_images(video, frames, root)))


def _data_url(image: np.ndarray) -> str:
    """Of an image [H, W, 3]."""
    picture = Image.fromarray(image)
    picture.thumbnail((_HEIGHT * picture.width, _HEIGHT))  # it keeps the shape
    jpeg = BytesIO()
    picture.save(jpeg, "jpeg", quality=80)
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg.getvalue()).decode()}"
