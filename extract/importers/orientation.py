"""Whether features lie as [dimensions, snippets], as some tools save them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass


@dataclass(frozen=True)
class Transposed:
    """Features that look transposed.

    Args:
        rows: that every video has.
        columns: how many videos have, sorted.
    """

    rows: int
    columns: tuple[int, ...]

    @property
    def certain(self) -> bool:
        """Whether videos have different numbers of columns, which cannot be dimensions."""
        return len(self.columns) > 1

    def __str__(self) -> str:
        if self.certain:
            return (
                f"look transposed: all videos have {self.rows} rows, and {self.columns[0]} to "
                f"{self.columns[-1]} columns; arrays must be [snippets, dimensions]: save each as "
                "array.T"
            )
        return (
            f"may be transposed: all videos have {self.rows} snippets of {self.columns[0]} "
            "dimensions; if it is the other way round, save each array as array.T"
        )


def find_transposed(shapes: Counter[tuple[int, int]]) -> Transposed | None:
    """Whether arrays of these shapes look transposed: as many rows in every video, and either more
    rows than columns, or columns that differ from video to video.

    Args:
        shapes: of the videos' arrays, [rows, columns]; how many videos have each.
    """
    rows, columns = {n for n, _ in shapes}, sorted({d for _, d in shapes})
    if shapes.total() < 2 or len(rows) != 1 or rows == {1}:
        return None
    [n] = rows
    # A single odd video among many alike is no sign.
    differ = len(columns) > 2 or len(columns) == shapes.total()
    return Transposed(n, tuple(columns)) if differ or n > columns[-1] else None
