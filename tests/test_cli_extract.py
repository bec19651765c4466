"""``tcon extract`` and ``tcon inspect`` as a user meets them: output and exit codes."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

import tcon
from tcon.cache import FeatureFile
from tcon.cli import main

CHEAP = (
    *("--backbone", "resnet18", "--weights", "random", "--snippets", "2"),
    *("--device", "cpu", "--precision", "fp32", "--min-frames", "1", "--workers", "0"),
)


class Result(NamedTuple):
    code: int | str | None
    out: str
    err: str


Run = Callable[..., Result]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    """Run the command in this process."""

    def run_(*arguments: str | Path) -> Result:
        capfd.readouterr()
        with pytest.raises(SystemExit) as caught:
            main.main([str(a) for a in arguments], prog_name="tcon")
        return Result(caught.value.code, *capfd.readouterr())

    return run_


@pytest.fixture
def videos(tmp_path: Path, clips: Path) -> Path:
    """Four good clips that a test may change."""
    shutil.copytree(clips / "jump", tmp_path / "videos" / "jump")
    (tmp_path / "videos" / "run").mkdir()
    shutil.copy(clips / "run" / "1.mp4", tmp_path / "videos" / "run")
    return tmp_path / "videos"


def _refused(result: Result) -> str:
    """The one line on standard error of a refused run."""
    assert result.code == 2
    assert result.err.startswith("Error: ")
    assert result.err.count("\n") == 1
    assert result.err.endswith("\n")
    return result.err


# --- wrong input


def test_missing_list(run: Run, tmp_path: Path) -> None:
    message = _refused(run("extract", tmp_path / "no.csv", "-o", tmp_path / "x.h5"))
    assert "no such list or folder" in message
    assert "no.csv" in message


def test_unknown_path_in_a_list(run: Run, tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("path,label\nno.mp4,jump\n")
    message = _refused(run("extract", tmp_path / "list.csv", "-o", tmp_path / "x.h5"))
    assert "list.csv line 2: no such video" in message
    assert "1 of 1 missing" in message


def test_empty_folder(run: Run, tmp_path: Path) -> None:
    (tmp_path / "videos").mkdir()
    message = _refused(run("extract", tmp_path / "videos", "-o", tmp_path / "x.h5"))
    assert "holds no video files" in message


def test_unwritable_output(run: Run, tmp_path: Path, videos: Path) -> None:
    (tmp_path / "file").touch()
    message = _refused(run("extract", videos, "-o", tmp_path / "file" / "x.h5", *CHEAP))
    assert "cannot write" in message


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("--backbone", "resnet81", "did you mean resnet18?"),
        ("--device", "nosuch", "try --device auto"),
        ("--device", "cuda:63", "try --device auto"),
        ("--precision", "fp8", "fp32, bf16, fp16"),
        ("--weights", "no.pth", "cannot read the weights no.pth"),
    ],
)
def test_wrong_option(
    run: Run, tmp_path: Path, videos: Path, option: str, value: str, says: str
) -> None:
    message = _refused(run("extract", videos, "-o", tmp_path / "x.h5", *CHEAP, option, value))
    assert value in message
    assert says in message
    assert not (tmp_path / "x.h5").exists()


def test_other_options_on_the_same_file(run: Run, tmp_path: Path, videos: Path) -> None:
    assert run("extract", videos, "-o", tmp_path / "x.h5", *CHEAP).code == 0
    message = _refused(run("extract", videos, "-o", tmp_path / "x.h5", *CHEAP, "--snippets", "3"))
    assert "sampling: uniform:2 != uniform:3" in message


# --- good and partly good runs


def test_all_done(run: Run, tmp_path: Path, videos: Path) -> None:
    result = run("extract", videos, "-o", tmp_path / "x.h5", *CHEAP)
    assert (result.code, result.err) == (0, "")
    assert "4 videos extracted" in result.out
    assert FeatureFile(tmp_path / "x.h5").packed().count.tolist() == [2] * 4
    again = run("extract", videos, "-o", tmp_path / "x.h5", *CHEAP)
    assert again.code == 0
    assert "4 videos were in the file before" in again.out
    assert "Nothing to do" in again.out


def test_a_video_that_fails_and_is_mended(run: Run, tmp_path: Path, videos: Path) -> None:
    bad, good = videos / "run" / "bad.mp4", videos / "run" / "1.mp4"
    bad.write_text("no video")
    output = tmp_path / "x.h5"
    result = run("extract", videos, "-o", output, *CHEAP)
    assert result.code == 1
    assert "Traceback" not in result.err
    assert "1 failed" in result.out
    assert "run/bad.mp4: " in result.out
    assert "--retry-failed" in result.out
    file = FeatureFile(output)
    assert len(file.videos) == 4
    assert [f.video for f in file.failures] == ["run/bad.mp4"]

    shutil.copy(good, bad)
    assert run("extract", videos, "-o", output, *CHEAP).code == 1
    assert run("extract", videos, "-o", output, *CHEAP, "--retry-failed").code == 0
    assert FeatureFile(output).videos[-1].id == "run/bad.mp4"
    assert FeatureFile(output).failures == []


def test_brackets_in_names_are_shown(run: Run, tmp_path: Path, videos: Path) -> None:
    bad = videos / "run" / "talk [dQw4w9].mp4"
    bad.write_text("no video")
    result = run("extract", videos, "-o", tmp_path / "[final]" / "x.h5", *CHEAP)
    assert result.code == 1
    words = "".join(result.out.split())  # long lines wrap
    assert "[final]/x.h5" in words
    assert "talk[dQw4w9].mp4" in words


def test_stride_and_default_output(
    run: Run, tmp_path: Path, videos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.csv").write_text("path,label,split\njump/2.mp4,jump,test\n")
    assert run("extract", "mine.csv", "--root", videos, *CHEAP, "--stride", "3").code == 0
    file = FeatureFile(tmp_path / "cache" / "mine.h5")
    assert (file.videos[0].id, file.videos[0].split) == ("jump/2.mp4", "test")
    assert file.packed().frame.tolist() == [1, 4]  # of 7 frames
    assert file.provenance["rgb"].sampling == "stride:3"


# --- the rest of the command


def test_help_does_not_import_heavy_packages() -> None:
    code = (
        "import sys\n"
        "from tcon.cli import main\n"
        "main(['--help'], prog_name='tcon', standalone_mode=False)\n"
        "print(sorted({'torch', 'torchvision', 'decord', 'sklearn', 'scipy'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout.startswith("Usage: tcon [OPTIONS]")
    assert result.stdout.splitlines()[-1] == "[]"
    for name in ("extract", "adapt", "eval", "inspect", "demo"):
        assert f"\n  {name} " in result.stdout


def test_version(run: Run) -> None:
    result = run("--version")
    assert (result.code, result.out) == (0, f"tcon, version {tcon.__version__}\n")


def test_inspect(run: Run, tmp_path: Path, videos: Path) -> None:
    run("extract", videos, "-o", tmp_path / "x.h5", *CHEAP)
    result = run("inspect", tmp_path / "x.h5")
    assert (result.code, result.err) == (0, "")
    for word in ("jump", "run", "resnet18", "uniform:2", "random weights"):
        assert word in result.out


def test_inspect_of_a_missing_file(run: Run, tmp_path: Path) -> None:
    message = _refused(run("inspect", tmp_path / "no.h5"))
    assert "no such feature file" in message


def test_inspect_of_another_file(run: Run, tmp_path: Path) -> None:
    (tmp_path / "x.h5").write_text("path,label\n")
    assert "not a readable HDF5 file" in _refused(run("inspect", tmp_path / "x.h5"))
