"""The paper's Tables 1 to 5 as printed, and which of our runs belong beside each number."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_FILE = Path(__file__).parent / "published.csv"
# The tool's name of each input; Table 4 does not say which it is, its plan takes RGB.
MODALITIES: Mapping[str, str] = {
    "RGB": "rgb",
    "Flow": "flow",
    "R+F": "rgb+flow",
    "unstated": "rgb",
}
# Tasks whose class list is not public, and those that stand in.
PROXIES: Mapping[str, tuple[str, ...]] = {
    "(HMDB51->UCF101)_1": ("(HMDB51->UCF101)_2", "(HMDB51->UCF101)_1 (guess)")
}
# What is not certain of a task's classes.
CLASS_LISTS: Mapping[str, str] = {
    "(HMDB51->UCF101)_1": "proxy: the class list of (HMDB51->UCF101)_1 is not public. Ours is that "
    "of (HMDB51->UCF101)_2, which differs in 3 of 12 classes, or a guess.",
    "(HMDB51->UCF101)_all": "Which of the 51 classes the paper tests is assumed: the 12 of "
    "(HMDB51->UCF101)_2.",
    "Jester(S)->Jester(T)": "The classes of Jester(S)->Jester(T) are those of CoMix's repository; "
    "the paper's list is not public.",
}


@dataclass(frozen=True)
class Published:
    """One number of the paper.

    Args:
        table: "1" to "5".
        method: as printed.
        ours: the method of `adapt` that stands beside it.
        backbone, modality, task: as printed; the task's name is that of the shipped task files.
        mean, std: in percent; None where no deviation is printed.
        source: where it was read.
        note: what else must be known.
    """

    table: str
    method: str
    ours: str
    backbone: str
    modality: str
    task: str
    mean: float
    std: float | None
    source: str
    note: str

    @property
    def text(self) -> str:
        return f"{self.mean:.2f}" + ("" if self.std is None else f" ± {self.std:.2f}")


def published(table: str) -> list[Published]:
    """The numbers of one table, in its order."""
    with _FILE.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["table"] == table]
    return [
        Published(
            table=row["table"],
            method=row["method"],
            ours=row["ours"],
            backbone=row["backbone"],
            modality=row["modality"],
            task=row["task"],
            mean=float(row["mean"]),
            std=float(row["std"]) if row["std"] else None,
            source=row["source"],
            note=row["note"],
        )
        for row in rows
    ]
