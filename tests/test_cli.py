"""The group of commands: its help, and names that it does not know."""

from __future__ import annotations

import subprocess
import sys

import pytest
from click.testing import CliRunner

from tcon import __version__
from tcon.cli import main

COMMANDS = ("demo", "extract", "import", "flow", "inspect", "tasks", "adapt", "eval", "predict")


@pytest.mark.parametrize("name", [*COMMANDS, "export"])
def test_every_command_has_a_line_of_its_own_and_a_help(name: str) -> None:
    lines = CliRunner().invoke(main, ["--help"]).output.splitlines()
    (line,) = [text for text in lines if text.split()[:1] == [name]]
    assert line.endswith(".") and not line.endswith("...")  # it is not cut off
    done = CliRunner().invoke(main, [name, "--help"])
    assert done.exit_code == 0 and done.output.startswith("Usage:")


def test_a_misspelt_command_is_refused_with_the_nearest() -> None:
    done = CliRunner().invoke(main, ["extracct"])
    assert done.exit_code == 2
    assert done.output == "Error: no command 'extracct': did you mean extract?\n"


def test_the_module_is_the_command_too() -> None:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "tcon.cli", *words]
        return subprocess.run(command, capture_output=True, text=True)

    assert run("--version").stdout == f"tcon, version {__version__}\n"
    wrong = run("extracct")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr == "Error: no command 'extracct': did you mean extract?\n"
