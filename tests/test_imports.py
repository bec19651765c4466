"""The package's structure: imports go down only, without circles, and light things stay light."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import tcon

ROOT = Path(tcon.__file__).parent
ROOMS = ("cache", "extract", "adapt", "evaluate")  # each imports those before it alone
# Folders of a room that import each other, though none of their modules does, and why.
CIRCLES = {
    ("cache", "cache.common", "cache.common.files", "cache.common.output"): (
        "what stands below the records raises the room's InputError"
    ),
    ("adapt.methods", "adapt.methods.cmfglr", "adapt.methods.tcon"): (
        "a method of several files extends the base class, and the package imports all methods"
    ),
    ("extract.backbones", "extract.backbones.libraries"): (
        "a library's model is a spec like any other, and the registry looks it up"
    ),
    ("extract.lists", "extract.lists.datasets"): (
        "an official dataset reads lists as anybody does, and `selection` chooses among both"
    ),
    (
        "adapt.config",
        "adapt.data",
        "adapt.end_to_end",
        "adapt.inference",
        "adapt.run",
        "adapt.training",
    ): "end-to-end options are options, its feed is a feed; a finished run predicts",
    ("adapt", "adapt.jobs", "adapt.progress"): (
        "the display shows the grid, and the command shows the display; `adapt` starts processes "
        "that do what it does alone"
    ),
    ("evaluate.runs", "evaluate.scores", "evaluate.scores.choices", "evaluate.scores.trust"): (
        "a group of runs has its scores, and what is computed of groups is a score too"
    ),
}
# Packages that the stored features, and adaptation to them, must not need.
HEAVY = ("torchvision", "av", "decord", "cv2", "matplotlib", "sklearn", "numba", "pandas")
OPTIONAL = ("timm", "transformers", "huggingface_hub")  # for backbones that are named so


def modules() -> dict[str, Path]:
    """Every module of the package by its dotted name."""
    found = {}
    for path in [*ROOT.glob("*.py"), *(p for room in ROOMS for p in (ROOT / room).rglob("*.py"))]:
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(("tcon", *(part for part in parts if part != "__init__")))] = path
    return found


def imports(module: str, path: Path, known: dict[str, Path]) -> Iterator[str]:
    """The package's modules that a module imports, anywhere in it, also for type checkers alone."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, *filter(None, [node.module])])
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                yield from (name for name in [inner if inner in known else base] if name in known)


@pytest.fixture(scope="module")
def graph() -> dict[str, set[str]]:
    known = modules()
    return {name: {*imports(name, path, known)} - {name} for name, path in known.items()}


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """The groups of nodes that reach each other (Tarjan's strongly connected components)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for neighbour in sorted(graph[node]):
            if neighbour not in index:
                visit(neighbour)
                low[node] = min(low[node], low[neighbour])
            elif neighbour in stack:
                low[node] = min(low[node], index[neighbour])
        if low[node] == index[node]:
            members = stack[stack.index(node) :]
            del stack[stack.index(node) :]
            if len(members) > 1:
                found.append(sorted(members))

    for node in sorted(graph):
        if node not in index:
            visit(node)
    return found


def test_circles_are_found() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}) == [["b", "c"]]


def test_no_module_imports_itself_over_others(graph: dict[str, set[str]]) -> None:
    # A package's __init__ that offers what its modules hold is no link of a circle.
    inner = {
        name: {other for other in found if not name.startswith(f"{other}.")}
        for name, found in graph.items()
    }
    assert circles(inner) == []


def test_folders_of_a_room_import_each_other_only_where_said(graph: dict[str, set[str]]) -> None:
    """A new circle fails, and so does one of `CIRCLES` that is gone."""
    folders = {
        name: ".".join(path.relative_to(ROOT).parent.parts) for name, path in modules().items()
    }
    between: dict[str, set[str]] = {folder: set() for folder in folders.values()}
    for name, found in graph.items():
        between[folders[name]] |= {folders[other] for other in found} - {folders[name]}
    between[""] = set()  # the command line imports rooms, and they its version
    assert {tuple(circle) for circle in circles(between)} == CIRCLES.keys()


def test_rooms_import_those_below_alone(graph: dict[str, set[str]]) -> None:
    def room(name: str) -> int:
        parts = name.split(".")
        return ROOMS.index(parts[1]) if len(parts) > 1 and parts[1] in ROOMS else len(ROOMS)

    upward = {
        (name, other)
        for name, found in graph.items()
        for other in found
        if other != "tcon" and room(other) > room(name)
    }
    assert upward == set()


@pytest.mark.slow
@pytest.mark.parametrize(
    "statement",
    [
        "from tcon.cache import FeatureFile, FeatureWriter, InputError",
        "from tcon.adapt import adapt",
        "import tcon.adapt.grid, tcon.adapt.methods, tcon.adapt.training.programs.loop",
    ],
)
def test_the_cached_mode_needs_no_heavy_package(statement: str) -> None:
    code = f"{statement}\nimport sys\nprint(*sorted({{m.partition('.')[0] for m in sys.modules}}))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {*HEAVY, *OPTIONAL} & set(run.stdout.split())


@pytest.mark.slow
def test_extraction_imports_libraries_of_models_where_they_are_named() -> None:
    code = (
        "import sys\nfrom tcon.extract.backbones import get_spec\n"
        "get_spec('torchvision:resnet18')\n"
        f"print(*set({OPTIONAL}) & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == []


def test_help_loads_no_numbers() -> None:
    """`tcon --help` is quick because torch, numpy and h5py are imported by what needs them."""
    code = (
        "import sys\nfrom tcon.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "print('LOADED', *sorted({m.partition('.')[0] for m in sys.modules}))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = run.stdout.rpartition("LOADED")[2].split()
    assert not {"torch", "numpy", "h5py", "pydantic", *HEAVY} & set(loaded)


@pytest.mark.parametrize("room", [*ROOMS, "adapt.inference"])
def test_a_package_offers_its_names_lazily(room: str) -> None:
    package = importlib.import_module(f"tcon.{room}")
    for name in package.__all__:
        assert getattr(package, name).__name__ == name
    with pytest.raises(AttributeError, match=rf"^module 'tcon\.{room}' has no attribute 'nothing'"):
        package.nothing  # noqa: B018


def test_every_package_is_installed() -> None:
    """A checkout finds those that the list leaves out, and a wheel does not."""
    tomllib = pytest.importorskip("tomllib")  # of Python 3.11
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    listed = set(project["tool"]["setuptools"]["packages"])
    folders = {path.parent for room in ROOMS for path in (ROOT / room).rglob("*.py")}
    found = {".".join(("tcon", *folder.relative_to(ROOT).parts)) for folder in folders}
    assert listed == {"tcon", *found}
