"""What a user has downloaded: videos below a folder, and the dataset's annotation files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ....cache import InputError
from ..folders.passed import PassedOver
from ..folders.tree import walk


@dataclass(frozen=True)
class Files:
    """The files of a dataset.

    Args:
        videos: video files and frame folders, as paths relative to their root.
        annotations: where annotation files are looked for.
        texts: the text and csv files there, as paths relative to it.
        passed: what else lies below the root, and why it is no video.
    """

    videos: tuple[str, ...]
    annotations: Path
    texts: tuple[str, ...]
    passed: tuple[PassedOver, ...] = ()

    @classmethod
    def below(cls, root: Path, annotations: Path | None = None) -> Files:
        """Look through the root, and through a folder of annotations where they lie elsewhere.

        Raises:
            InputError: no such folder.
        """
        for folder in filter(None, (root, annotations)):
            if not folder.is_dir():
                raise InputError(f"no such folder: {folder}")
        tree = walk(root)
        texts = tree.texts if annotations is None else walk(annotations).texts
        passed = tuple(other for other in tree.passed if other.path not in tree.texts)
        return cls(tree.videos, annotations or root, texts, passed)

    def lists(self, pattern: str, *, accept: Callable[[Path], bool] = lambda _: True) -> list[Path]:
        """Annotation files by name, at any depth: those of the topmost folders with such.

        Args:
            pattern: as ``train/*.txt``, matched with the end of a path.
            accept: whether a file of this name is one.

        Raises:
            InputError: no such file, or equally deep folders with files of one name.
        """
        texts = [
            text
            for text in map(Path, self.texts)
            if text.match(pattern) and accept(self.annotations / text)
        ]
        if not texts:
            raise InputError(
                f"no annotation file {pattern} below {self.annotations}: download the dataset's "
                "lists too, or name their folder with --annotations"
            )
        depth = min(len(text.parts) for text in texts)
        found: dict[str, Path] = {}  # by name; siblings may hold a part each
        for text in texts:
            if len(text.parts) == depth and found.setdefault(text.name, text) != text:
                raise InputError(
                    f"{self.annotations} holds {text.name} twice, in {found[text.name].parent} and "
                    f"in {text.parent}: name one folder with --annotations"
                )
        return [self.annotations / text for text in found.values()]
