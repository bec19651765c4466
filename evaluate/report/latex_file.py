"""The paper's tables as LaTeX."""

from __future__ import annotations

from pathlib import Path

from ...cache import InputError
from ...cache.common.files.writing import write_output
from ...cache.errors import visible
from ..tables.paper import TaskTable
from ..tables.paper_page import inputs_of, our_cell, published_cell
from .content import Content

_LATEX = {
    **{character: f"\\{character}" for character in "&%$#_{}"},
    "\\": "\\textbackslash{}",
    "~": "\\textasciitilde{}",
    "^": "\\textasciicircum{}",
    "±": "$\\pm$",
    "<": "$<$",
    ">": "$>$",
    "[": "{[}",  # after a \\ it would open an argument
}


def to_latex(content: Content) -> str:
    """One ``table`` environment per task; needs the package booktabs."""
    return "% needs \\usepackage{booktabs}\n" + "\n".join(map(_latex, content.paper))


def write_latex(content: Content, path: str | Path) -> None:
    """Write `to_latex`.

    Raises:
        InputError: it cannot be written, or none of the paper's tables was asked for.
    """
    if not content.paper:
        raise InputError(
            'there is no paper\'s table here to write: evaluate with table="1" to "5" '
            "(--table 1 to 5)"
        )
    write_output(Path(path), to_latex(content))


def _latex(block: TaskTable) -> str:
    inputs = len(block.modalities)
    sides = [f"\\multicolumn{{{inputs}}}{{c}}{{{_escape(t)}}}" for t in (block.paper, block.ours)]
    head = ["method", *map(_escape, [*block.modalities, *inputs_of(block)])]
    rows = [[row[0].label, *map(published_cell, row), *map(our_cell, row)] for row in block.rows]
    body = [" & ".join(map(_escape, row)) + " \\\\" for row in rows]
    caption = _escape(" ".join([f"Table {block.table} of the paper, {block.task}.", *block.notes]))
    return "\n".join(
        [
            *(f"% {reason}: {visible(fill.command)}" for reason, fill in block.fills.items()),
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
        _LATEX.get(character, character) for character in visible(text).replace("->", "→")
    ).replace("→", "$\\rightarrow$")
