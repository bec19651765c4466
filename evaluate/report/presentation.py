"""Domain distances, figures and the HTML report of a comparison, where they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from rich.console import Console
from rich.status import Status

from ...cache import InputError
from ..runs.embeddings import Loader
from ..runs.groups import Group, folder_names


@dataclass(frozen=True, kw_only=True)
class Presentation:
    """What to make beside the tables.

    Args:
        figures: folder that gets every figure as PNG and SVG.
        html: the report's file.
        distances: print domain distances.
        pairs: source and target id of the pairs whose co-attention is shown.
        roots: folders that the videos' paths start at, if they have moved, as `parse_roots` reads
            them.
        features, source_features: the feature files, if they have moved.
        command: that asked for all this, for the report.
    """

    figures: Path | None = None
    html: Path | None = None
    distances: bool = False
    pairs: tuple[tuple[str, str], ...] = ()
    roots: tuple[str, ...] = ()
    features: Path | None = None
    source_features: Path | None = None
    command: str = ""

    def __bool__(self) -> bool:
        return bool(self.figures or self.html or self.distances)

    def check(self) -> None:
        """Refuse what could not be made, before the work for it, and make the folders.

        Raises:
            InputError: a missing package, a path that cannot be written, or no such root.
        """
        if not self.figures and not self.html:
            return
        try:
            for name in ("..figures.all_figures", ".html_report"):
                import_module(name, __package__)
            from ..figures.data.roots import parse_roots
        except ImportError as error:
            package = (error.name or "").partition(".")[0]
            raise InputError(
                f"figures need the package {package}: pip install 'tcon[demo]'"
            ) from None
        parse_roots(self.roots)
        for path in (self.figures, self.html and self.html.parent):
            if path:
                _make_folder(path)


def present(
    groups: Sequence[Group],
    wanted: Presentation,
    tables: Sequence[str],
    *,
    fused: Sequence[Group] = (),
) -> None:
    """Print distances, write figures and the report.

    Args:
        groups: scored runs.
        wanted: what to make, checked.
        tables: markdown that the report repeats.
        fused: scored groups without features of their own.

    Raises:
        InputError: a path that cannot be written, or a pair that cannot be shown.
    """
    loader = Loader(wanted.features, wanted.source_features)
    with Console(stderr=True).status("measuring and drawing") as status:
        _make(groups, fused, wanted, tables, loader, status)


def _make(
    groups: Sequence[Group],
    fused: Sequence[Group],
    wanted: Presentation,
    tables: Sequence[str],
    loader: Loader,
    status: Status,
) -> None:
    distances = _distances(groups, loader) if wanted.distances or wanted.html else ""
    if wanted.distances:
        print(f"\n{distances}")
    if not wanted.figures and not wanted.html:
        return
    from ..figures.all_figures import draw_all
    from ..figures.data.pairs import PairChoice
    from ..figures.data.roots import parse_roots
    from ..figures.style import NotDrawn
    from .html_report import Content, write_report

    pairs = PairChoice(ids=wanted.pairs, roots=parse_roots(wanted.roots))
    pictures = []
    for picture in draw_all(groups, loader, pairs, fused=fused):
        if isinstance(picture, NotDrawn):
            print(picture)
            continue
        status.update(f"drawn: {picture.title}")
        pictures.append(picture)
        if wanted.figures:
            picture.write(wanted.figures)
    if wanted.figures:
        print(f"\nWrote {len(pictures)} figures, as PNG and SVG, to {wanted.figures}.")
    if wanted.html:
        content = Content(
            tables=tables, distances=distances, pictures=pictures, command=wanted.command
        )
        write_report(wanted.html, groups, loader, content)
        size = wanted.html.stat().st_size / 1e6
        print(f"\nWrote {wanted.html} ({size:.1f} MB), which needs no other file.")


def _distances(groups: Sequence[Group], loader: Loader) -> str:
    """The table of the runs whose features can be read; of each group, its first seed."""
    from ..scores.distances import Distance, domain_distances
    from ..tables.distances import distances_markdown

    found: dict[str, dict[str, Sequence[Distance]]] = {}
    for group, folder in zip(groups, folder_names(groups), strict=True):
        name = f"{folder}_seed{group.first.seed}"
        try:
            distances = domain_distances(loader.load(group.first))
        except InputError as error:
            print(f"No domain distance of {group.transfer}, {name}: {error}")
        else:
            found.setdefault(group.transfer, {})[name] = distances
    return distances_markdown(found) if found else ""


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from None
