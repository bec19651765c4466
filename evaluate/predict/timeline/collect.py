"""Predictions of windows to timeline files, one recording after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ....adapt.inference.prediction import Prediction
from ....adapt.inference.stream import Result
from ....cache.errors import InputError
from ....cache.parts import recording_of, split_part
from ....extract.lists.videos import VideoItem
from .files import write_timelines
from .intervals import Smoothing, make_timeline


class TimelineFiles:
    """Collects what is predicted of every recording for the timelines' files.

    Args:
        paths: of the files; without any nothing is kept.
        smoothing: of the timelines.
        items: the recordings.

    Raises:
        InputError: a picture, and nothing to draw it with.
    """

    def __init__(
        self, paths: Sequence[Path], smoothing: Smoothing, items: Sequence[VideoItem]
    ) -> None:
        self._paths, self._smoothing = paths, smoothing
        # A feature file names windows.
        self._recordings = {
            recording_of(item.id): Path(split_part(str(item.path))[0]) for item in items
        }
        self._windows: dict[str, list[Prediction]] = {}
        if any(map(_is_picture, paths)):
            try:
                from . import picture  # noqa: F401  (it needs matplotlib)
            except ModuleNotFoundError:
                raise InputError(
                    "--timeline FILE.png needs matplotlib: pip install 'tcon[demo]', or write "
                    "FILE.csv or FILE.json"
                ) from None

    def add(self, result: Result) -> None:
        """Take a window, or a whole video; what failed is left out."""
        if self._paths and isinstance(result, Prediction):
            self._windows.setdefault(recording_of(result.video.id), []).append(result)

    def write(self) -> Sequence[Path]:
        """Write every file, and give them; none if nothing was predicted.

        Raises:
            InputError: one cannot be written or drawn.
        """
        lines = [
            make_timeline(id_, self._recordings[id_], windows, self._smoothing)
            for id_, windows in self._windows.items()
        ]
        written = self._paths if lines else ()
        for path in written:
            if _is_picture(path):
                from .picture import write_picture

                write_picture(path, lines)
            else:
                write_timelines(path, lines)
        return written


def path_of(video: str, paths: Mapping[str, Path]) -> Path:
    """Where a video is, or a window of one, by the paths of whole ones."""
    if video in paths:
        return paths[video]
    recording, part = split_part(video)
    return Path(f"{paths[recording]}{part}")


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() == ".png"
