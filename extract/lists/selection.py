"""Which videos an extraction takes: from paths, or as the options of ``tcon extract`` say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...cache.errors import InputError, printable
from ..decoding import is_there
from .datasets import read_dataset
from .folders.tree import is_video
from .shards import Shard
from .videos import VideoItem, read_videos

Videos = str | Path | Sequence[str | Path | VideoItem]


def select_videos(
    videos: Videos,
    *,
    root: str | Path | None = None,
    unlabelled: bool = False,
    on_note: Callable[[str], None] = lambda note: None,
) -> list[VideoItem]:
    """The videos that a path or several name.

    Args:
        videos: a list file, a folder or a video, or several of these; or items that were read
            before. A single video's id is its file name, of several paths each video's id is its
            path.
        root: folder that the paths in lists start at.
        unlabelled: drop labels, as where the sub-folders of a folder are not classes.
        on_note: called with each line on what was found or assumed.

    Raises:
        InputError: one of them is missing or holds no video, or a video is named twice.
    """
    if isinstance(videos, str | Path):
        path = Path(videos)
        if is_single_video(path):
            return [VideoItem(printable(path.name), path, "", "")]
        return read_videos(path, root=root, unlabelled=unlabelled, on_note=on_note)
    items: list[VideoItem] = []
    for one in videos:
        if isinstance(one, VideoItem):
            items.append(one)
            continue
        for item in select_videos(one, root=root, unlabelled=unlabelled, on_note=on_note):
            name = printable(item.path.as_posix())
            items.append(VideoItem(name, item.path, item.label, item.split))
    seen: set[str] = set()
    for item in items:
        if item.id in seen:
            raise InputError(f"{item.id} is named twice: name each video once")
        seen.add(item.id)
    if not items:
        raise InputError("no videos are named")
    return items


def is_single_video(path: Path) -> bool:
    """Whether a path is a video file, and neither a list nor a folder."""
    return path.is_file() and is_video(path)


def require_there(paths: Sequence[Path]) -> None:
    """Refuse paths where there is neither a file nor a folder, nor a part of a folder of frames.

    Raises:
        InputError: names the first.
    """
    for path in paths:
        if not path.exists() and not is_there(path):
            raise InputError(f"no such video, folder or list: {path}")


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The options of ``tcon extract`` that say which videos.

    Args:
        videos: lists, folders and videos, as `select_videos` takes them; none with a dataset.
        root: folder that the paths of a list start at, or that a dataset lies below.
        dataset: an official dataset's name.
        split: of the dataset; None for its first.
        annotations: folder of the dataset's lists, if not below its root.
        strict: refuse a dataset of which videos are missing.
        list_form: of the list, where its shape does not tell.
        classes: class map that names a list's numbers.
        classes_from: number of the map's first class in the list.
        trust_pickle: the user vouches for a list that is a pickle.
        unlabelled: drop labels.
        shard: ``i/n``, the share of the videos that is taken; None for all.

    Raises:
        InputError: options that do not go together.
    """

    videos: tuple[Path, ...] = ()
    root: Path | None = None
    dataset: str | None = None
    split: int | None = None
    annotations: Path | None = None
    strict: bool = False
    list_form: str | None = None
    classes: Path | None = None
    classes_from: int | None = None
    trust_pickle: bool = False
    unlabelled: bool = False
    shard: str | None = None

    def __post_init__(self) -> None:
        if self.dataset and (self.videos or self.unlabelled or not self.root):
            raise InputError("--dataset needs --root DIR, and no VIDEOS, --check or --unlabelled")
        if (self.dataset or len(self.videos) > 1) and self.for_lists:
            raise InputError(_FOR_LISTS)
        for_datasets = self.split is not None or self.annotations or self.strict
        if not self.dataset and for_datasets:
            raise InputError("--split, --annotations and --strict are for a --dataset: name one")
        if not self.dataset and not self.videos:
            raise InputError("name the VIDEOS to extract, or an official --dataset and its --root")

    @property
    def for_lists(self) -> bool:
        """Whether an option is given that only a list can have."""
        has_classes = self.classes is not None or self.classes_from is not None
        return bool(self.list_form or has_classes or self.trust_pickle)

    def one_video(self) -> VideoItem:
        """The single video of ``--check``.

        Raises:
            InputError: it is not there; a dataset, or an option that only a list can have.
        """
        if self.dataset or self.unlabelled:
            raise InputError("--dataset needs --root DIR, and no VIDEOS, --check or --unlabelled")
        if self.for_lists:
            raise InputError(_FOR_LISTS)
        if len(self.videos) > 1:
            raise InputError(f"--check looks at one video, not at {len(self.videos)}")
        require_there(self.videos)
        return VideoItem(printable(self.videos[0].name), self.videos[0], "", "")

    def read(self, on_note: Callable[[str], None] = lambda note: None) -> list[VideoItem]:
        """The videos.

        Args:
            on_note: called with each line on what was found or assumed.

        Raises:
            InputError: no such list, folder, video or dataset, or a wrong one.
        """
        items = self._whole(on_note)
        return Shard.parse(self.shard).choose(items) if self.shard is not None else items

    def output(self, given: Path | None) -> Path:
        """The feature file: the one given, or ``cache/NAME.h5``; with the shard in its name."""
        path = given or Path("cache") / f"{self._name()}.h5"
        return Shard.parse(self.shard).output(path) if self.shard is not None else path

    def _whole(self, on_note: Callable[[str], None]) -> list[VideoItem]:
        if self.dataset and self.root:
            found = read_dataset(
                self.dataset,
                self.root,
                split=1 if self.split is None else self.split,
                annotations=self.annotations,
                strict=self.strict,
            )
            on_note(f"{self.dataset}: {found}.")
            return found.items
        path, *others = self.videos
        if others or (is_single_video(path) and not self.for_lists):
            return select_videos(
                self.videos if others else path,
                root=self.root,
                unlabelled=self.unlabelled,
                on_note=on_note,
            )
        return read_videos(
            path,
            root=self.root,
            unlabelled=self.unlabelled,
            form=self.list_form,
            classes=self.classes,
            classes_from=self.classes_from,
            trust_pickle=self.trust_pickle,
            on_note=on_note,
        )

    def _name(self) -> str:
        if self.dataset:
            split = self.split or 1
            return self.dataset + f"_split{split}" * (split > 1)
        path, *others = self.videos
        if others:
            raise InputError("name the feature file of several VIDEOS: -o FILE.h5")
        return path.resolve().name if path.is_dir() else path.stem


_FOR_LISTS = (
    "--list-form, --classes, --classes-from and --trust-pickle are for lists, one at a time: leave "
    "them out with --dataset, --check and several VIDEOS"
)
