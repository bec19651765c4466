"""Which HDF5 files make up one feature file: itself, its parts, or a glob of shards."""

from __future__ import annotations

import re
from pathlib import Path

from .errors import InputError, MissingFile

_WILDCARDS = "*?["


def parts_folder(path: Path) -> Path:
    """Where the parts of an unfinished extraction lie: ``FILE.h5.parts/`` beside the file."""
    return path.parent / f"{path.name}.parts"  # `with_name` refuses "."


def parts_of(path: Path) -> list[Path]:
    """The file itself, where it exists, and its parts, oldest first."""
    parts = sorted(parts_folder(path).glob("part-*.h5"))
    return [path, *parts] if path.exists() or not parts else parts


def sources_of(path: Path) -> list[Path]:
    """Every HDF5 file to read for ``path``, which may be a glob such as ``clips.*-of-4.h5``.

    Raises:
        MissingFile: a glob that matches nothing.
        InputError: some of the shards are missing.
    """
    if path.exists() or not any(c in path.name for c in _WILDCARDS):
        return parts_of(path)
    shards = sorted(p for p in path.parent.glob(path.name) if p.suffix not in (".tmp", ".parts"))
    if not shards:
        raise MissingFile(f"no feature file matches {path}")
    _require_all(shards)
    return [source for shard in shards for source in parts_of(shard)]


def _require_all(shards: list[Path]) -> None:
    """Require every i of ``NAME.i-of-n.h5``: a part of a dataset is not a dataset."""
    found: dict[tuple[str, int], set[int]] = {}
    for shard in shards:
        if match := re.fullmatch(r"(.*)\.(\d+)-of-(\d+)\.\w+", shard.name):
            found.setdefault((match[1], int(match[3])), set()).add(int(match[2]))
    for (name, count), indices in found.items():
        if missing := sorted(set(range(1, count + 1)) - indices):
            raise InputError(
                f"{len(missing)} of the {count} shards of {name} are missing (the first: "
                f"{missing[0]}-of-{count}): extract them too"
            )
