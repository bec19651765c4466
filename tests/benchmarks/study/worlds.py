"""The features of a world; synthetic clips are drawn, extracted and deleted."""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from plan import Case, Part, Training

from tcon.cache import InputError
from tcon.cache.common.records import from_json, to_json
from tcon.cache.recipe import FlowRecipe
from tcon.extract import Machine, extract
from tcon.extract.flow import PRESETS
from tcon.extract.synthetic import World, write_pair

_PRESET = "fast"
_FLOW = FlowRecipe(parameters=PRESETS[_PRESET])
_ORIGIN = "origin.json"
_MACHINE = Machine(device="cpu", workers=0)  # the pool's processes keep the cores busy


@dataclass(frozen=True)
class Features:
    """Feature files of two domains, and the classes to be told apart (None: those they share)."""

    source: Path
    target: Path
    task: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What a folder's features are of, or those that its runs were trained on.

    Args:
        knobs: of the generator; empty for real clips.
        seed: of the case.
        snippets: of each clip.
        flow: preset of the flow; empty without flow.
    """

    knobs: Mapping[str, float]
    seed: int
    snippets: int
    flow: str

    def items(self) -> dict[str, object]:
        """All of it by name."""
        return {**self.knobs, "seed": self.seed, "snippets": self.snippets, "flow": self.flow}


def origin_of(case: Case, training: Training, modalities: tuple[str, ...]) -> Origin:
    """What the features of a case are of."""
    flow = _PRESET if "flow" in modalities else ""
    return Origin(knobs=case.knobs, seed=case.seed, snippets=training.snippets, flow=flow)


def claim(folder: Path, origin: Origin) -> None:
    """Make a folder that says what it is of, or make sure that an older one is of the same.

    Raises:
        InputError: it is of something else, or does not say of what.
    """
    if folder.exists():
        _require_same(folder, origin)
        return
    begun = _begin(folder, origin)
    os.replace(begun, folder)


def world_of(case: Case) -> World:
    """The generator's knobs of a case."""
    return World(**dict(case.knobs), seed=case.seed)


def synthetic_features(
    case: Case, training: Training, modalities: tuple[str, ...], folder: Path
) -> Features:
    """The features of a synthetic world, made where the folder does not hold them yet.

    Args:
        case: the world and its seed.
        training: says how many snippets.
        modalities: "rgb" and "flow".
        folder: of all worlds.

    Raises:
        InputError: the folder holds features of this name that are of something else.
    """
    home = folder / f"{case.name}_{'+'.join(modalities)}"
    origin = origin_of(case, training, modalities)
    if home.exists():
        _require_same(home, origin)
    else:
        begun = _begin(home, origin)
        pair = write_pair(begun / "clips", world=world_of(case))
        shutil.copy(pair.task, begun / "task.csv")
        for videos in (pair.source_list, pair.target_list):
            shown = _of_the_task(videos, pair.task)
            _extract(shown, begun / f"{videos.stem}.h5", training, modalities, videos.parent)
        shutil.rmtree(begun / "clips")
        os.replace(begun, home)  # whole or not at all, whenever this is killed
    return Features(home / "source.h5", home / "target.h5", home / "task.csv")


def real_features(data: Path, training: Training, part: Part, folder: Path) -> dict[str, Features]:
    """The features of two real domains, both ways, by the direction's name.

    Args:
        data: a folder with two feature files, or with two lists; a list's paths start at the folder
            of its name, if there is one.
        training: says how many snippets.
        part: says which backbone and modalities.
        folder: gets the features that are extracted.

    Raises:
        InputError: neither two feature files nor two lists.
    """
    files, lists = sorted(data.glob("*.h5")), sorted(data.glob("*.csv"))
    if len(files) != 2:
        if len(lists) != 2:
            raise InputError(f"{data} holds neither two .h5 files nor two .csv lists of clips")
        folder.mkdir(parents=True, exist_ok=True)
        files = []
        for videos in lists:
            root = videos.with_suffix("") if videos.with_suffix("").is_dir() else data
            file = folder / f"{videos.stem}.h5"
            files.append(_extract(videos, file, training, part.modalities, root, part.backbone))
    a, b = files
    return {
        f"{a.stem}_to_{b.stem}": Features(a, b),
        f"{b.stem}_to_{a.stem}": Features(b, a),
    }


def _begin(folder: Path, origin: Origin) -> Path:
    """What becomes the folder when it is whole: empty, but for its origin."""
    begun = folder.with_name(folder.name + ".begun")
    shutil.rmtree(begun, ignore_errors=True)
    begun.mkdir(parents=True)
    (begun / _ORIGIN).write_text(to_json(origin))
    return begun


def _require_same(folder: Path, origin: Origin) -> None:
    file = folder / _ORIGIN
    if not file.exists():
        raise InputError(f"{folder} does not say what it was made of: delete it")
    try:
        before = from_json(Origin, file.read_text()).items()
    except ValueError as error:
        raise InputError(f"{file} is damaged ({error}): delete {folder}") from None
    now = origin.items()
    for name in [*now, *before]:
        if before.get(name) != now.get(name):
            raise InputError(
                f"{folder} was made with another {name} ({before.get(name)}, now {now.get(name)}): "
                "delete it, or choose another -o"
            )


def _extract(
    videos: Path,
    output: Path,
    training: Training,
    modalities: tuple[str, ...],
    root: Path,
    backbone: str | None = None,
) -> Path:
    file = extract(
        videos,
        output,
        modality=",".join(modalities),
        backbone=backbone,
        snippets=training.snippets,
        root=root,
        flow=_FLOW if "flow" in modalities else None,
        machine=_MACHINE,
    )
    return file.path


def _of_the_task(videos: Path, task: Path) -> Path:
    """A list without the videos of other classes, beside the whole one."""
    with task.open(newline="") as file:
        classes = {row["class"] for row in csv.DictReader(file)}
    with videos.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["label"] in classes]
    kept = videos.with_name(f"{videos.stem}_task.csv")
    with kept.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return kept
