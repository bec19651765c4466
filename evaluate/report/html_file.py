"""One self-contained HTML file that says everything of a comparison of runs.

The file needs nothing but itself: no script, no font, no link to elsewhere. All of its text is
escaped by the templates.
"""

from __future__ import annotations

import base64
import csv
import io
import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from ... import __version__
from ...cache.common.files.writing import write_output
from ...cache.errors import visible, visible_lines
from ..runs.logs import HealthWarning
from ..runs.provenance import FeatureOrigin, TaskFile
from ..runs.settings import SettingsTable
from ..runs.values import as_text
from ..tables.conclusion import class_count_table
from ..tables.layout import Block
from ..tables.unlabelled import COLUMNS, calibration_sentence, label_table
from .content import Content
from .page import concluded, confusions, distances, reported

if TYPE_CHECKING:
    from ..figures.picture import NotDrawn, Picture  # these need matplotlib
    from .label_cards import LabelCards

_MOST_ROWS = 500  # of labels without pictures
_HASHED = {"source": "hash of videos and labels", "target": "hash of videos"}
_TASK_COLUMNS = ("task", "class", "source_label", "target_label", "class_index")


def to_html(
    content: Content,
    *,
    pictures: Iterable[Picture | NotDrawn] = (),
    cards: Iterable[LabelCards] = (),
    command: str = "",
) -> str:
    """The report.

    Args:
        content: of runs.
        pictures: drawn, in their order, and why others are not.
        cards: the labels of unlabelled targets.
        command: that makes the report; empty where it was none.
    """
    summary: list[Mapping[str, str]] = []
    shown: list[Mapping[str, str]] = []
    for picture in pictures:
        (summary if getattr(picture, "summary", False) else shown).append(_picture(picture))
    labels = [_labels(group) for group in cards]
    far, provenance = distances(content), content.provenance
    sections = {"labels": "Labels"} if labels else {}
    sections |= {"results": "Results", "health": "Health"}
    sections |= {"figures": "Figures"} if shown else {}
    sections |= {"domain-distance": "Domain distance"} if far else {}
    sections |= {"settings": "Settings"} if content.settings else {}
    sections |= {"provenance": "Provenance", "repeat-it": "Repeat it"} if provenance else {}
    values: dict[str, Any] = {
        "title": f"Video domain adaptation: {'; '.join(_transfers(content))}",
        "lead": _lead(content),
        "sections": sections,
        "concluded": concluded(content),
        "summary": summary,
        "confusions": confusions(content),
        "labels": labels,
        "columns_of_labels": COLUMNS,
        "results": reported(content),
        "health": content.health,
        "warnings": [_warning(warning) for warning in content.health.warnings],
        "pictures": shown,
        "distances": far,
        "settings": content.settings,
        **(_settings(content.settings) if content.settings else {}),
        "provenance": provenance,
        "command": command,
    }
    if provenance:
        values |= {
            "files": [_origin(file) for file in provenance.files],
            "software": [
                ("runs made by", ", ".join(f"tcon {v}" for v in provenance.made_by)),
                ("evaluated by", ", ".join(f"{n} {v}" for n, v in provenance.evaluated_by)),
            ],
            "tasks": [{"name": task.name, "csv": task_csv(task)} for task in provenance.tasks],
            "commands": [shlex.join(words) for words in provenance.commands],
        }
    return environment().get_template("report.html.j2").render(values)


def write_html(
    content: Content,
    path: str | Path,
    *,
    pictures: Iterable[Picture | NotDrawn] = (),
    cards: Iterable[LabelCards] = (),
    command: str = "",
) -> None:
    """Write `to_html`.

    Raises:
        InputError: it cannot be written.
    """
    text = to_html(content, pictures=pictures, cards=cards, command=command)
    write_output(Path(path), text)


def blocks_html(blocks: Sequence[Block]) -> str:
    """Blocks alone, without a page around them: for a notebook."""
    macros: Any = environment().get_template("blocks.html.j2").module
    return str(macros.blocks(blocks))


def task_csv(task: TaskFile) -> str:
    """A task as a csv for ``tcon adapt --task``."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_TASK_COLUMNS)
    writer.writerows([task.name, *row] for row in task.rows)
    return text.getvalue()


def wrapped(command: str, width: int = 80) -> str:
    """A command on several lines, broken before options."""
    lines: list[list[str]] = [[]]
    for word in shlex.split(command):
        line = [*lines[-1], shlex.quote(word)]
        if word.startswith("-") and len(" ".join(line)) > width // 2:
            lines.append([shlex.quote(word)])
        else:
            lines[-1] = line
    return " \\\n    ".join(" ".join(line) for line in lines)


def environment() -> Environment:
    """Of the templates; whatever they show is escaped."""
    made = Environment(
        loader=PackageLoader("tcon.evaluate.report"),
        autoescape=True,
        finalize=_printable,
        undefined=StrictUndefined,
        trim_blocks=False,
    )
    made.filters |= {"wrapped": wrapped, "visible": visible}
    return made


def _printable(value: object) -> object:
    """Without what UTF-8 or HTML cannot hold; what the templates made of it stays as it is."""
    return visible_lines(value) if type(value) is str else value


def _transfers(content: Content) -> list[str]:
    return list(dict.fromkeys(group.transfer for group in content.groups))


def _lead(content: Content) -> str:
    groups = content.groups
    runs = sum(len(group.runs) for group in groups)
    methods = ", ".join(dict.fromkeys(group.method for group in groups))
    some = f"{runs} run{'' if runs == 1 else 's'} in {len(groups)} setting"
    return f"{methods}: {some}{'' if len(groups) == 1 else 's'}, compared by tcon {__version__}."


def _picture(picture: Picture | NotDrawn) -> Mapping[str, str]:
    """Drawings as SVG, photographs as WebP, both inside the page; else why there is none."""
    from ..figures.picture import CannotDraw, Picture  # they need matplotlib

    if not isinstance(picture, Picture):
        return {"problem": str(picture)}
    try:
        mime, content = (
            ("image/webp", picture.encode("webp"))
            if picture.photo
            else ("image/svg+xml", picture.encode("svg"))
        )
    except CannotDraw as error:
        return {"problem": str(error)}
    source = f"data:{mime};base64,{base64.b64encode(content).decode()}"
    return {"title": picture.title, "caption": picture.caption, "source": source}


def _labels(group: LabelCards) -> Mapping[str, Any]:
    """Class counts, cards with attention in percent of the highest, and rows of the rest."""
    result = group.result
    rest = label_table(group.rest[:_MOST_ROWS])
    left_out = len(group.rest) - len(rest.rows)
    return {
        "name": f"{result.group.transfer}: {result.name}",
        "counts": class_count_table(result),
        "calibrated": calibration_sentence(result.calibration),
        "cards": [
            {
                "label": card.about,
                "images": card.images,
                "problem": card.problem,
                "attention": _of_highest(group.attention.get(card.about.video)),
            }
            for card in group.cards
        ],
        "rest": rest,
        "left_out": left_out,
        "problem": group.problem,
    }


def _of_highest(attention: np.ndarray | None) -> list[int]:
    """Weights [K] in percent of the highest one."""
    return (
        [] if attention is None else np.rint(100 * attention / attention.max()).astype(int).tolist()
    )


def _warning(warning: HealthWarning) -> Mapping[str, str]:
    """With the first of the runs, and all of them where there are several."""
    runs = warning.runs
    name, seed = runs[0]
    seeds = {name: " ".join(str(s) for n, s in runs if n == name) for name, _ in runs}
    all_runs = ", ".join(f"{name} (seed {numbers})" for name, numbers in seeds.items())
    return {
        "runs": f"{name}_seed{seed}" + (f" and {len(runs) - 1} more" if len(runs) > 1 else ""),
        "all_runs": all_runs if len(runs) > 1 else "",
        "text": warning.text,
        "remedy": warning.remedy,
    }


def _settings(settings: SettingsTable) -> Mapping[str, Any]:
    rows = [[key, *map(as_text, values)] for key, values in settings.differing.items()]
    return {
        "differing": {"head": ["setting", *settings.names], "rows": rows},
        "equal": [(key, as_text(value)) for key, value in settings.equal.items()],
        "alone": [
            (method, [(key, as_text(value)) for key, value in own.items()])
            for method, own in settings.alone.items()
        ],
    }


def _origin(file: FeatureOrigin) -> Mapping[str, Any]:
    rows = [*file.made, (_HASHED[file.domain], f"{file.fingerprint[:16]}...")]
    if file.problem:
        rows.append(("note", file.problem))
    return {"title": f"{file.domain}: {Path(file.path).name}", "rows": rows}
