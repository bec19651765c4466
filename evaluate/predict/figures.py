"""A figure per predicted video, in a folder. It needs matplotlib."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from pathlib import Path

from ...adapt.inference.prediction import Prediction
from ...cache.common.files.writing import write_errors
from ..figures.data.frames import read_images
from ..figures.picture import CannotDraw, NotDrawn, Picture, draw, file_stem
from ..figures.prediction import draw_prediction


class PredictionFigures:
    """Draws each video's attention over time, with the segments' frames, into a folder.

    Args:
        folder: created if it does not exist.

    Raises:
        InputError: the folder cannot be made.

    Attributes:
        missing: characters that were drawn as boxes, since no font has them.
    """

    def __init__(self, folder: Path) -> None:
        with write_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        self.missing: frozenset[str] = frozenset()
        self._folder = folder
        self._names: set[str] = set()

    def draw(self, prediction: Prediction, path: Path) -> None:
        """Draw a video.

        Args:
            prediction: of the video.
            path: of its file, whose name need not be text.

        Raises:
            CannotDraw: its frames cannot be read again, or drawing fails.
            InputError: the picture cannot be written.
        """
        picture = draw("figure", prediction.video.id, partial(self._picture, prediction, path))
        if isinstance(picture, NotDrawn):
            raise CannotDraw(picture.reason)
        picture.write(self._folder, ["png"])
        self.missing |= picture.missing()

    def _picture(self, prediction: Prediction, path: Path) -> Picture:
        images = read_images(replace(prediction.video, path=str(path)), prediction.frames)
        return draw_prediction(prediction, images, name=self._free_name(prediction.video.id))

    def _free_name(self, id_: str) -> str:
        """A file name without suffix that no other video has, whatever the case of its letters."""
        stem = name = file_stem(re.sub(r"[^\w.-]+", "_", id_).strip("_.")) or "video"
        count = 1
        while name.casefold() in self._names:
            count += 1
            name = f"{stem}_{count}"
        self._names.add(name.casefold())
        return name
