"""Options are checked where they are made, from Python too."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tcon.cache import InputError
from tcon.cache.common.records import InvalidField, validate
from tcon.cache.recipe import FlowParameters, FlowRecipe, Preprocessing, Sampling, Views
from tcon.extract import Machine
from tcon.extract.features.options import ExtractOptions


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Machine(workers=-1), "workers must be at least 0, not -1"),
        (lambda: Machine(batch_size=0), "batch_size must be at least 1, not 0"),
        (lambda: Machine(workers=1.5), "workers must be a whole number, not 1.5"),
        (lambda: Machine(min_frames=0), "min_frames must be at least 1, not 0"),
        (lambda: Machine(time_limit=0), "time_limit must be greater than 0, not 0"),
        (lambda: Machine(time_limit=float("nan")), "time_limit must be finite, not nan"),
        (lambda: Machine(keep_flow_gb=-1), "keep_flow_gb must be greater than 0, not -1"),
        (lambda: Machine(device=3), "device must be a text, not 3"),
        (lambda: ExtractOptions(positions=0), "positions must be at least 1, not 0"),
        (lambda: Sampling("uniform", 0), "value must be at least 1, not 0"),
        (lambda: Sampling("often", 3), "rule must be one of 'uniform' or 'stride', not 'often'"),
        (lambda: Views("multiscale", -1), "draws must be at least 0, not -1"),
        (lambda: Preprocessing(input_size=0), "input_size must be at least 1, not 0"),
        (lambda: FlowRecipe(bound=0), "bound must be greater than 0, not 0"),
        (lambda: FlowParameters(tau=-1), "tau must be greater than 0, not -1"),
        (lambda: FlowParameters(scale_step=1), "scale_step must be less than 1, not 1"),
        (lambda: FlowParameters(median=3), "the median's side is 5, or 1 for none, not 3"),
    ],
)
def test_values_that_make_no_sense(make: Callable[[], object], message: str) -> None:
    with pytest.raises(InputError) as caught:
        make()
    assert str(caught.value) == message


def test_values_that_mean_the_same_are_converted() -> None:
    assert Machine(keep_flow="flow").keep_flow == Path("flow")
    assert ExtractOptions(modalities=["flow"]).modalities == ("flow",)


def test_the_field_is_told_apart_and_survives_another_process() -> None:
    with pytest.raises(InvalidField) as caught:
        Machine(workers=-1)
    error = pickle.loads(pickle.dumps(caught.value))
    assert (error.field, error.problem) == ("workers", "must be at least 0, not -1")
    assert str(error) == "workers must be at least 0, not -1"


def test_a_long_value_is_shortened() -> None:
    @dataclass
    class Options:
        size: int

    with pytest.raises(InputError, match=r"^size must be a whole number, not 'x{76}\.\.\.$"):
        validate(Options("x" * 1000))
