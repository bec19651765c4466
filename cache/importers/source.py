"""What every format of features offers: videos by name, read one at a time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from pathlib import Path

from ..lists import Entry
from ..schema import Snippets


class FeatureSource(ABC):
    """Somebody's features.

    Args:
        path: a folder or a file of this format.

    Raises:
        InputError: nothing of this format is there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @abstractmethod
    def names(self) -> Iterable[str]:
        """Names of all videos, unique, as the format has them: paths without root, keys or ids."""

    @abstractmethod
    def read(self, name: str) -> Mapping[str, Snippets]:
        """The features of one video, of each modality: [n, D] and their centre frames [n].

        Raises:
            InputError: this video's features are damaged; the others may be sound.
        """

    def entries(self) -> list[Entry]:
        """Labels and splits that the format itself holds; empty where it has none."""
        return []
