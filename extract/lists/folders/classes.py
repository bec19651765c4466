"""The videos of a folder with labels and splits by the names of its folders."""

from __future__ import annotations

from pathlib import Path

from ....cache.errors import InputError, printable
from ..entries.entry import Entry
from .passed import describe_passed_over
from .tree import Tree


def entries_of(tree: Tree, folder: Path, *, unlabelled: bool) -> list[Entry]:
    """The videos of a folder ``class/video`` or ``split/class/video``, or of unlabelled videos.

    Args:
        tree: what lies below the folder.
        folder: the folder.
        unlabelled: its sub-folders are no classes; then it may have any depth.

    Returns:
        entries whose names are paths relative to the folder; splits are folders' names.

    Raises:
        InputError: no video, or videos at several levels.
    """
    if not tree.videos:
        passed = describe_passed_over(tree.passed)
        raise InputError(
            f"{folder} holds no video files and no folders of frames (00001.jpg, img_00001.png, "
            f"...){f', but {passed}' if passed else ''}"
        )
    if unlabelled:
        return [Entry(video) for video in tree.videos]
    levels = {len(Path(video).parts): video for video in reversed(tree.videos)}
    if len(levels) > 1 or max(levels) > 3:
        examples = ", ".join(printable(levels[depth]) for depth in sorted(levels))
        raise InputError(
            f"{folder} mixes levels ({examples}): its videos must all lie directly in it "
            "(unlabelled), in class/ or in split/class/ folders; or write a list, or say "
            "--unlabelled"
        )
    entries = []
    for video in tree.videos:
        *above, _ = ("", "", *(Path(video).parts or ("",)))
        entries.append(Entry(video, label=above[-1], split=above[-2]))
    return entries
