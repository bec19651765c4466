"""The study's plan: parts, the worlds of each, and the rows that train on every world."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tcon.adapt.config.settings import keys
from tcon.adapt.methods import entry
from tcon.cache import InputError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PLAN = Path(__file__).with_name("plan.toml")


@dataclass(frozen=True)
class Row:
    """A method, and what it differs by from the plan's settings.

    Args:
        text: ``METHOD KEY=VALUE ...``; keys are the method's own, or start with ``train.``.
    """

    text: str

    @property
    def method(self) -> str:
        return self.text.split()[0]

    @property
    def folder(self) -> str:
        """A name that file systems take."""
        return self.text.replace(" ", "_")

    def settings(self, training: Training) -> tuple[str, ...]:
        """All settings of its run, as ``tcon adapt --set`` takes them; later ones count.

        Raises:
            InputError: an unknown method.
        """
        method, *own = self.text.split()
        has = set(keys(entry(method).config))
        narrow = [f"{method}.{k}={v}" for k, v in training.widths.items() if k in has]
        own = [text if text.startswith("train.") else f"{method}.{text}" for text in own]
        return (*training.settings, *narrow, *own)


@dataclass(frozen=True)
class Training:
    """What all runs have in common.

    Args:
        segments: K.
        snippets: extracted of each clip.
        settings: ``KEY=VALUE`` of every run.
        widths: options of methods that have them.
    """

    segments: int
    snippets: int
    settings: tuple[str, ...]
    widths: Mapping[str, int]


@dataclass(frozen=True)
class Case:
    """One world with one seed, on which all its rows train.

    Args:
        world: what differs from the base world, as ``misalign=0.5``; of real clips the direction.
        seed: of the generator and of training.
        knobs: all knobs of the generator; empty for real clips.
        rows: that train on it.
    """

    world: str
    seed: int
    knobs: Mapping[str, float]
    rows: tuple[Row, ...]

    @property
    def name(self) -> str:
        """Of its folders and files."""
        return f"{self.world}_seed{self.seed}"


@dataclass(frozen=True)
class Part:
    """One part of the study, which runs by itself.

    Args:
        name: its key in the plan.
        title: for people.
        reference: text of the row that the others are compared with.
        cases: worlds and seeds; of real clips one for each seed, with ``world`` empty.
        modalities: that every row is trained on; with several they are fused too.
        recommended: whether a method is chosen among those of ``--method recommended``.
        attention: whether attention is compared with the known times of the action.
        real: whether its clips are those of ``--data``.
        backbone: of the features.
    """

    name: str
    title: str
    reference: str
    cases: tuple[Case, ...]
    modalities: tuple[str, ...] = ("rgb",)
    recommended: bool = False
    attention: bool = False
    real: bool = False
    backbone: str = "efficientnet_lite0"

    def some(self, *, seeds: range | None, methods: Sequence[str]) -> Part:
        """The cases of some seeds, with the rows of some methods; all where none are named.

        Raises:
            InputError: nothing is left.
        """
        cases = [
            replace(case, rows=rows)
            for case in self.cases
            if (seeds is None or case.seed in seeds)
            and (rows := tuple(r for r in case.rows if not methods or r.method in methods))
        ]
        if not cases:
            raise InputError(f"the part {self.name} has no such seeds or methods: see plan.toml")
        return replace(self, cases=tuple(cases))


@dataclass(frozen=True)
class Plan:
    """The whole study."""

    training: Training
    parts: Mapping[str, Part]


def read_plan(path: Path = PLAN) -> Plan:
    """Read a plan.

    Raises:
        InputError: a world names a knob that the base world does not have.
    """
    data = tomllib.loads(path.read_text())
    training = Training(
        segments=data["training"]["segments"],
        snippets=data["training"]["snippets"],
        settings=tuple(data["training"]["settings"]),
        widths=data["training"]["widths"],
    )
    parts = {name: _part(name, part, data["base"]) for name, part in data["parts"].items()}
    return Plan(training, parts)


def parse_seeds(text: str) -> range:
    """``A:B`` to the seeds from A up to B - 1.

    Raises:
        InputError: anything else.
    """
    first, colon, end = text.partition(":")
    if not (colon and first.isdigit() and end.isdigit() and int(first) < int(end)):
        raise InputError(f"seeds {text}: write them as 100:110, which ends before 110")
    return range(int(first), int(end))


def _part(name: str, part: Mapping[str, Any], base: Mapping[str, float]) -> Part:
    real = part.get("real", False)
    return Part(
        name=name,
        title=part["title"],
        reference=part["reference"],
        cases=tuple(_cases(name, part, {} if real else base)),
        modalities=tuple(part.get("modalities", ("rgb",))),
        recommended=part.get("recommended", False),
        attention=part.get("attention", False),
        real=real,
        backbone=part.get("backbone", Part.backbone),
    )


def _cases(name: str, part: Mapping[str, Any], base: Mapping[str, float]) -> Iterable[Case]:
    for world in part["worlds"]:
        turned = {k: v for k, v in world.items() if k not in ("seeds", "rows")}
        if unknown := turned.keys() - base.keys():
            raise InputError(f"part {name}: the base world has no knob {min(unknown)}")
        rows = tuple(map(Row, part[world.get("rows", "rows")]))
        label = ",".join(f"{k}={v}" for k, v in turned.items()) or ("base" if base else "")
        for seed in parse_seeds(world["seeds"]):
            yield Case(label, seed, {**base, **turned}, rows)
