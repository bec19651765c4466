"""Which videos a run was made with: their ids and hashes, kept as ``videos.json`` in its folder.

Other videos of the feature files do not count, so that a file may grow or lose others, and its
runs stay what they are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ...cache.common.counts import counted
from ...cache.common.records import from_data, to_json
from .data_record import Domain
from .files import may_be_damaged, parse_json, read_text

VIDEOS = "videos.json"
_NAMED = 3  # videos in a message
Hashes = Mapping[str, str]  # of videos, by their ids (`FeatureFile.hashes`)


@dataclass(frozen=True, kw_only=True)
class Changes:
    """How a domain's videos differ from those that a run was made with; ids in their order.

    Args:
        domain: whose.
        new: videos that the run does not know.
        gone: videos that are no longer there.
        changed: videos with other features or, in the source, other labels.
        moved: videos that are for something else now, such as tests in place of training.
    """

    domain: Domain
    new: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()

    def __str__(self) -> str:
        """``20 new target videos (a.mp4, b.mp4, c.mp4, ...), 1 target video gone (d.mp4)``; empty
        where there are no changes."""
        video = f"{self.domain} video"
        features = "features or label" if self.domain == "source" else "features"
        said = [
            f"{counted(len(self.new), f'new {video}')} ({_some(self.new)})" if self.new else "",
            _said(self.gone, video, "gone"),
            _said(self.changed, video, f"with other {features}"),
            _said(self.moved, video, "in another split"),
        ]
        return ", ".join(filter(None, said))


@dataclass(frozen=True, kw_only=True, repr=False)
class RunVideos:
    """The hash of each video that a run was made with, by its id, for each use."""

    source_train: Hashes
    source_val: Hashes
    target_train: Hashes
    target_test: Hashes

    def __repr__(self) -> str:
        source, target = (counted(len(self.of(d)), f"{d} video") for d in ("source", "target"))
        return f"RunVideos({source}, {target})"

    def of(self, domain: Domain) -> dict[str, str]:
        """The hash of each video of a domain, by its id."""
        return {id_: hash_ for hashes in self._uses(domain) for id_, hash_ in hashes.items()}

    def sha256(self, domain: Domain) -> str:
        """One hash of a domain's videos and of what each is for."""
        digest = hashlib.sha256()
        for use, hashes in enumerate(self._uses(domain)):
            for id_, hash_ in sorted(hashes.items()):
                digest.update(f"{use}\0{id_}\0{hash_}\0".encode())
        return digest.hexdigest()

    def changes(self, other: RunVideos, domain: Domain) -> Changes:
        """How the videos of another run differ from these."""
        ours, theirs = self.of(domain), other.of(domain)
        both = ours.keys() & theirs.keys()
        pairs = list(zip(self._uses(domain), other._uses(domain), strict=True))
        return Changes(
            domain=domain,
            new=tuple(sorted(theirs.keys() - ours)),
            gone=tuple(sorted(ours.keys() - theirs)),
            changed=tuple(sorted(id_ for id_ in both if ours[id_] != theirs[id_])),
            moved=tuple(
                sorted(id_ for id_ in both if any((id_ in a) != (id_ in b) for a, b in pairs))
            ),
        )

    def _uses(self, domain: Domain) -> tuple[Hashes, Hashes]:
        if domain == "source":
            return self.source_train, self.source_val
        return self.target_train, self.target_test


def read_videos(folder: Path) -> RunVideos | None:
    """The videos of a run; None for a run from before they were recorded.

    Raises:
        InputError: the file is damaged.
    """
    path = folder / VIDEOS
    with may_be_damaged(path):
        return from_data(RunVideos, parse_json(read_text(path))) if path.exists() else None


def write_videos(videos: RunVideos) -> bytes:
    """The content of ``videos.json``."""
    return (to_json(videos, indent=1) + "\n").encode()


def _said(ids: tuple[str, ...], video: str, what: str) -> str:
    return f"{counted(len(ids), video)} {what} ({_some(ids)})" if ids else ""


def _some(ids: tuple[str, ...]) -> str:
    more = ", ..." if len(ids) > _NAMED else ""
    return ", ".join(ids[:_NAMED]) + more
