"""Methods are found by name, and those of tcon keep theirs."""

from __future__ import annotations

import pytest

from tcon.adapt.methods import Method, entry, names, register
from tcon.adapt.methods.source_only import SourceOnly, SourceOnlyConfig
from tcon.cache import InputError


@pytest.mark.parametrize("name", ["tcon", "source_only", "cmfglr"])
def test_the_names_of_tcon_are_taken(name: str) -> None:
    before = entry(name)
    with pytest.raises(InputError, match=f"there is a method {name} already: choose another name"):
        register(name, SourceOnlyConfig())(SourceOnly)
    assert entry(name) == before


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
