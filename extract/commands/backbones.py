"""``tcon backbones``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from ...cache.common.plugin_option import plugin_option

if TYPE_CHECKING:
    from rich.table import Table

    from ..backbones.catalogue import BackboneSummary

_SHOWN = 30


@click.command
@click.argument("word", required=False, default="")
@plugin_option("Load backbones of your own from there (docs/add-a-backbone.md); may be repeated.")
def backbones(word: str) -> None:
    """List tcon's backbones, or all whose name holds WORD, those of timm and torchvision too.

    A model of a hub or a folder is named in full, as in hf:facebook/dinov2-base.
    """
    from ...cache.common.output.console import console, print_line
    from ...cache.errors import InputError
    from ..backbones.catalogue import count_library_names, find, summarise

    found = find(word)
    if not found:
        raise InputError(f"no backbone's name holds '{word}': tcon backbones lists tcon's own")
    if len(found) == 1:
        console().print(_table([(found[0], _about(summarise(found[0])))]))
        return
    rows = []
    for name in found[:_SHOWN]:
        try:
            rows.append((name, _about(summarise(name))))
        except InputError:
            rows.append((name, "tcon cannot use this model (name it in full to see why)"))
    console().print(_table(rows))
    if len(found) > _SHOWN:
        print_line(f"And {len(found) - _SHOWN} more: {', '.join(found[_SHOWN:])}")
    if not word:
        counts = " and ".join(f"{n} of {name}" for name, n in count_library_names().items())
        print_line(f"tcon backbones WORD searches {counts} too; hf:MODEL is any of transformers.")


def _about(one: BackboneSummary) -> str:
    rate = f" at {one.clip_rate:g} fps" if one.clip_rate else ""
    frames = f"{one.frames} frames{rate} of " if one.frames > 1 else ""
    here = "here" if one.at_hand else "to download" if one.weights else "by --weights FILE"
    weights = [f"{one.weights} ({one.licence})"] if one.weights else []
    parts = [f"{one.parameters / 1e6:.1f} M parameters", f"{frames}{one.size} px", f"D {one.dim}"]
    return ", ".join([*parts, *weights, here])


def _table(rows: Sequence[tuple[str, str]]) -> Table:
    from rich.table import Table

    from ...cache.errors import printable

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, about in rows:
        table.add_row(printable(name), printable(about))
    return table
