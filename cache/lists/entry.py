"""What a list says of one video."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Entry:
    """One video of a list.

    Args:
        name: as the list writes it: a path, a path without suffix, or an id.
        label: class name, or the class's number where the list has nothing else; "" unknown.
        split: "train", "val", "test", or "" where the list does not say.
        line: in the list, counted from 1.
        frames: that the list says the video has, 0 unknown.
        span: first and last frame of it that count, both included, counted as the files are named;
            None for the whole video.
        source: path of the list.
    """

    name: str
    label: str = ""
    split: str = ""
    line: int = 0
    frames: int = 0
    span: tuple[int, int] | None = None
    source: str = field(default="", compare=False)

    @property
    def where(self) -> str:
        """The list and the line."""
        return f"{self.source} line {self.line}"
