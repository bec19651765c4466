"""A finished run, loaded to predict: its configuration and its checkpoint, no feature file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...cache import InputError, Recipe
from ...cache.common.counts import counted
from ..config.options import RunConfig
from ..data.statistics import Statistics
from ..methods import Method, Sizes
from ..run.data_record import Domain
from ..run.read import has_final_weights, load_method
from ..run.record import CONFIG, RunRecord, read_record
from .feature_files import feature_file


@dataclass(frozen=True)
class LoadedRun:
    """A run after its last step, on the CPU.

    Args:
        path: its folder.
        record: everything that decided it.
        method: in evaluation mode; its parameters take no gradients.
        statistics: the ``mean`` and ``deviation`` [D_in] that each domain's features were
            standardised by; empty where they were not.
        recipe: how the target's features were made.
    """

    path: Path
    record: RunRecord
    method: Method
    statistics: Statistics
    recipe: Recipe

    def __repr__(self) -> str:
        classes = counted(len(self.classes), "class")
        return f"LoadedRun({str(self.path)!r}: {self.config.name}, {classes})"

    @property
    def config(self) -> RunConfig:
        """Its options."""
        return self.record.run

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes, [C]."""
        return self.record.data.classes

    def segments(self, domain: Domain = "target") -> int:
        """K of a domain's videos."""
        config = self.config
        return config.source_segments if domain == "source" else config.target_segments

    def positions(self, domain: Domain = "target") -> int:
        """How many snippets of each video the method sees, K m."""
        return self.segments(domain) * self.method.snippets


def load_run(
    path: str | Path, *, features: Path | None = None, recipe: Recipe | None = None
) -> LoadedRun:
    """Load a finished run.

    Args:
        path: its folder, or a folder that holds this run alone.
        features: the target's feature file, if it has moved; only for runs that do not record how
            their features were made.
        recipe: how the target's features were made, for such runs too, instead of their file.

    Raises:
        InputError: there is no run, or several; it is unfinished or damaged; or ``features`` is
            given but not needed.
    """
    folder = only_run(Path(path))
    record = read_record(folder)
    record.require_method()
    config, made = record.run, record.data.recipe
    if made and features:
        raise InputError(
            f"{folder} records how its features were made: leave out --features {features}"
        )
    recipe = made or recipe
    if recipe is None:
        recipe = feature_file(folder, record, "target", features).recipes[config.modality]
    sizes = Sizes(
        in_features=recipe.dim,
        source_segments=config.source_segments,
        target_segments=config.target_segments,
        classes=len(record.data.classes),
    )
    method, statistics = load_method(folder, config, sizes)
    method.eval().requires_grad_(False)
    return LoadedRun(folder, record, method, statistics, recipe)


def only_run(path: Path) -> Path:
    """The folder of the one finished run in a folder.

    Raises:
        InputError: there is none, or more than one.
    """
    if not path.exists():
        raise InputError(f"no such run: {path}")
    folders = sorted(config.parent for config in path.rglob(CONFIG))
    if not folders:
        raise InputError(f"{path} holds no run: make one with tcon adapt -o {path}")
    if len(folders) > 1:
        raise InputError(f"{path} holds {len(folders)} runs: name one, such as {folders[0]}")
    if not has_final_weights(folders[0]):
        raise InputError(f"the run {folders[0]} is not finished: continue it with tcon adapt")
    return folders[0]
