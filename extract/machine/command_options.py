"""The options of commands that decode videos and run a backbone: what `Machine` has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click


def machine_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator: device, batch size, decoding processes and limits, as keywords of `Machine`."""
    options = (
        click.option(
            "--device", default="auto", show_default=True, help="cpu, cuda, cuda:0,cuda:1 ..."
        ),
        click.option("--batch-size", type=click.IntRange(min=1), help="Snippets per forward pass."),
        click.option(
            "--workers",
            type=click.IntRange(min=0),
            help="Decoding processes; 0 decodes in this one.  [default: one per core]",
        ),
        click.option(
            "--decoder",
            default="auto",
            show_default=True,
            help="auto, pyav or decord; auto is pyav.",
        ),
        click.option(
            "--time-limit",
            type=click.FloatRange(min=0, min_open=True),
            default=120,
            show_default=True,
            help="Seconds a video may go without a new frame before it is given up.",
        ),
        click.option(
            "--min-frames",
            type=click.IntRange(min=1),
            default=16,
            show_default=True,
            help="A video of which fewer frames decode has failed.",
        ),
    )
    for option in reversed(options):  # the first is the first in the help
        command = option(command)
    return command


def windows_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator: how recordings are cut, as keywords ``window``, ``hop`` and
    ``within_shots``."""
    hop = click.option("--hop", help="Start a window every HOP.  [default: the window's length]")
    window = click.option(
        "--window",
        metavar="4s|100",
        help="Cut long recordings into windows of so many seconds, or frames, each a video of its "
        "own.",
    )
    within_shots = click.option(
        "--within-shots",
        is_flag=True,
        default=None,
        help="No window crosses a hard cut; recordings are decoded twice.",
    )
    return window(hop(within_shots(command)))
