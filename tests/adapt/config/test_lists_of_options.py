"""Options that take lists, and what is given in place of a value."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner
from feature_files import write_domain
from words import with_option

from tcon.adapt.config.grid import make_grid
from tcon.adapt.config.runs import default_options
from tcon.adapt.config.seeds import read_seeds
from tcon.adapt.config.settings import apply_settings
from tcon.cache.errors import InputError
from tcon.cli import main


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("files")
    source, target = (write_domain(folder / f"{n}.h5", seed=n) for n in range(2))
    return ["--source", str(source), "--target", str(target), "-o", str(folder / "runs")]


def dry(files: list[str], *words: str) -> list[str]:
    """The runs that a command would train, or its error."""
    result = CliRunner().invoke(main, ["adapt", *files, "--dry-run", *words])
    lines = result.output.strip().splitlines()
    if result.exit_code:
        assert result.exit_code == 2 and len(lines) == 1, result.output
        return lines
    return [line.strip().partition(":")[0] for line in lines[1:-1]]


@pytest.mark.parametrize(
    ("words", "number"),
    [
        (["--method", "dann", "--method", "source_only"], 2),
        (["--method", "dann,source_only", "--method", "dann"], 2),
        (["--method", "dann", "--segments", "2", "--segments", "4,6"], 3),
        (["--method", "dann", "--seeds", "3", "--seeds", "5"], 2),
        (["--method", "dann", "--modality", "rgb", "--modality", "rgb,"], 1),
    ],
)
def test_repeated_options_add_up(files: list[str], words: list[str], number: int) -> None:
    assert len(dry(files, *words)) == number


@pytest.mark.parametrize(
    ("given", "seeds"),
    [
        (3, (0, 1, 2)),
        ("3", (0, 1, 2)),
        (" 2 ", (0, 1)),
        ("0,1,2", (0, 1, 2)),
        ("5,3", (5, 3)),
        ("7,", (7,)),
        ("0-3,8", (0, 1, 2, 3, 8)),
        ([4, 2], (4, 2)),
        (range(2), (0, 1)),
    ],
)
def test_seeds(given: object, seeds: tuple[int, ...]) -> None:
    assert read_seeds(given) == seeds


@pytest.mark.parametrize(
    "given",
    [
        *(0, -1, "0", "-1", "", ",", "a", "1.5", "0,0", "0-2,1", "3-1", "0:3", [], [-1]),
        *("9" * 5000, 100_000_000, "100000000", "0-100000000", "99999999999,", [2**70], "1e3"),
    ],
)
def test_wrong_seeds(given: object) -> None:
    with pytest.raises(InputError, match="seeds"):
        read_seeds(given)


@pytest.mark.parametrize(
    ("setting", "meant"),
    [
        ("lr=1e-3", "did you mean train.lr?"),
        ("epochs=3", "did you mean train.epochs?"),
        ("tcon.lr=1", "did you mean train.lr?"),
        ("batchsize=1", "did you mean train.batch_size?"),
        ("dropout=0.5", "did you mean source_only.dropout or tcon.disc.dropout or tcon.dropout?"),
        ("zzzz=1", "docs/settings.md lists those of source_only, tcon, train"),
        ("train.lr=", "train.lr=: give it a value or leave it out"),
    ],
)
def test_settings_that_are_nearly_right(setting: str, meant: str) -> None:
    with pytest.raises(InputError) as error:
        apply_settings([setting], default_options(["source_only", "tcon"]))
    assert meant in str(error.value)


@pytest.mark.parametrize(
    "words",
    [
        *(["--weights", ""], ["--weights="], ["--method", ""], ["--task", " "], ["--plan", ""]),
        *(["--set", ""], ["--backbone", "", "--end-to-end"], ["--source-flow", ""], ["--jobs", ""]),
    ],
)
def test_empty_values_are_refused(files: list[str], words: list[str]) -> None:
    (line,) = dry(files, *words)
    assert line == f"Error: {words[0].rstrip('=')} is empty: give it a value or leave it out"


@pytest.mark.parametrize("command", ["extract", "predict", "export", "eval", "inspect", "import"])
def test_empty_arguments_are_refused(command: str) -> None:
    result = CliRunner().invoke(main, [command, "a", ""])
    assert result.exit_code == 2 and "an argument is empty" in result.output


def test_empty_values_from_python(files: list[str]) -> None:
    with pytest.raises(InputError, match="preset is empty"):
        make_grid({"source": files[1], "target": files[3], "preset": ""})


@pytest.mark.parametrize(
    "words",
    [
        *(["extract", "a", "-o", "b", "--output=c"], ["adapt", "--source", "a", "--source", "a"]),
        *(["eval", "a", "--csv", "b", "--csv", "c"], ["tasks", *("--check", "a", "b") * 2]),
    ],
)
def test_single_values_given_twice_are_refused(words: list[str]) -> None:
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 2 and "is given twice: give it once\n" in result.output
    assert CliRunner().invoke(main, [*words, "--help"]).exit_code == 0


@pytest.mark.parametrize("option", ["--plan", "--task", "--source", "--plugin"])
def test_pipes_and_devices_in_place_of_files(tmp_path: Path, files: list[str], option: str) -> None:
    pipe = tmp_path / ("pipe.py" if option == "--plugin" else "pipe")
    os.mkfifo(pipe)
    for path in (pipe, Path("/dev/zero")):
        (line,) = dry(with_option(files, option, str(path)))
        assert line.startswith("Error: ") and str(path) in line


@pytest.mark.parametrize(
    "words",
    [
        *(["--seeds", "100000000"], ["--segments", "100000000"], ["--epochs", "9" * 30]),
        *(["--jobs", "-1"], ["--bundle", "0"], ["--set", "train.batch_size=1000000000"]),
    ],
)
def test_absurd_numbers_are_refused(files: list[str], words: list[str]) -> None:
    (line,) = dry(files, *words)
    assert line.startswith("Error: ")
