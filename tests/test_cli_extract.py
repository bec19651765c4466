"""``tcon extract`` and ``tcon inspect`` as a user meets them: output and exit codes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from words import with_option

import tcon
from tcon.cache import FeatureFile
from tcon.cache.recipe import Sampling
from tcon.cli import main

FAST = (
    *("--backbone", "resnet18", "--weights", "random"),
    *("--device", "cpu", "--precision", "fp32", "--min-frames", "1", "--workers", "0"),
)
CHEAP = (*FAST, "--snippets", "2")


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


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("list.csv", "", "list.csv is an empty file"),
        ("list.txt", "\n \n", "list.txt is an empty file"),
        ("list.csv", "video,label\nno.mp4,jump\n", "header that names the column path"),
        ("list.csv", "no.mp4,jump\n", "header that names the column path"),
    ],
)
def test_lists_that_cannot_be_read(
    run: Run, tmp_path: Path, name: str, text: str, says: str
) -> None:
    (tmp_path / name).write_text(text)
    assert says in _refused(run("extract", tmp_path / name, "-o", tmp_path / "x.h5"))


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
        ("--weights", "no.pth", "there are no weights no.pth"),
        ("--decoder", "opencv", "auto, pyav, decord"),
        ("--views", "ten", "centre, flip, tencrop or multiscale:N"),
        ("--shard", "3/2", "i from 1 to n"),
        ("--shard", "", "--shard is empty"),
    ],
)
def test_wrong_option(
    run: Run, tmp_path: Path, videos: Path, option: str, value: str, says: str
) -> None:
    message = _refused(
        run("extract", videos, "-o", tmp_path / "x.h5", *with_option(CHEAP, option, value))
    )
    assert value in message
    assert says in message
    assert not (tmp_path / "x.h5").exists()


@pytest.mark.slow
def test_other_options_on_the_same_file(run: Run, tmp_path: Path, videos: Path) -> None:
    assert run("extract", videos, "-o", tmp_path / "x.h5", *CHEAP).code == 0
    options = with_option(CHEAP, "--snippets", "3")
    message = _refused(run("extract", videos, "-o", tmp_path / "x.h5", *options))
    assert "sampling: uniform:2 in place of uniform:3" in message


# --- good and partly good runs


@pytest.mark.slow
def test_all_done(run: Run, tmp_path: Path, videos: Path) -> None:
    result = run("extract", videos, "-o", tmp_path / "x.h5", *CHEAP)
    assert (result.code, result.err) == (0, "")
    assert "4 videos extracted" in result.out
    assert FeatureFile(tmp_path / "x.h5").packed().count.tolist() == [2] * 4
    again = run("extract", videos, "-o", tmp_path / "x.h5", *CHEAP)
    assert again.code == 0
    assert "The file held 4 videos before." in again.out
    assert "Nothing to do" in again.out


def test_a_table_of_videos_alone(run: Run, tmp_path: Path, videos: Path) -> None:
    options = ("--modality", "none", "--min-frames", "1", "--workers", "0")
    result = run("extract", videos, "-o", tmp_path / "x.h5", *options)
    assert result.code == 0
    assert "decoded and counted" in result.out
    file = FeatureFile(tmp_path / "x.h5")
    assert not file.modalities
    assert all(video.frames and video.label for video in file.videos)
    assert run("inspect", tmp_path / "x.h5").code == 0


@pytest.mark.slow
def test_what_was_understood_is_said_first(run: Run, tmp_path: Path, videos: Path) -> None:
    result = run("extract", videos, "-o", tmp_path / "x.h5", *CHEAP)
    assert result.out.startswith("4 videos; 2 classes (jump, run); no splits.\n")
    (tmp_path / "one.csv").write_text("path,split\njump/2.mp4,test\n")
    result = run("extract", tmp_path / "one.csv", "--root", videos, "-o", tmp_path / "y.h5", *CHEAP)
    assert result.out.startswith("1 video; unlabelled; test 1.\n")


@pytest.mark.slow
def test_a_list_with_numbers_for_classes(run: Run, tmp_path: Path, videos: Path) -> None:
    (tmp_path / "val.txt").write_text("/far/run/1 7 1\n")
    (tmp_path / "classInd.txt").write_text("0 jump\n1 run\n")
    options = ("--root", videos, "--classes", tmp_path / "classInd.txt")
    result = run("extract", tmp_path / "val.txt", "-o", tmp_path / "x.h5", *options, *CHEAP)
    assert result.code == 0
    assert "--list-form text" in result.out
    (video,) = FeatureFile(tmp_path / "x.h5").videos
    assert (video.id, video.label, video.split) == ("run/1.mp4", "run", "val")
    form = ("--list-form", "frame")
    message = _refused(run("extract", tmp_path / "val.txt", "-o", tmp_path / "x.h5", *form))
    assert "did you mean frames?" in message


@pytest.mark.slow
def test_sub_folders_that_are_no_classes(run: Run, tmp_path: Path, videos: Path) -> None:
    deep = videos / "run" / "2026" / "11"
    deep.mkdir(parents=True)
    (videos / "run" / "1.mp4").rename(deep / "1.mp4")
    message = _refused(run("extract", videos, "-o", tmp_path / "x.h5", *CHEAP))
    assert "--unlabelled" in message
    assert run("extract", videos, "--unlabelled", "-o", tmp_path / "x.h5", *CHEAP).code == 0
    found = FeatureFile(tmp_path / "x.h5").videos
    assert {v.id for v in found} >= {"run/2026/11/1.mp4", "jump/2.mp4"}
    assert {v.label for v in found} == {""}


@pytest.mark.slow
def test_another_list_into_the_same_file(run: Run, tmp_path: Path, videos: Path) -> None:
    run("extract", videos / "jump", "-o", tmp_path / "x.h5", *CHEAP)
    result = run("extract", videos / "run", "-o", tmp_path / "x.h5", *CHEAP)
    assert "The file held 3 videos before, 3 of them not in this list." in result.out


@pytest.mark.slow
def test_a_shard_has_a_file_of_its_own(run: Run, tmp_path: Path, videos: Path) -> None:
    for n in (1, 2):
        run("extract", videos, "--shard", f"{n}/2", "-o", tmp_path / "x.h5", *CHEAP)
    assert {p.name for p in tmp_path.glob("*.h5")} == {"x.1-of-2.h5", "x.2-of-2.h5"}
    result = run("inspect", tmp_path / "x.*-of-2.h5")
    assert result.code == 0
    assert "4videos" in "".join(result.out.split())


@pytest.mark.slow
def test_names_that_are_no_text(run: Run, tmp_path: Path, videos: Path) -> None:
    odd = os.fsencode(videos / "run") + b"/lat\xe9in.avi"
    shutil.copy(os.fsencode(videos / "run" / "1.mp4"), odd)
    assert run("extract", videos, "-o", tmp_path / "x.h5", *CHEAP).code == 0
    ids = [video.id for video in FeatureFile(tmp_path / "x.h5").videos]
    assert "run/lat\\xe9in.avi" in ids
    assert len(ids) == 5


def test_ctrl_c_before_anything_is_done(
    run: Run, tmp_path: Path, videos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tcon.extract.features.plan.load_backbone", stop)
    result = run("extract", videos, "-o", tmp_path / "x.h5", *CHEAP)
    assert (result.code, result.err) == (130, "stopped: the same command continues\n")


def test_snippets_or_stride(run: Run, tmp_path: Path, videos: Path) -> None:
    message = _refused(run("extract", videos, "-o", tmp_path / "x.h5", *CHEAP, "--stride", "3"))
    assert "not both" in message


@pytest.mark.slow
def test_check(run: Run, clips: Path, tmp_path: Path) -> None:
    result = run("extract", clips / "run" / "5.avi", "--check", "--min-frames", "1")
    assert (result.code, result.err) == (0, "")
    *lines, near, cost = result.out.splitlines()
    assert near.startswith("The nearest snippet is a neighbour in time for ")
    assert "snippets [3, 224, 224] takes" in cost and "gives 1280 dimensions each" in cost
    rows = [line.split("%  ") for line in lines]
    probabilities = [float(row[0]) for row in rows]
    assert len(rows) == 5
    assert probabilities == sorted(probabilities, reverse=True)
    assert all(0 < p <= 100 for p in probabilities)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("clips", "--check"), "no such video"),
        (("clips/run/5.avi", "--check", "--weights", "random"), "recognise nothing"),
        (("clips/run/5.avi", "--check"), "fewer than --min-frames 16"),
    ],
)
def test_check_refused(
    run: Run, clips: Path, arguments: tuple[str, ...], says: str, tmp_path: Path
) -> None:
    (tmp_path / "clips").symlink_to(clips)
    assert says in _refused(run("extract", tmp_path / arguments[0], *arguments[1:]))


@pytest.mark.slow
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


@pytest.mark.slow
def test_brackets_in_names_are_shown(run: Run, tmp_path: Path, videos: Path) -> None:
    bad = videos / "run" / "talk [dQw4w9].mp4"
    bad.write_text("no video")
    result = run("extract", videos, "-o", tmp_path / "[final]" / "x.h5", *CHEAP)
    assert result.code == 1
    words = "".join(result.out.split())  # long lines wrap
    assert "[final]/x.h5" in words
    assert "talk[dQw4w9].mp4" in words


@pytest.mark.slow
def test_stride_and_default_output(
    run: Run, tmp_path: Path, videos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.csv").write_text("path,label,split\njump/2.mp4,jump,test\n")
    assert run("extract", "mine.csv", "--root", videos, *FAST, "--stride", "3").code == 0
    file = FeatureFile(tmp_path / "cache" / "mine.h5")
    assert (file.videos[0].id, file.videos[0].split) == ("jump/2.mp4", "test")
    assert file.packed().frame.tolist() == [1, 4]  # of 7 frames
    assert file.recipes["rgb"].sampling == Sampling("stride", 3)


@pytest.mark.slow
def test_like_another_file(run: Run, tmp_path: Path, videos: Path) -> None:
    source, target = tmp_path / "s.h5", tmp_path / "t.h5"
    assert run("extract", videos / "jump", "-o", source, *FAST, "--stride", "3").code == 0
    machine = ("--device", "cpu", "--min-frames", "1", "--workers", "0")
    video = videos / "run" / "1.mp4"  # a single video, too
    done = run("extract", video, "-o", target, "--like", source, *machine)
    assert done.code == 0, done.err
    assert [v.id for v in FeatureFile(target).videos] == ["1.mp4"]
    assert FeatureFile(target).recipes == FeatureFile(source).recipes
    refused = run("extract", video, "-o", target, "--like", source, *machine, "--snippets", "2")
    assert _refused(refused).endswith("leave out snippets\n")
    gone = run("extract", video, "-o", target, "--like", tmp_path / "no.h5", *machine)
    assert "no such feature file" in _refused(gone)


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
    for name in ("extract", "adapt", "eval", "inspect", "flow", "demo"):
        assert f"\n  {name} " in result.stdout


def test_version(run: Run) -> None:
    result = run("--version")
    assert (result.code, result.out) == (0, f"tcon, version {tcon.__version__}\n")


@pytest.mark.slow
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
    assert "is not a feature file" in _refused(run("inspect", tmp_path / "x.h5"))
