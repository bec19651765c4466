"""A figure per predicted video, in a folder."""

from __future__ import annotations

import re
from pathlib import Path

from ...adapt.inference.prediction import Prediction
from ...cache import InputError
from ...cache.common.writing import write_errors
from ..figures.data.frames import read_images


class PredictionFigures:
    """Draws each video's attention over time, with the segments' frames, into a folder.

    Args:
        folder: created if it does not exist.

    Raises:
        InputError: matplotlib is not installed, or the folder cannot be made.

    Attributes:
        missing: characters that were drawn as boxes, since no font has them.
    """

    def __init__(self, folder: Path) -> None:
        try:
            from ..figures.picture import file_stem
            from ..figures.prediction import draw_prediction
        except ModuleNotFoundError:
            raise InputError(
                "--figures needs matplotlib: pip install 'tcon[demo]', or leave it out"
            ) from None
        with write_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        self.missing: frozenset[str] = frozenset()
        self._folder, self._draw, self._stem = folder, draw_prediction, file_stem
        self._names: set[str] = set()

    def draw(self, prediction: Prediction) -> None:
        """Draw a video.

        Raises:
            InputError: its frames cannot be read again, or the picture not be drawn or written.
        """
        images = read_images(prediction.video, prediction.frames)
        picture = self._draw(prediction, images, name=self._free_name(prediction.video.id))
        picture.write(self._folder, ["png"])
        self.missing |= picture.missing()

    def _free_name(self, id_: str) -> str:
        """A file name without suffix that no other video has, whatever the case of its letters."""
        stem = name = self._stem(re.sub(r"[^\w.-]+", "_", id_).strip("_.")) or "video"
        count = 1
        while name.casefold() in self._names:
            count += 1
            name = f"{stem}_{count}"
        self._names.add(name.casefold())
        return name
