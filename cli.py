"""The ``tcon`` command: a group whose commands live in the rooms.

A command's module is imported when the command is asked for, so that ``tcon --help`` is quick.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from itertools import takewhile
from typing import Any

import click

from . import __version__
from .cache.common.machine.address_space import (
    about_limit,
    too_few_addresses,
    try_torch_before_import,
)
from .cache.common.output.streams import use_lasting_outputs
from .cache.errors import InputError, unknown, visible

# Where each command is, and what it does in a line: in the order in which data flows.
_COMMANDS = {
    "demo": ("evaluate.commands.demo:demo", "The whole pipeline on synthetic clips."),
    "extract": (
        "extract.commands.extract:extract",
        "Videos to a feature file, RGB or flow or both.",
    ),
    "import": ("extract.commands.import_:import_", "Features that you have to a feature file."),
    "backbones": ("extract.commands.backbones:backbones", "The backbones that there are."),
    "flow": ("extract.commands.flow:flow", "The TV-L1 flow of a video, to look at."),
    "inspect": ("cache.commands:inspect", "What a feature file holds."),
    "tasks": ("adapt.commands:tasks", "The benchmarks' tasks and their classes."),
    "adapt": ("adapt.commands:adapt", "Adapt classifiers from source to target."),
    "eval": ("evaluate.commands.evaluate:evaluate", "Score finished runs; tables and reports."),
    "predict": ("evaluate.commands.predict:predict", "Label new videos with a finished run."),
    "export": ("evaluate.commands.export:export", "A feature file as npz, a run as a model."),
}


_WORDS = "tcon.words"  # of the command line


class _Group(click.Group):
    """Imports a command when it is asked for; prints wrong input, or a disk that refuses, as one
    line and exits with code 2."""

    def main(self, *args: Any, **options: Any) -> Any:
        output = use_lasting_outputs()
        try_torch_before_import()
        try:
            return super().main(*args, **options)
        finally:
            sys.stdout.flush()
            if output.error:
                click.echo(f"Error: cannot write the output: {output.error.strerror}", err=True)
                sys.exit(2)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
        if cmd_name not in _COMMANDS:
            raise unknown("command", cmd_name, _COMMANDS)
        module, _, name = _COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(f".{module}", __package__), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        for name in takewhile(lambda arg: arg != "--", args):
            if name.startswith("-") and len(name) > 2 and os.path.exists(name):
                raise InputError(
                    f"{name} is a file here and reads like an option: write ./{name} or put -- "
                    "before it"
                )
        found, command, words = super().resolve_command(ctx, args)
        if command:
            with click.Context(command, info_name=found, parent=ctx) as inner:
                _refuse_repeated(command, inner, words)
        return found, command, words

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta[_WORDS] = list(args)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            _refuse_empty(ctx.meta[_WORDS])
            return super().invoke(ctx)
        except (MemoryError, ImportError) as error:
            if not too_few_addresses(error):
                raise
            click.echo(f"Error: memory has run out; {about_limit()}", err=True)
            sys.exit(2)
        except (InputError, OSError) as error:
            click.echo(f"Error: {error}", err=True)
            sys.exit(2)
        except KeyboardInterrupt as stop:
            click.echo(visible(str(stop)) or "stopped: the same command continues", err=True)
            sys.exit(130)


def _refuse_empty(words: list[str]) -> None:
    """Refuse ``--weights ""``, as of an unset variable of a shell, which would mean nothing."""
    for before, word in zip(["", *words], words, strict=False):
        option, equals, value = word.partition("=")
        if not word.strip() and before[:1] == "-":
            raise InputError(f"{before} is empty: give it a value or leave it out")
        if not word.strip():
            raise InputError("an argument is empty: give it a value or leave it out")
        if option[:2] == "--" and equals and not value.strip():
            raise InputError(f"{option} is empty: give it a value or leave it out")


def _refuse_repeated(command: click.Command, ctx: click.Context, words: list[str]) -> None:
    """Refuse ``--source a --source b``, of which click would keep the last without a word."""
    _, _, given = command.make_parser(ctx).parse_args(list(words))
    if command.get_help_option(ctx) in given:
        return
    valued = [p for p in given if isinstance(p, click.Option) and not (p.multiple or p.is_flag)]
    if twice := next((option for option in valued if valued.count(option) > 1), None):
        raise InputError(f"{max(twice.opts, key=len)} is given twice: give it once")


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="tcon")
def main() -> None:
    """Adapt an action-recognition model from a labelled video domain to an unlabelled one.

    \b
    tcon demo                                   see it work on synthetic clips
    tcon extract VIDEOS -o FILE.h5              videos to features
    tcon import auto FEATURES -o FILE.h5        features that you already have
    tcon adapt --source S.h5 --target T.h5 -o RUNS
    tcon eval RUNS                              accuracies with intervals
    tcon predict RUN VIDEOS                     labels for new videos

    Exit code 0: all done; 1: done, but some videos or runs failed and are listed; 2: the input was
    wrong; 130: stopped by Ctrl-C.
    """
    # Beside a busy process, OpenMP threads that spin at barriers are far slower than sleeping ones.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")


if __name__ == "__main__":
    main()
