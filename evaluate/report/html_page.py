"""A page of HTML that needs nothing but itself: no script, no font, no link."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Sequence
from html import escape
from itertools import groupby

from ..figures.style import Picture
from .repeat import wrapped

_CSS = """
:root { color-scheme: light dark; --ink: #1b1b1b; --paper: #fff; --faint: #5f6368;
  --line: #d5d8dc; --shade: #f5f6f7; --warn: #8a4b00; --link: #0b5394; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e6e6; --paper: #17191c; --faint: #a4abb3;
  --line: #3a3f45; --shade: #202327; --warn: #ffb454; --link: #7fb4ee; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif; }
main { max-width: 64rem; margin: 0 auto; padding: 1rem 1rem 3rem; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: .5rem 0; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .6rem; border-bottom: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.4rem 0 .4rem; overflow-wrap: anywhere; }
p, li { max-width: 46rem; overflow-wrap: anywhere; }
a { color: var(--link); }
nav ul { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .2rem 1rem; margin: 0; }
.scroll { overflow-x: auto; margin: .6rem 0 1rem; }
table { border-collapse: collapse; font-size: .86rem; font-variant-numeric: tabular-nums; }
th, td { padding: .28rem .6rem; border-bottom: 1px solid var(--line); text-align: left;
  vertical-align: top; }
thead th { background: var(--shade); vertical-align: bottom; }
.scroll td { white-space: nowrap; }
.facts td { overflow-wrap: anywhere; }
.facts th { font-weight: 500; color: var(--faint); }
figure { margin: 1rem 0 1.8rem; }
figure img { display: block; max-width: 100%; height: auto; background: #fff; border-radius: 4px;
  padding: .3rem; border: 1px solid var(--line); }
figcaption, .note { color: var(--faint); font-size: .88rem; max-width: 46rem;
  overflow-wrap: anywhere; }
.warn { border-left: .25rem solid var(--warn); padding: .1rem .8rem; }
ul.columns { columns: 17rem; padding: 0; list-style: none; font-size: .86rem; max-width: none; }
ul.columns li { break-inside: avoid; }
ul.columns b { font-weight: 500; color: var(--faint); margin-right: .4rem; }
pre { background: var(--shade); border: 1px solid var(--line); border-radius: 4px; padding: .6rem;
  font-size: .82rem; overflow-x: auto; }
@media print {
  :root { color-scheme: light; --ink: #000; --paper: #fff; --faint: #444; --line: #bbb;
    --shade: #f2f2f2; --warn: #8a4b00; --link: #000; }
  @page { margin: 15mm; }
  body { font-size: 10pt; }
  main { max-width: none; padding: 0; }
  nav { display: none; }
  .scroll { overflow: visible; }
  table { font-size: 7.5pt; }
  th, td { padding: .15rem .3rem; overflow-wrap: break-word; }
  .scroll td { white-space: normal; }
  ul.columns { font-size: 8pt; columns: 3; }
  pre { white-space: pre-wrap; overflow-wrap: anywhere; font-size: 7.5pt; }
  h2, h3 { break-after: avoid; }
  figure, tr, pre { break-inside: avoid; }
  figure img { max-height: 190mm; border: 0; padding: 0; }
}
"""


def page(title: str, lead: str, sections: Sequence[tuple[str, str]]) -> str:
    """A whole document.

    Args:
        title: as text.
        lead: what stands under it, as text.
        sections: heading as text and body as HTML; empty bodies are left out.
    """
    kept = [(heading, body) for heading, body in sections if body]
    anchors = [re.sub(r"\W+", "-", heading.lower()) for heading, _ in kept]
    links = "".join(
        f'<li><a href="#{anchor}">{escape(heading)}</a></li>'
        for anchor, (heading, _) in zip(anchors, kept, strict=True)
    )
    bodies = "\n".join(
        f'<section id="{anchor}">\n<h2>{escape(heading)}</h2>\n{body}\n</section>'
        for anchor, (heading, body) in zip(anchors, kept, strict=True)
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_CSS}</style>\n</head>\n<body>\n<main>\n"
        f"<header>\n<h1>{escape(title)}</h1>\n<p>{escape(lead)}</p>\n"
        f"<nav><ul>{links}</ul></nav>\n</header>\n{bodies}\n</main>\n</body>\n</html>\n"
    )


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of texts that scrolls by itself where it is too wide."""
    cells = "".join(f'<th scope="col">{_inline(cell)}</th>' for cell in head)
    body = "\n".join(
        "<tr>" + "".join(f"<td>{_inline(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return (
        f'<div class="scroll"><table><thead><tr>{cells}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody></table></div>"
    )


def facts(rows: Iterable[tuple[str, str]]) -> str:
    """Names and values, as texts."""
    body = "\n".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(value)}</td></tr>'
        for name, value in rows
    )
    return f'<table class="facts"><tbody>\n{body}\n</tbody></table>'


def columns(rows: Iterable[tuple[str, str]]) -> str:
    """Many short names and values, as texts, in as many columns as there is room for."""
    items = "\n".join(f"<li><b>{escape(name)}</b>{escape(value)}</li>" for name, value in rows)
    return f'<ul class="columns">\n{items}\n</ul>'


def code(text: str) -> str:
    """A command or a file."""
    return f"<pre>{escape(text)}</pre>"


def image(picture: Picture) -> str:
    """A figure with its caption; drawings as SVG, photographs as WebP, both inside the page."""
    kind, mime = ("webp", "image/webp") if picture.photo else ("svg", "image/svg+xml")
    data = base64.b64encode(picture.encode(kind)).decode()
    return (
        f'<figure>\n<h3>{escape(picture.title)}</h3>\n<img alt="{escape(picture.title)}" '
        f'src="data:{mime};base64,{data}">\n<figcaption>{escape(picture.caption)}</figcaption>\n'
        "</figure>"
    )


def from_markdown(text: str) -> str:
    """The headings, tables, paragraphs, lists and commands of the markdown that the command prints.

    A paragraph ends at an empty line; items of a list are single lines after ``- ``, commands are
    indented by four spaces.
    """
    parts: list[str] = []
    for kind, group in groupby(text.splitlines(), key=_kind):
        lines = list(group)
        if kind == "table":
            rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
            parts.append(table(rows[0], rows[2:]))
        elif kind == "item":
            items = "\n".join(f"<li>{_inline(line[2:])}</li>" for line in lines)
            parts.append(f'<ul class="note">\n{items}\n</ul>')
        elif kind == "command":
            parts += [code(wrapped(line.strip())) for line in lines]
        elif kind == "heading":
            parts += [f"<h3>{_inline(line.lstrip('# '))}</h3>" for line in lines]
        elif kind == "text":
            words = "\n".join(lines)
            parts.append(f'<p class="note">{_inline(words)}</p>')
    return "\n".join(parts)


def _kind(line: str) -> str:
    starts = {"|": "table", "- ": "item", "    ": "command", "#": "heading"}
    known = (kind for start, kind in starts.items() if line.startswith(start))
    return next(known, "text" if line.strip() else "empty")


def _inline(text: str) -> str:
    """Text with markdown's bold."""
    return re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", escape(text))
