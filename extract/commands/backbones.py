"""``tcon backbones``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from ...cache.common.plugin_option import plugin_option

if TYPE_CHECKING:
    from ..backbones.catalogue import BackboneSummary

_SHOWN = 30


@click.command
@click.argument("word", required=False, default="")
@plugin_option("Load backbones of your own from there (docs/add-a-backbone.md); may be repeated.")
def backbones(word: str) -> None:
    """List tcon's backbones, or all whose name holds WORD, those of timm and torchvision too.

    A full name shows what its features and frames are, too. A model of a hub or a folder is named
    in full, as in hf:facebook/dinov2-base.
    """
    from ...cache.common.output.console import print_line
    from ...cache.errors import InputError, shorten
    from ..backbones.catalogue import count_library_names, find, summarise

    found = find(word)
    if not found:
        raise InputError(
            f"no backbone's name holds '{shorten(word)}': try a part of it; models of a hub, which "
            "cannot be searched here, are named in full, as hf:facebook/dinov2-base"
        )
    shown = found[:_SHOWN]
    width = max(map(len, shown))
    for name in shown:
        in_full = name == word or len(found) == 1
        try:
            one = summarise(name)
        except InputError:
            if in_full:
                raise
            print_line(f"{name:<{width}}  tcon cannot use this model (its full name says why)")
            continue
        print_line(f"{name:<{width}}  {_about(one)}")
        for line in _more(one) if in_full else ():
            print_line(line)
    if len(found) > _SHOWN:
        print_line(f"And {len(found) - _SHOWN} more: a longer WORD shows them.")
    if not word:
        counts = " and ".join(f"{n} of {name}" for name, n in count_library_names().items())
        print_line(f"tcon backbones WORD searches {counts} too; hf:MODEL is any of transformers.")


def _about(one: BackboneSummary) -> str:
    rate = f" at {one.clip_rate:g} fps" if one.clip_rate else ""
    frames = f"{one.frames} frames{rate} of " if one.frames > 1 else ""
    here = "here" if one.at_hand else "to download" if one.weights else "by --weights FILE"
    weights = [f"{one.weights} ({one.licence})"] if one.weights else []
    size = f"{frames}{one.preprocessing.input_size} px"
    return ", ".join(
        [f"{one.parameters / 1e6:.1f} M parameters", size, f"D {one.dim}", *weights, here]
    )


def _more(one: BackboneSummary) -> Iterator[str]:
    yield f"  features  {one.layer}"
    yield f"  frames    {one.preprocessing}"
    if one.source:
        yield f"  weights   {one.source}"
