"""A run of version 0.1.0 gives the numbers that it gave then."""

from __future__ import annotations

from pathlib import Path

import pytest

from tcon.cache import InputError
from tcon.evaluate import evaluate

BEFORE = Path(__file__).parents[2] / "data" / "before-records"


def test_the_numbers_are_those_of_then() -> None:
    moved = {"features": BEFORE / "target.h5", "source_features": BEFORE / "source.h5"}
    result = evaluate(
        BEFORE / "run_cached", select="epoch", validators=("source_accuracy",), **moved
    )
    [tcon] = result.results
    assert tcon.name == "tcon" and tcon.group.transfer == "source -> target"
    assert tcon.scores.accuracy.tolist() == [0.75] and tcon.scores.mean_class.tolist() == [0.75]
    assert tcon.scores.interval == pytest.approx((0.40927543031016883, 0.9285207872478909))
    assert tcon.confusion.tolist() == [[2, 0, 0, 0], [0, 2, 0, 0], [0, 0, 2, 0], [0, 2, 0, 0]]
    assert (tcon.epochs.label_free_steps, tcon.epochs.oracle_steps) == ((12,), (12,))
    provenance = result.provenance
    assert provenance is not None and [file.problem for file in provenance.files] == ["", ""]
    assert provenance.commands == () and provenance.unrecorded == (str(BEFORE),)


def test_its_files_have_moved() -> None:
    with pytest.raises(InputError, match="/data/target.h5 is gone: name it with --features FILE"):
        evaluate(BEFORE / "run_cached")
