"""What numba cached of the engine `cpu` is used only as long as all kernels are as they were."""

from __future__ import annotations

import hashlib
import re
from importlib import import_module
from pathlib import Path

from numba.core.dispatcher import Dispatcher

from tcon.extract.flow.engines import cpu

ENGINES = Path(cpu.__file__).parent
KERNELS = sorted(  # files of which numba compiles something into the functions of cpu.py
    path
    for path in ENGINES.glob("*.py")
    if path.stem != "cpu" and re.search(r"^@(njit|intrinsic|numba)", path.read_text(), re.MULTILINE)
)


def test_the_cached_file_names_the_kernels_compiled_into_it() -> None:
    sources = hashlib.sha256("".join(path.read_text() for path in KERNELS).encode()).hexdigest()
    assert sources == cpu.KERNELS, f"kernels have changed: cpu.py must say KERNELS = {sources!r}"


def test_nothing_is_cached_but_what_lies_in_that_file() -> None:
    """A kernel cached by itself would be linked in, though one that it calls had changed."""
    cached = {
        function.py_func.__code__.co_filename
        for path in (*KERNELS, ENGINES / "cpu.py")
        for function in vars(import_module(f"{cpu.__package__}.{path.stem}")).values()
        if isinstance(function, Dispatcher) and function.stats.cache_path
    }
    assert cached == {cpu.__file__}
