"""Standard input and outputs that let the work go on: closed, without a reader, or unable to show
a character."""

from __future__ import annotations

import io
import os
import sys
from typing import TextIO


def open_missing_descriptors() -> None:
    """Open what is closed of the descriptors 0 to 2, for nothing.

    Else the next files take these numbers, and whatever a library prints is written into them.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)


def use_lasting_outputs() -> LastingOutput:
    """From now on nothing that is printed ends the process.

    Without a reader it goes on unheard, and characters that the encoding lacks become "?". Outputs
    that somebody has replaced, as notebooks and tests do, are left as they are.

    Returns:
        standard output.
    """
    open_missing_descriptors()
    output = LastingOutput(1)
    if sys.stdout is sys.__stdout__:
        sys.stdout = output.text(sys.stdout)
    if sys.stderr is sys.__stderr__:
        sys.stderr = LastingOutput(2).text(sys.stderr)
    return output


class LastingOutput(io.FileIO):
    """A descriptor that takes whatever is written, also when nobody or no disk does any more.

    Attributes:
        error: why not, if that is not for want of a reader.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor, "w", closefd=False)
        self.error: OSError | None = None

    def text(self, before: TextIO | None) -> TextIO:
        """It as a text file.

        Args:
            before: whose encoding and buffering it has; None if there was none.
        """
        return io.TextIOWrapper(
            io.BufferedWriter(self),
            encoding=before.encoding if before else "utf-8",
            errors="replace",
            line_buffering=getattr(before, "line_buffering", True),
            write_through=getattr(before, "write_through", False),
        )

    def write(self, data, /):  # type: ignore[no-untyped-def]  # as in its base
        try:
            return super().write(data)
        except OSError as error:
            if not isinstance(error, BrokenPipeError):
                self.error = error
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, self.fileno())
            os.close(nothing)
            return super().write(data)
