"""Numbers that a feature file does not hold, and arrays that lie the other way round, are said."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from tcon.cache import FeatureFile
from tcon.cli import main
from tcon.extract.importers.orientation import find_transposed


def command(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["import", *map(str, arguments)])


def save(folder: Path, *arrays: np.ndarray) -> Path:
    folder.mkdir()
    for n, array in enumerate(arrays):
        np.save(folder / f"v_{n}.npy", array)
    return folder


def test_underflow_is_counted_and_float32_keeps_it(tmp_path: Path) -> None:
    small = np.full((2, 4), 1e-9)
    small[0] = (0, 1, 1e-7, 1e-9)
    folder = save(tmp_path / "npy", small, np.ones((2, 4)))
    result = command("npy", folder, "-o", tmp_path / "x.h5")
    assert result.exit_code == 0
    assert "5 of 15 numbers that are not 0 became 0 in float16" in result.output
    assert "--dtype float32" in result.output
    result = command("npy", folder, "-o", tmp_path / "y.h5", "--dtype", "float32")
    assert "became 0" not in result.output
    features = FeatureFile(tmp_path / "y.h5").packed().features
    np.testing.assert_array_equal(features[:2], small.astype(np.float32))
    result = command("npy", folder, "-o", tmp_path / "x.h5", "--dtype", "float32")
    assert result.exit_code == 2 and "dtype: float16 in place of float32" in result.output


def test_large_and_undefined_numbers(tmp_path: Path) -> None:
    undefined = np.ones((3, 4))
    undefined[2, 1] = np.nan
    folder = save(tmp_path / "npy", np.ones((3, 4)), np.full((3, 4), 1e5), undefined)
    result = command("npy", folder, "-o", tmp_path / "x.h5")
    assert result.exit_code == 1
    assert "v_1: has values up to 1e+05, beyond float16's 65504: import with" in result.output
    assert "v_2: has the value nan in snippet 2, dimension 1" in result.output
    result = command("npy", folder, "-o", tmp_path / "y.h5", "--dtype", "float32")
    assert [video.id for video in FeatureFile(tmp_path / "y.h5").videos] == ["v_0", "v_1"]


def test_transposed_features_are_refused(tmp_path: Path) -> None:
    folder = save(tmp_path / "npy", *(np.ones((64, 8 + n)) for n in range(3)))
    result = command("npy", folder, "-o", tmp_path / "x.h5")
    assert result.exit_code == 2
    assert "look transposed: all videos have 64 rows, and 8 to 10 columns" in result.output
    assert not (tmp_path / "x.h5").exists()


def test_transposed_features_of_one_length_are_asked_about(tmp_path: Path) -> None:
    folder = save(tmp_path / "npy", np.ones((64, 8)), np.ones((64, 8)))
    result = command("npy", folder, "-o", tmp_path / "x.h5")
    assert result.exit_code == 0
    assert "may be transposed: all videos have 64 snippets of 8 dimensions" in result.output


@pytest.mark.parametrize(
    ("shapes", "looks"),
    [
        ({(256, 20): 1, (256, 23): 1}, True),
        ({(16, 200): 4, (16, 230): 3, (16, 90): 1}, True),
        ({(256, 20): 9, (256, 23): 1}, True),  # fewer columns than rows
        ({(8, 256): 9, (8, 128): 1}, False),  # one odd video
        ({(8, 256): 5}, False),
        ({(900, 256): 1, (300, 256): 1}, False),
        ({(900, 256): 1}, False),  # a single video does not tell
        ({(1, 256): 1, (1, 128): 1, (1, 64): 1}, False),  # a vector per video
        ({(256, 8): 3}, True),
    ],
)
def test_what_looks_transposed(shapes: dict[tuple[int, int], int], looks: bool) -> None:
    assert (find_transposed(Counter(shapes)) is not None) == looks
