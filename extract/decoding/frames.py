"""A folder of numbered images as a video: ``00001.jpg``, ``img_00001.jpg``, ``frame_1.png`` ..."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from itertools import count

import numpy as np
from PIL import Image, ImageOps

from ...cache.common.counts import counted
from ...cache.parts import Part
from .video import DecodeError, ForwardVideo

_NUMBERED = re.compile(r"(?P<series>.*?)(?P<number>\d+)\.(?:jpe?g|png)", re.IGNORECASE | re.DOTALL)


class FrameFolder(ForwardVideo):
    """See `ForwardVideo`. Frame i is the i-th image that decodes, in the order of their numbers.

    Pillow decodes: it refuses an image that is cut off, where PyAV shows its upper half, and it
    can look whether an image decodes in a third of the time of decoding it.

    Args:
        path: the folder.
        part: the numbers of the first and last image to take; None for all.

    Raises:
        DecodeError: no folder, no numbered image in it or in the part, or several series of them;
            or a part in seconds, which images have none of.
    """

    decoder = "pillow"

    def __init__(self, path: str, part: Part | None, on_progress: Callable[[], None]) -> None:
        super().__init__(on_progress)
        try:
            files = _list(path, os.stat(path).st_mtime_ns)
        except OSError as error:
            raise DecodeError(f"it cannot be opened: {error.strerror}") from None
        if not files:
            raise DecodeError("it is a folder without numbered images such as 00001.jpg")
        first, last = next(iter(files)), next(reversed(files))
        if part:
            if part.unit == "seconds":
                raise DecodeError("images have no time stamps: name a part by #frames=A-B")
            first, last = int(part.start), last if part.end is None else int(part.end)
            files = {number: name for number, name in files.items() if first <= number <= last}
            if not files:
                raise DecodeError(f"none of its images has a number from {first} to {last}")
        self._folder, self._files = path, list(files.values())
        self._numbers = list(files)  # of those that decode, as far as is known
        self._missing = _missing(self._numbers, first, last)
        self._undecodable: list[str] = []
        self._sizes: set[tuple[int, int]] = set()  # of the frames that were wanted
        self.expected = len(files)

    def frames(self, wanted: np.ndarray | None) -> Iterator[np.ndarray]:
        left = count() if wanted is None else iter(wanted.tolist())
        next_wanted = next(left, -1)
        for file in self._files:
            wanted_now = self.total == next_wanted
            image = _open(os.path.join(self._folder, file), wanted=wanted_now)
            self.on_progress()
            if image is None:
                self._undecodable.append(file)
                del self._numbers[self.total]
                continue
            if wanted_now:
                self._sizes.add(image.size)
                yield np.array(image)
                next_wanted = next(left, -1)
            self.times.append(math.nan)
            self.total += 1

    def number(self, index: int) -> int:
        return self._numbers[index]

    @property
    def damage(self) -> str:
        found = []
        if bad := self._undecodable:
            names = bad[0] + " ..." * (len(bad) > 1)
            found.append(f"{counted(len(bad), 'undecodable image')} ({names})")
        if self._missing:
            found.append(counted(self._missing, "missing image"))
        if len(self._sizes) > 1:
            found.append(f"images of {len(self._sizes)} sizes")
        return ", ".join(found)

    def close(self) -> None:
        pass  # no file stays open


def is_frame(name: str) -> bool:
    """Whether a file's name is that of a frame: a numbered image, and no flow of one."""
    return _parse(name) is not None


def is_frame_folder(path: str | os.PathLike[str]) -> bool:
    """Whether a folder holds frames.

    Raises:
        OSError: it cannot be listed.
    """
    return os.path.isdir(path) and any(map(is_frame, os.listdir(path)))


def _parse(name: str) -> tuple[str, int] | None:
    """The series and number of a frame."""
    match = _NUMBERED.fullmatch(name)
    if not match or name.startswith("."):
        return None
    series = match["series"]
    # Flow lies beside the frames it was made of: flow_x_00001.jpg or x_00001.jpg.
    return None if series.startswith("flow_") or series in ("x_", "y_") else (series, int(match[2]))


@lru_cache(maxsize=2)  # many parts of one long folder are read one after the other
def _list(path: str, changed: int) -> dict[int, str]:
    return _by_number(os.listdir(path))


def _by_number(names: Iterable[str]) -> dict[int, str]:
    """The frames among file names, by number, in order."""
    frames = sorted((frame, name) for name in names if (frame := _parse(name)))
    for (before, first), (after, second) in zip(frames, frames[1:], strict=False):
        if before[0] != after[0] or before == after:
            raise DecodeError(f"it holds more than one video's images, as {first} and {second}")
    return {number: name for (_, number), name in frames}


def _missing(numbers: list[int], first: int, last: int) -> int:
    """How many images lack from the number ``first`` to ``last``.

    Where every n-th frame was kept, only those count.
    """
    step = int(np.diff(numbers).min()) if len(numbers) > 1 else 1
    before, after = (numbers[0] - first) // step, (last - numbers[-1]) // step
    return before + (numbers[-1] - numbers[0]) // step + 1 - len(numbers) + after


def _open(path: str, *, wanted: bool) -> Image.Image | None:
    """An image, upright if wanted; None where it does not decode."""
    try:
        with Image.open(path, formats=("JPEG", "PNG")) as image:
            if wanted:
                upright = ImageOps.exif_transpose(image)
                if upright.mode.startswith("I"):  # 16 bits of grey; Pillow would cut off at 255
                    upright = upright.point(lambda level: level / 256)
                return upright.convert("RGB")
            # It has to decode, but not to be seen: a JPEG at an eighth of its size is far quicker.
            image.draft("RGB", (1, 1))
            image.load()
            return image
    except Exception:  # Pillow raises errors of many kinds
        return None
