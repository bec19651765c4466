"""Methods are found by name, and those of tcon keep theirs."""

from __future__ import annotations

import pytest

from tcon.adapt.methods import Method, Sizes, build, entry, names, register
from tcon.adapt.methods.source_only import SourceOnly, SourceOnlyConfig
from tcon.cache import InputError


@pytest.mark.parametrize("name", ["tcon", "source_only", "cmfglr"])
def test_the_names_of_tcon_are_taken(name: str) -> None:
    before = entry(name)
    with pytest.raises(InputError, match=f"there is a method {name} already: choose another name"):
        register(name, SourceOnlyConfig())(SourceOnly)
    assert entry(name) == before


@pytest.mark.parametrize("width", [10**15, 2**62, 10**19])
def test_networks_that_no_memory_holds(width: int) -> None:
    sizes = Sizes(in_features=2**13, source_segments=4, target_segments=4, classes=3)
    with pytest.raises(InputError, match="the networks of source_only do not fit into the memory"):
        build("source_only", SourceOnlyConfig(features=width), sizes)


@pytest.mark.usefixtures("temporary_methods")
def test_a_cell_of_a_notebook_can_be_run_again() -> None:
    def cell() -> type[Method]:
        @register("mine", SourceOnlyConfig())
        class Mine(SourceOnly):
            pass

        return Mine

    cell()
    again = cell()
    assert entry("mine").method is again and names().count("mine") == 1
