"""What a limit on a process's addresses (``ulimit -v``) may break: the import of torch."""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from types import ModuleType

from ...errors import InputError

# What the dynamic linker and the system say where addresses run out.
_TOO_FEW = ("failed to map segment", "annot allocate memory")


def try_torch_before_import() -> None:
    """Where addresses are limited, import torch in a child first when it is asked for.

    With too few, its libraries may end the process without an exception. The import then raises
    `InputError`.
    """
    if _limit() != resource.RLIM_INFINITY:
        sys.meta_path.insert(0, _Trial())


def too_few_addresses(error: BaseException) -> bool:
    """Whether an error says that this process may not use more memory."""
    if isinstance(error, ImportError | OSError):
        return any(text in str(error) for text in _TOO_FEW)
    return isinstance(error, MemoryError)


def about_limit() -> str:
    """What to do where memory is too little, in a line."""
    if (limit := _limit()) == resource.RLIM_INFINITY:
        return "close other programs, or ask for less at once"
    return f"this process may use {limit / 2**30:.1f} GiB of addresses: raise ulimit -v"


class _Trial(MetaPathFinder):
    """Finds nothing; tries torch when that is imported."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> None:
        if fullname == "torch":
            sys.meta_path.remove(self)
            if not _can_import():
                raise InputError(f"there is too little memory to load torch; {about_limit()}")


def _can_import() -> bool:
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1] == 0
    code = 1
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        import torch  # noqa: F401

        code = 0
    finally:
        os._exit(code)


def _limit() -> int:
    return resource.getrlimit(resource.RLIMIT_AS)[0]
