"""Share one list among processes, hosts or array tasks without a coordinator."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...cache.errors import InputError
from .videos import VideoItem


@dataclass(frozen=True)
class Shard:
    """Shard ``index`` of ``count``, counted from 1."""

    index: int
    count: int

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Read ``i/n``.

        Raises:
            InputError: not two numbers with 1 <= i <= n.
        """
        match = re.fullmatch(r"(\d+)/(\d+)", text)
        if not match or not 1 <= int(match[1]) <= int(match[2]):
            raise InputError(f"shard '{text}': it is i/n with i from 1 to n, such as 1/4")
        return cls(int(match[1]), int(match[2]))

    def choose(self, items: Sequence[VideoItem]) -> list[VideoItem]:
        """The videos of this shard; each stays in its shard however the list changes."""
        return [item for item in items if _hash(item.id) % self.count == self.index - 1]

    def output(self, path: Path) -> Path:
        """``clips.h5`` to ``clips.1-of-4.h5``; ``clips.*-of-4.h5`` reads them as one file."""
        return path.with_name(f"{path.stem}.{self.index}-of-{self.count}{path.suffix}")


def _hash(id_: str) -> int:
    return int.from_bytes(hashlib.sha256(id_.encode()).digest()[:8], "big")
