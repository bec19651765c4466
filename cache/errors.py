"""The one exception for wrong input, shared by every room."""

from __future__ import annotations


class InputError(ValueError):
    """What the user gave cannot be used.

    The message is one line that says what is wrong, where, and how to mend it. The command line
    prints it without a traceback and exits with code 2.
    """
