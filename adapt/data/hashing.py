"""Hashes of the videos that runs are made with, by which a run knows them again."""

from __future__ import annotations

from collections.abc import Sequence

from ...cache import FeatureFile
from ..run.data_record import Domain
from ..run.videos import RunVideos
from .domains import Domains


class VideoHashes:
    """Hashes of both domains' videos, each computed once.

    Args:
        source, target: feature files.
    """

    def __init__(self, source: FeatureFile, target: FeatureFile) -> None:
        self._files: dict[Domain, FeatureFile] = {"source": source, "target": target}
        self._known: dict[tuple[Domain, str | None], dict[str, str]] = {}
        self._whole: dict[tuple[Domain, str | None], str] = {}

    def of(self, domains: Domains, seen: str | None) -> RunVideos:
        """The videos of a run; those of the source are hashed with their labels.

        Args:
            domains: of the run.
            seen: the modality whose features count; None for numbers of frames.
        """
        val = domains.source_val
        return RunVideos(
            source_train=self._hashes("source", seen, domains.source_train.ids),
            source_val=self._hashes("source", seen, () if val is None else val.ids),
            target_train=self._hashes("target", seen, domains.target_train.ids),
            target_test=self._hashes("target", seen, domains.target_test.ids),
        )

    def whole(self, domain: Domain, seen: str | None) -> str:
        """Of all videos of a file, as runs recorded it before they knew their own."""
        if (domain, seen) not in self._whole:
            file = self._files[domain]
            self._whole[domain, seen] = file.sha256(seen, labels=domain == "source")
        return self._whole[domain, seen]

    def _hashes(self, domain: Domain, seen: str | None, ids: Sequence[str]) -> dict[str, str]:
        known = self._known.setdefault((domain, seen), {})
        if missing := set(ids) - known.keys():
            known |= self._files[domain].hashes(seen, labels=domain == "source", ids=missing)
        return {id_: known[id_] for id_ in ids}
