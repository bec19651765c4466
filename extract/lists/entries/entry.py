"""What a list says of one video."""

from __future__ import annotations

from dataclasses import dataclass, field

from ....cache.errors import InputError


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


def check_same(video: str, before: Entry, entry: Entry) -> None:
    """Refuse two entries that mean one video and give it another label or split.

    Raises:
        InputError: names both lines.
    """
    if (before.label, before.split) != (entry.label, entry.split):
        raise InputError(
            f"{entry.where} gives {video} label '{entry.label}', split '{entry.split}', but "
            f"{before.where} '{before.label}', '{before.split}': keep one of them"
        )
