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
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path

from ..output.streams import open_missing_descriptors

# Its modules come from where this process's come from, whatever the flags that Python started with.
_COMMAND = "import sys; sys.path[:] = sys.argv[3:]; import importlib; "
_COMMAND += "importlib.import_module(sys.argv[1]).main(int(sys.argv[2]))"


def start_child(
    module: str,
    environment: Mapping[str, str] | None = None,
    *,
    path: Sequence[str] | None = None,
) -> tuple[subprocess.Popen[bytes], Connection]:
    """Run ``main(descriptor)`` of a module in a new process.

    Args:
        module: its full name; ``descriptor`` is the child's end of the connection.
        environment: variables that it has besides this process's.
        path: its ``sys.path``; `module_path` if None.

    Returns:
        the process, and a connection to it: it ends when the child does.
    """
    open_missing_descriptors()  # the child's connection must be none of them
    ours, theirs = socket.socketpair()
    words = [module, str(theirs.fileno()), *(module_path() if path is None else path)]
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-c", _COMMAND, *words],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            env={**os.environ, **(environment or {})},
        )
    return process, Connection(ours.detach())


def module_path(*, working_folder: bool = True) -> list[str]:
    """`sys.path`, and where this package is.

    Args:
        working_folder: whether the path may name it; it may hold anything beside the user's files.
    """
    here, home = Path.cwd(), Path(*Path(__file__).parts[: -__name__.count(".") - 1])
    places = list(sys.path)
    if not working_folder:
        places = [p for p in places if p and (Path(p).absolute() != here or here == home)]
    return places if str(home) in places else [*places, str(home)]
