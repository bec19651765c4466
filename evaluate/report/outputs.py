"""Files to write, checked before any work is done for them, and written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ...cache import InputError
from ...cache.common.files.writing import write_errors
from .content import Content
from .csv_file import write_csv
from .json_file import write_json
from .latex_file import write_latex


def check_outputs(paths: Mapping[str, Path | None]) -> None:
    """Refuse files that cannot be written, or two that are one.

    Args:
        paths: by the option that names each; None where it is not given.

    Raises:
        InputError: names the option.
    """
    options: dict[Path, str] = {}
    for option, path in paths.items():
        if path is None:
            continue
        if path.is_dir():  # as is an empty name
            raise InputError(f"cannot write {option} {path}: it is a folder, so name a file in it")
        if not path.parent.is_dir():
            raise InputError(f"cannot write {option} {path}: there is no folder {path.parent}")
        other = options.setdefault(path.resolve(), option)
        if other != option:
            raise InputError(f"{other} and {option} both write {path}: name two files")


def write_outputs(content: Content, paths: Mapping[str, Path | None]) -> list[Path]:
    """Write files for machines.

    Args:
        content: of runs.
        paths: by ``--csv``, ``--json`` and ``--latex``; None where it is not given.

    Returns:
        those that were written.

    Raises:
        InputError: one cannot be written, or there is no paper's table for LaTeX.
    """
    writers = {"--csv": write_csv, "--json": write_json, "--latex": write_latex}
    written = []
    for option, write in writers.items():
        if path := paths.get(option):
            write(content, path)
            written.append(path)
    return written


def check_sheet(page: Path) -> Path:
    """The csv beside a page of videos to label.

    Raises:
        InputError: the page has another suffix, or one of them is there already.
    """
    if page.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"{page}: name the page FILE.html (--sheet)")
    csv = page.with_suffix(".csv")
    for file in (page, csv):
        if file.exists():
            raise InputError(f"{file} is there already: name another page, it may hold answers")
    return csv


def check_figures(folder: Path | None, html: Path | None, roots: Sequence[str]) -> None:
    """Refuse figures that could not be drawn or written, and make the folders for them.

    Args:
        folder: that gets the figures.
        html: the report that shows them.
        roots: folders that the videos' paths start at, as ``--root`` takes them.

    Raises:
        InputError: a missing package, a path that cannot be written, or no such root.
    """
    try:
        from ..figures import all_figures  # noqa: F401  (it is imported to see whether it can be)
        from ..figures.data.roots import parse_roots
    except ImportError as error:
        package = (error.name or "").partition(".")[0]
        raise InputError(f"figures need the package {package}: pip install 'tcon[demo]'") from None
    parse_roots(roots)
    for path in (folder, html and html.parent):
        if path:
            with write_errors(path):
                path.mkdir(parents=True, exist_ok=True)
