"""Quick runs on feature files that were made without any video."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from feature_files import write_domain
from prepared_runs import prepare

from tcon.adapt.config.defaults import PRESET as MATCHED
from tcon.adapt.config.runs import make_runs
from tcon.adapt.grid import run_all
from tcon.evaluate.runs.groups import Group, group_runs
from tcon.evaluate.runs.read import find_runs

QUICK = ("train.epochs=1", "train.min_steps=4", "train.batch_size=4", "train.evaluations=2")
SMALL = {
    "tcon": ("tcon.disc.hidden=8", "tcon.features=8", "tcon.att_hidden=4"),
    "source_only": ("source_only.features=8",),
}


def train(
    folder: Path,
    *,
    methods: Sequence[str] = ("source_only", "tcon"),
    modality: str = "rgb",
    segments: int | str = 4,
    seeds: int = 1,
    settings: Sequence[str] = (),
    preset: str = MATCHED,
    files: tuple[Path, Path] | None = None,
    task: Path | str | None = None,
    shift: float = 0.0,
) -> list[Group]:
    """Train on 12 source and 18 target videos, or on ``files``; all runs in ``folder``, scored.

    ``shift`` is added to the target's features.
    """
    if files is None:
        files = folder / "clips.h5", folder / "cctv.h5"
        if not files[0].exists():
            folder.mkdir(exist_ok=True)
            both = ("rgb", "flow")
            write_domain(files[0], modalities=both)
            write_domain(files[1], modalities=both, videos=18, seed=1, shift=shift)
    small = [setting for method in methods for setting in SMALL.get(method, ())]
    runs = make_runs(
        methods,
        [*QUICK, *small, *settings],
        modality=modality,
        segments=segments,
        seeds=seeds,
        preset=preset,
    )
    run_all(prepare(*files, runs, folder / "runs", task=task))
    return group_runs(find_runs([folder / "runs"])[0])
