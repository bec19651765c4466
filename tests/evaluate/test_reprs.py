"""Records print in a line, without the arrays that they hold."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from feature_files import write_domain
from handmade_runs import logits, write_run

import tcon.evaluate
from tcon.adapt.inference import prediction
from tcon.evaluate import evaluate

ARRAYS = ("ndarray", "Tensor")


def _records() -> Iterator[type]:
    names = [m.name for m in pkgutil.walk_packages(tcon.evaluate.__path__, "tcon.evaluate.")]
    for module in (prediction, *map(importlib.import_module, names)):
        for _, kind in inspect.getmembers(module, inspect.isclass):
            if kind.__module__ == module.__name__:
                yield kind


def _shown_arrays(kind: type) -> list[str]:
    """Fields with arrays that the generated ``__repr__`` shows."""
    if dataclasses.is_dataclass(kind) and kind.__dataclass_params__.repr:
        fields = {f.name: str(f.type) for f in dataclasses.fields(kind) if f.repr}
    elif issubclass(kind, tuple) and "__repr__" not in vars(kind):
        fields = {name: str(of) for name, of in kind.__annotations__.items()}
    else:
        return []
    return [name for name, of in fields.items() if any(array in of for array in ARRAYS)]


def test_no_record_shows_an_array() -> None:
    kinds = list(_records())
    assert len(kinds) > 50
    assert {kind.__name__: shown for kind in kinds if (shown := _shown_arrays(kind))} == {}


def _within(value: object) -> Iterator[object]:
    """Everything that a record holds, itself included."""
    if dataclasses.is_dataclass(value):
        yield value
        for field in dataclasses.fields(value):
            yield from _within(getattr(value, field.name))
    elif isinstance(value, Mapping):
        for inside in value.values():
            yield from _within(inside)
    elif isinstance(value, list | tuple):
        for inside in value:
            yield from _within(inside)


@pytest.mark.parametrize("options", [{"select": "epoch"}, {"table": "5"}])
def test_what_evaluate_gives_is_short(tmp_path: Path, options: dict[str, str]) -> None:
    files = write_domain(tmp_path / "a.h5", videos=30), write_domain(tmp_path / "b.h5", videos=30)
    train = [logits(15, 9 - n, 3) for n in range(3)]
    for method in ("source_only", "tcon"):
        for seed in range(2):
            write_run(tmp_path, files, train=train, method=method, seed=seed)
    result = evaluate(tmp_path, **options)
    ours = [v for v in _within(result) if type(v).__module__.startswith("tcon.evaluate")]
    assert len({type(value) for value in ours}) > 10
    assert {type(v).__name__: len(repr(v)) for v in ours if len(repr(v)) > 600} == {}
    assert not any("array(" in repr(value) for value in ours)
