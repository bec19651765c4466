"""What a user has downloaded: videos below a folder, and the dataset's annotation files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ...cache import InputError
from ..trees import walk


@dataclass(frozen=True)
class Files:
    """The files of a dataset.

    Args:
        videos: video files and frame folders, as paths relative to their root.
        annotations: where annotation files are looked for.
        texts: the text and csv files there, as paths relative to it.
    """

    videos: tuple[str, ...]
    annotations: Path
    texts: tuple[str, ...]

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
        return cls(tree.videos, annotations or root, texts)

    def lists(self, pattern: str, *, accept: Callable[[Path], bool] = lambda _: True) -> list[Path]:
        """Annotation files by name, at any depth: those of the topmost folder that has such files.

        Args:
            pattern: as ``train/*.txt``, matched with the end of a path.
            accept: whether a file of this name is one.

        Raises:
            InputError: no such file, or equally deep folders with such files.
        """
        by_folder: dict[Path, list[Path]] = {}
        for text in map(Path, self.texts):
            if text.match(pattern) and accept(self.annotations / text):
                by_folder.setdefault(text.parent, []).append(self.annotations / text)
        if not by_folder:
            raise InputError(
                f"no annotation file {pattern} below {self.annotations}: download the dataset's "
                "lists too, or name their folder with --annotations"
            )
        top = sorted(by_folder, key=lambda folder: len(folder.parts))
        if len(top) > 1 and len(top[0].parts) == len(top[1].parts):
            raise InputError(
                f"{self.annotations} holds {pattern} twice, in {top[0]} and in {top[1]}: name one "
                "folder with --annotations"
            )
        return by_folder[top[0]]
