"""A figure per predicted video, in a folder."""

from __future__ import annotations

import re
from pathlib import Path

from ...adapt.inference.prediction import Prediction
from ...cache import InputError
from ...cache.common.writing import write_errors, write_output
from ..figures.data.frames import read_images


class PredictionFigures:
    """Draws each video's attention over time, with the segments' frames, into a folder.

    Args:
        folder: created if it does not exist.

    Raises:
        InputError: matplotlib is not installed, or the folder cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        try:
            from ..figures.prediction import draw_prediction
        except ModuleNotFoundError:
            raise InputError(
                "--figures needs matplotlib: pip install 'tcon[demo]', or leave it out"
            ) from None
        with write_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._draw = folder, draw_prediction
        self._names: set[str] = set()

    def draw(self, prediction: Prediction) -> None:
        """Draw a video.

        Raises:
            InputError: its frames cannot be read again, or the figure cannot be written.
        """
        images = read_images(prediction.video, prediction.frames)
        picture = self._draw(prediction, images, name=self._free_name(prediction.video.id))
        write_output(self._folder / f"{picture.name}.png", picture.encode("png"))

    def _free_name(self, id_: str) -> str:
        """A file name without suffix that no other video has."""
        stem = name = re.sub(r"[^\w.-]+", "_", id_).strip("_.")
        count = 1
        while name in self._names:
            count += 1
            name = f"{stem}_{count}"
        self._names.add(name)
        return name
