"""Which HDF5 files make up one feature file: itself, its parts, or a glob of shards."""

from __future__ import annotations

from pathlib import Path

from .errors import MissingFile

_WILDCARDS = "*?["


def parts_folder(path: Path) -> Path:
    """Where the parts of an unfinished extraction lie: ``FILE.h5.parts/`` beside the file."""
    return path.with_name(path.name + ".parts")


def parts_of(path: Path) -> list[Path]:
    """The file itself, where it exists, and its parts, oldest first."""
    parts = sorted(parts_folder(path).glob("part-*.h5"))
    return [path, *parts] if path.exists() or not parts else parts


def sources_of(path: Path) -> list[Path]:
    """Every HDF5 file to read for ``path``, which may be a glob such as ``clips.*-of-4.h5``.

    Raises:
        MissingFile: a glob that matches nothing.
    """
    if path.exists() or not any(c in path.name for c in _WILDCARDS):
        return parts_of(path)
    shards = sorted(p for p in path.parent.glob(path.name) if p.suffix not in (".tmp", ".parts"))
    if not shards:
        raise MissingFile(f"no feature file matches {path}")
    return [source for shard in shards for source in parts_of(shard)]
