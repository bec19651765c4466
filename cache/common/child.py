"""Start a Python process that is spoken to through a socket.

It is a plain child and no `multiprocessing` process: a script needs no main guard, and a notebook
works too. It has a session of its own, so that Ctrl-C is for the parent to handle, and all that it
forks is in its process group.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from multiprocessing.connection import Connection
from pathlib import Path

# Its modules come from where this process's come from, whatever the flags that Python started with.
_COMMAND = "import sys; sys.path[:] = sys.argv[3:]; import importlib; "
_COMMAND += "importlib.import_module(sys.argv[1]).main(int(sys.argv[2]))"


def start_child(
    module: str, environment: Mapping[str, str] | None = None
) -> tuple[subprocess.Popen[bytes], Connection]:
    """Run ``main(descriptor)`` of a module in a new process.

    Args:
        module: its full name; ``descriptor`` is the child's end of the connection.
        environment: variables that it has besides this process's.

    Returns:
        the process, and a connection to it: it ends when the child does.
    """
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-c", _COMMAND, module, str(theirs.fileno()), *_module_path()],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            env={**os.environ, **(environment or {})},
        )
    return process, Connection(ours.detach())


def _module_path() -> list[str]:
    """This process's, and where this package is."""
    home = str(Path(*Path(__file__).parts[: -__name__.count(".") - 1]))
    return [*sys.path, *([] if home in sys.path else [home])]
