"""What every format of features offers: videos by name, read one at a time."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import ClassVar

from ....cache.errors import InputError
from ....cache.schema import TABLES, Snippets
from ...lists.entries.entry import Entry

UNNAMED = ""  # the modality of features of which the format does not say whether rgb or flow
_MODALITY = re.compile(r"[a-z][a-z0-9_]{0,63}")


def modality_of(name: str) -> str:
    """The modality that somebody calls RGB or rgb: a group of the feature file, in lower case.

    Raises:
        InputError: the file can have no such group.
    """
    modality = name[:80].lower()  # a small pickle can have a long text in thousands of places
    if not _MODALITY.fullmatch(modality) or modality in TABLES:
        raise InputError(
            f"{ascii(name[:40])} cannot be a modality: that is one word of letters, such as rgb, "
            f"and none of {', '.join(TABLES)}"
        )
    return modality


class FeatureSource(ABC):
    """Somebody's features.

    Args:
        path: a folder or a file of this format.

    Attributes:
        kind: name of the format.
        every_frame: whether each frame of a video has features, numbered as the frames are.
        notes: lines for the user on what is there and is ignored.

    Raises:
        InputError: nothing of this format is there.
    """

    kind: ClassVar[str]
    every_frame: ClassVar[bool] = False

    def __init__(self, path: Path) -> None:
        self.path = path
        self.notes: tuple[str, ...] = ()

    @abstractmethod
    def names(self) -> Iterable[str]:
        """Names of all videos, unique, as the format has them: paths without root, keys or ids."""

    @abstractmethod
    def read(self, name: str) -> Mapping[str, Snippets]:
        """The features of one video, of each modality: [n, D] as stored, their centre frames [n].

        The modality is `UNNAMED` where the format does not name it.

        Raises:
            InputError: this video's features are damaged; the others may be sound.
        """

    def close(self) -> None:  # noqa: B027 (most hold nothing)
        """Release readers and processes; reading can start again afterwards."""

    def entries(self) -> list[Entry]:
        """Labels and splits that the format itself holds; empty where it has none."""
        return []
