"""The paper's tables as markdown, csv and LaTeX."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...cache import InputError
from .accuracy import write_rows
from .layout import bullets, markdown_table, mean_std, sample_std
from .paper import Block, Cell
from .published import MODALITIES, PROXIES

_COLUMNS = [
    *(
        "table",
        "task",
        "method",
        "modality",
        "published_mean",
        "published_std",
        "published_backbone",
    ),
    *("published_source", "ours_dataset", "ours_method", "proxy", "mean", "std", "low", "high"),
    *(
        "seeds",
        "segments",
        "backbone",
        "mode",
        "trains_on_target_labels",
        "note",
        "missing",
        "command",
    ),
]
_LATEX = {
    **{character: f"\\{character}" for character in "&%$#_{}"},
    "\\": "\\textbackslash{}",
    "~": "\\textasciitilde{}",
    "^": "\\textasciicircum{}",
    "±": "$\\pm$",
    "<": "$<$",
    ">": "$>$",
}


def blocks_markdown(blocks: Sequence[Block]) -> str:
    """Every block with its notes and the commands that fill its empty cells."""
    parts = []
    for block in blocks:
        rows = [[row[0].label, *map(_paper, row), *map(_ours, row)] for row in block.rows]
        parts.append(f"Table {block.table}, {block.task}")
        parts.append(
            markdown_table(
                [
                    "method",
                    *_side(block.paper, block.modalities),
                    *_side(block.ours, _our_modalities(block)),
                ],
                rows,
            )
        )
        parts.append(bullets(block.notes))
        for reason, commands in block.commands.items():
            if commands:
                lines = "\n".join(f"    {command}" for command in commands)
                parts.append(f"{reason}: fill the cells by\n\n{lines}")
    return "\n\n".join(parts)


def write_blocks_csv(blocks: Sequence[Block], path: str | Path) -> None:
    """One row per cell; published and our numbers in percent.

    Raises:
        InputError: it cannot be written.
    """
    rows = [_csv_row(block, cell) for block in blocks for row in block.rows for cell in row]
    write_rows(path, _COLUMNS, rows)


def write_latex(blocks: Sequence[Block], path: str | Path) -> None:
    """One ``table`` environment per block; needs the package booktabs.

    Raises:
        InputError: it cannot be written.
    """
    text = "% needs \\usepackage{booktabs}\n" + "\n".join(map(_latex, blocks))
    try:
        Path(path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from None


def _side(title: str, modalities: Sequence[str]) -> list[str]:
    """Headings of one side; the first one says whose numbers they are."""
    first, *rest = modalities
    return [f"{title}: {first}", *rest]


def _our_modalities(block: Block) -> list[str]:
    """What the paper does not state is stated for ours."""
    return [MODALITIES[m].upper() if m == "unstated" else m for m in block.modalities]


def _paper(cell: Cell) -> str:
    return cell.published.text if cell.published else ""


def _ours(cell: Cell) -> str:
    if cell.ours is None:
        return cell.missing
    return f"{mean_std(cell.ours.scores.accuracy)} ({len(cell.ours.runs)})"


def _csv_row(block: Block, cell: Cell) -> dict[str, object]:
    number, ours = cell.published, cell.ours
    row = {
        "table": block.table,
        "task": block.task,
        "method": cell.label,
        "modality": cell.modality,
        "ours_method": cell.method,
        "proxy": block.task in PROXIES,
        "missing": cell.missing,
        "command": cell.command,
    }
    if number:
        row |= {
            "published_mean": number.mean,
            "published_std": number.std,
            "published_backbone": number.backbone,
            "published_source": number.source,
        }
    if ours:
        scores, std = ours.scores, sample_std(ours.scores.accuracy)
        row |= {
            "ours_dataset": ours.dataset,
            "mean": 100 * scores.accuracy.mean(),
            "std": None if std is None else 100 * std,
            "low": 100 * scores.interval[0],
            "high": 100 * scores.interval[1],
            "seeds": len(ours.runs),
            "segments": ours.first.config["segments"],
            "backbone": ours.first.data["backbone"],
            "mode": ours.first.data["mode"],
            "trains_on_target_labels": ours.reads_target_labels,
            "note": ours.note,
        }
    return row


def _latex(block: Block) -> str:
    inputs = len(block.modalities)
    sides = [f"\\multicolumn{{{inputs}}}{{c}}{{{_escape(t)}}}" for t in (block.paper, block.ours)]
    head = ["method", *map(_escape, [*block.modalities, *_our_modalities(block)])]
    rows = [[row[0].label, *map(_paper, row), *map(_ours, row)] for row in block.rows]
    body = [" & ".join(map(_escape, row)) + " \\\\" for row in rows]
    caption = _escape(" ".join([f"Table {block.table} of the paper, {block.task}.", *block.notes]))
    return "\n".join(
        [
            *(f"% {reason}: {c}" for reason, commands in block.commands.items() for c in commands),
            "\\begin{table}",
            f"\\caption{{{caption}}}",
            f"\\begin{{tabular}}{{l{'r' * 2 * inputs}}}",
            "\\toprule",
            " & ".join(["", *sides]) + " \\\\",
            " & ".join(head) + " \\\\",
            "\\midrule",
            *body,
            "\\bottomrule",
            "\\end{tabular}",
            "\\end{table}",
            "",
        ]
    )


def _escape(text: str) -> str:
    return "".join(
        _LATEX.get(character, character) for character in text.replace("->", "→")
    ).replace("→", "$\\rightarrow$")
