"""Write the tables of docs/results.md and its figure: ``python tests/benchmarks/study/write.py``.

They come from docs/results/*.json alone. The page's other text is written by hand: a table stands
between ``<!-- NAME -->`` and ``<!-- end -->``.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import questions
import tables
from outcomes import CaseOutcome, PartOutcome
from paired import RECOMMENDED
from picture import knobs_picture
from plan import Part, Plan, read_plan

from tcon.cache import InputError
from tcon.cache.common.records import from_json
from tcon.evaluate.figures.picture import Picture

DOCS = Path(__file__).parents[3] / "docs"
FIGURE = "results_knobs.png"
KNOBS = ("misalign", "appearance", "key_share", "bias")
BASELINES = ("source_only", "dann", "daaa", "cdan", "ta3n", "coral", "mcc", "im", "ema")
QUESTIONS = (
    *(("tcon", other) for other in BASELINES),
    *(("tcon+", other) for other in ("source_only", "tcon", "im")),
    (RECOMMENDED, "source_only"),
)
Cases = Sequence[CaseOutcome]
Table = Callable[[Cases, Part], str]
_BLOCK = re.compile(r"<!-- ([\w.]+) -->\n.*?<!-- end -->", re.DOTALL)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, default=DOCS / "results", help="folder of *.json")
    parser.add_argument("--page", type=Path, default=DOCS / "results.md", help="to be filled")
    options = parser.parse_args()
    try:
        plan = read_plan()
        made = read_results(options.results)
        page = fill(options.page.read_text(), blocks(made, plan))
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    options.page.write_text(page)
    if "curves" in made:
        picture = draw(made["curves"])
        folder = options.page.parent / "images"
        folder.mkdir(exist_ok=True)
        (folder / FIGURE).write_bytes(picture.encode("png"))


def read_results(folder: Path) -> dict[str, PartOutcome]:
    """The results of the parts that were run, by part.

    Raises:
        InputError: a file is damaged.
    """
    made = {}
    for file in sorted(folder.glob("*.json")):
        try:
            made[file.stem] = from_json(PartOutcome, file.read_text())
        except ValueError as error:
            raise InputError(f"{file} is damaged ({error}): make it again by run.py") from None
    return made


def fill(page: str, filled: Mapping[str, str]) -> str:
    """A page with its tables.

    Raises:
        InputError: the page names a table that there is none of.
    """

    def block(match: re.Match[str]) -> str:
        name = match[1]
        if name not in filled:
            raise InputError(f"no table {name}: choose one of {', '.join(filled)}")
        return f"<!-- {name} -->\n{filled[name]}\n<!-- end -->"

    return _BLOCK.sub(block, page)


def blocks(made: Mapping[str, PartOutcome], plan: Plan) -> dict[str, str]:
    """Everything that the page can show, by ``PART.TABLE``; ``PART.how`` says how it was made."""
    found: dict[str, str] = {}
    for name, part in plan.parts.items():
        for kind in ("how", *TABLES[name]):
            if name not in made:
                found[f"{name}.{kind}"] = f"Not run yet: the part `{name}` of the plan."
            elif kind == "how":
                found[f"{name}.how"] = tables.source_line(made[name], part, plan.training)
            else:
                found[f"{name}.{kind}"] = TABLES[name][kind](made[name].cases, part)
    found["backbones.rows"] = _backbones(made, plan)
    return found


def _backbones(made: Mapping[str, PartOutcome], plan: Plan) -> str:
    """The real clips on both backbones."""
    first, second = (part for part in plan.parts.values() if part.real)
    if not {first.name, second.name} <= made.keys():
        return f"Not run yet: the parts `{first.name}` and `{second.name}` of the plan."
    before, after = (_by_world(made[part.name].cases) for part in (first, second))
    return questions.backbones_table(
        {name: (before[name], after[name]) for name in before},
        (first.backbone, second.backbone),
        (first.reference, "tcon", "tcon+", RECOMMENDED),
    )


def draw(curves: PartOutcome) -> Picture:
    """Accuracy by every knob that the worlds turn."""
    panels = {knob: tables.by_value(curves.cases, knob) for knob in KNOBS}
    panels = {knob: groups for knob, groups in panels.items() if len(groups) > 1}
    cases = [c for groups in panels.values() for members in groups.values() for c in members]
    return knobs_picture(panels, tables.rows_of(cases))


def _base(cases: Cases) -> Cases:
    return [case for case in cases if case.world == "base"]


def _base_methods(cases: Cases, part: Part) -> str:
    return tables.methods_table(_base(cases), part.reference, nested=True)


def _knob(knob: str) -> Table:
    return lambda cases, part: tables.knob_table(cases, knob, part.reference)


def _by_world(cases: Cases) -> dict[str, Cases]:
    groups: dict[str, Cases] = {}
    for case in cases:
        name = case.world.replace("_to_", " to ")
        groups[name] = [*groups.get(name, ()), case]
    return groups


def _misaligned(cases: Cases) -> dict[str, Cases]:
    """The base world and those that differ from it in misalignment alone."""
    turned = {n: some for n, some in _by_world(cases).items() if n.startswith("misalign=")}
    return {"base": _base(cases), **turned}


def _questions(cases: Cases, part: Part) -> str:
    worlds = _by_world(cases) if part.real else _misaligned(cases)
    return questions.questions_table(worlds, QUESTIONS, nested=not part.real)


def _interaction(cases: Cases, part: Part) -> str:
    return questions.interaction_table(_misaligned(cases), "tcon", "source_only", "base")


def _recommended(cases: Cases, part: Part) -> str:
    worlds = _by_world(cases)
    return questions.recommended_table(worlds, part.reference, nested=not part.real)


def _validators(cases: Cases, part: Part) -> str:
    chosen = cases if part.real else _base(cases)
    return questions.validators_table(chosen, part.reference)


def _attention(cases: Cases, part: Part) -> str:
    return tables.attention_table(_base(cases))


def _directions(cases: Cases, part: Part) -> str:
    return _each_world(cases, lambda some: tables.methods_table(some, part.reference, nested=False))


def _variants(cases: Cases, part: Part) -> str:
    return _each_world(
        cases,
        lambda some: tables.variants_table(some, part.reference, timed=part.name == "fast"),
    )


def _attention_by_world(cases: Cases, part: Part) -> str:
    return _each_world(cases, tables.attention_table)


def _each_world(cases: Cases, table: Callable[[Cases], str]) -> str:
    """A table for each kind of world, under its name where there are several."""
    worlds = _by_world(cases)
    if len(worlds) == 1:
        return table(cases)
    return "\n\n".join(f"{name}:\n\n{table(some)}" for name, some in worlds.items())


def _modalities(cases: Cases, part: Part) -> str:
    return tables.modalities_table(cases, part.modalities, part.reference)


REAL: Mapping[str, Table] = {
    "methods": _directions,
    "questions": _questions,
    "recommended": _recommended,
    "validators": _validators,
}
TABLES: Mapping[str, Mapping[str, Table]] = {
    "curves": {
        "methods": _base_methods,
        "questions": _questions,
        "interaction": _interaction,
        "figure": lambda cases, part: f"![accuracy by knob](images/{FIGURE})",
        "recommended": _recommended,
        "validators": _validators,
        "attention": _attention,
        **{knob: _knob(knob) for knob in KNOBS},
    },
    "ablations": {"modalities": _modalities},
    "ambiguities": {"variants": _variants, "attention": _attention},
    "fast": {"variants": _variants},
    "components": {"variants": _variants, "attention": _attention_by_world},
    "real": REAL,
    "real_lite2": REAL,
}


if __name__ == "__main__":
    main()
