"""`tcon.extract.extract`, as a notebook calls it."""

from __future__ import annotations

import inspect
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from tiny_backbones import tiny_backbones

from tcon.cache import FeatureFile, FeatureWriter, InputError, Recipe, Snippets, Video
from tcon.cache.recipe import FlowRecipe
from tcon.extract import Machine, extract
from tcon.extract.commands.extract import extract as command
from tcon.extract.features.sink import Progress

CPU = Machine(device="cpu", workers=0, min_frames=1)
TINY = {"backbone": "tiny", "weights": "random", "precision": "fp32", "machine": CPU}


@pytest.fixture(autouse=True, scope="module")
def _backbones():
    with tiny_backbones():
        yield


@pytest.mark.slow
def test_a_folder_a_list_a_video_or_paths(clips: Path, tmp_path: Path) -> None:
    folder = extract(clips, tmp_path / "folder.h5", **TINY)
    assert [video.label for video in folder.videos] == ["jump", "jump", "jump", "run", "run", "run"]
    (tmp_path / "clips.csv").write_text("path,label\nrun/5.avi,run\n")
    listed = extract(tmp_path / "clips.csv", tmp_path / "list.h5", root=clips, **TINY)
    single = extract(str(clips / "run" / "5.avi"), tmp_path / "single.h5", **TINY)
    several = extract(
        [clips / "run" / "5.avi", clips / "jump"], tmp_path / "several.h5", unlabelled=True, **TINY
    )
    assert [v.id for v in listed.videos] == ["run/5.avi"]
    assert [v.id for v in single.videos] == ["5.avi"]
    assert [Path(v.id).name for v in several.videos] == ["0.mp4", "2.mp4", "4.avi", "5.avi"]
    alike = [file.packed().features[-13:] for file in (folder, listed, single, several)]
    for features in alike[1:]:
        np.testing.assert_array_equal(features, alike[0])


def test_it_prints_nothing_and_tells_how_far_it_is(
    clips: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    seen: list[Progress] = []
    extract(clips, tmp_path / "x.h5", on_event=seen.append, **TINY)
    assert (seen[0].todo, seen[0].done, seen[-1].done) == (6, 0, 6)
    assert capfd.readouterr() == ("", "")


def test_failures_are_in_the_file(clips: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.mp4").write_bytes(b"no video")
    file = extract([tmp_path / "bad.mp4", clips / "jump" / "0.mp4"], tmp_path / "x.h5", **TINY)
    assert [Path(failure.video).name for failure in file.failures] == ["bad.mp4"]
    assert repr(file).endswith("x.h5': 1 video, rgb 3x64, 1 failure)")


@pytest.mark.slow
def test_like_a_file(clips: Path, tmp_path: Path) -> None:
    how = TINY | {"modality": "rgb,flow", "stride": 3, "views": "flip"}
    source = extract(clips / "jump", tmp_path / "s.h5", **how)
    for like in (source, tmp_path / "s.h5"):
        target = extract(clips / "run", tmp_path / "t.h5", like=like, machine=CPU)
    assert target.recipes.keys() == source.recipes.keys() == {"rgb", "flow"}
    assert target.recipes == source.recipes
    assert target.packed().features.shape[1:] == (2, 64)


def test_like_a_file_with_other_weights(clips: Path, tmp_path: Path) -> None:
    import torch
    from torch import nn

    for name, seed in (("mine.pth", 1), ("other.pth", 2)):
        torch.manual_seed(seed)
        torch.save(nn.Sequential(nn.Conv2d(3, 16, 5)).state_dict(), tmp_path / name)
    source = extract(clips / "jump", tmp_path / "s.h5", **TINY | {"weights": tmp_path / "mine.pth"})
    with pytest.raises(InputError, match=r"made with mine\.pth .*: give that checkpoint with"):
        extract(clips / "run", tmp_path / "t.h5", like=source, machine=CPU)
    with pytest.raises(InputError, match=r"other\.pth .* is not mine\.pth"):
        extract(
            clips / "run",
            tmp_path / "t.h5",
            like=source,
            weights=tmp_path / "other.pth",
            machine=CPU,
        )
    target = extract(
        clips / "run", tmp_path / "t.h5", like=source, weights=tmp_path / "mine.pth", machine=CPU
    )
    assert target.recipes == source.recipes


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"imported": "t7", "preprocessing": None}, r"not made by tcon extract \(imported: t7, "),
        ({"backbone": "gone"}, "need the backbone gone, which is not registered here"),
        (
            {"layer": "conv5"},
            r"other features than those of .*s\.h5 \(layer: pool in place of conv5\)",
        ),
    ],
)
def test_what_cannot_be_made_alike(
    clips: Path, tmp_path: Path, change: dict[str, object], message: str
) -> None:
    made = extract(clips / "jump", tmp_path / "made.h5", **TINY).recipes["rgb"]
    recipe: Recipe = replace(made, **change)
    with FeatureWriter(tmp_path / "s.h5", {"rgb": recipe}) as writer:
        snippets = Snippets(np.ones((1, 64)), np.zeros(1, int))
        writer.add(Video("a", "", "", "", 9, 25.0), {"rgb": snippets})
    with pytest.raises(InputError, match=message) as caught:
        extract(clips / "run", tmp_path / "t.h5", like=tmp_path / "s.h5", machine=CPU)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "t.h5").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"snippets": 4, "stride": 2}, "give snippets or stride, not both"),
        ({"snippets": 0}, "snippets must be at least 1, not 0"),
        ({"modality": "rgb,depth"}, "no modality 'depth'"),
        ({"like": "s.h5", "backbone": "resnet18"}, "like those of s.h5: leave out backbone$"),
        # A default that is given is an order like any other.
        ({"like": "s.h5", "backbone": "efficientnet_lite0"}, "leave out backbone$"),
        ({"like": "s.h5", "snippets": 32, "precision": "auto"}, "leave out snippets, precision$"),
        ({"like": "s.h5", "flow": FlowRecipe()}, "leave out flow$"),
        ({"plugins": ["nowhere.py"]}, "there is no plug-in nowhere.py"),
    ],
)
def test_wrong_options(
    clips: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: dict[str, object],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    extract(clips / "jump", "s.h5", **TINY)
    with pytest.raises(InputError, match=message):
        extract(clips / "jump", "x.h5", machine=CPU, **options)
    assert not Path("x.h5").exists()


@pytest.mark.parametrize(
    ("option", "name"),
    [
        (["--backbone", "efficientnet_lite0"], "backbone"),
        (["--modality", "rgb"], "modality"),
        (["--flow-bound", "20"], "flow"),
        ([], ""),
    ],
)
def test_the_command_knows_a_given_default_from_none(
    clips: Path, tmp_path: Path, option: list[str], name: str
) -> None:
    extract(clips / "jump", tmp_path / "s.h5", **TINY)
    words = [str(clips / "run"), "-o", str(tmp_path / "t.h5"), "--like", str(tmp_path / "s.h5")]
    words += ["--device", "cpu", "--workers", "0", "--min-frames", "1", *option]
    result = CliRunner().invoke(command, words)
    if name:
        assert str(result.exception).endswith(f"leave out {name}")
    else:
        assert result.exit_code == 0, result.output


def test_the_command_has_every_option() -> None:
    others = {"videos", "output", "plugins", "machine", "on_event", "flow"}
    offered = {parameter.name for parameter in command.params}
    assert inspect.signature(extract).parameters.keys() - others <= offered


@pytest.mark.slow
def test_a_plain_script_without_a_guard(clips: Path, tmp_path: Path) -> None:
    import subprocess
    import sys

    (tmp_path / "script.py").write_text(
        "from tcon.extract import Machine, extract\n"
        "machine = Machine(device='cpu', workers=2, min_frames=1)\n"
        f"file = extract({str(clips)!r}, 'x.h5', backbone='resnet18', weights='random', "
        "snippets=1, machine=machine)\n"
        "print(file)\n"
    )
    run = subprocess.run(
        [sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert run.stdout == "FeatureFile('x.h5': 6 videos, 2 classes, rgb 1x512)\n", run.stderr
    assert FeatureFile(tmp_path / "x.h5").failures == []


def test_random_weights_may_be_named_again(clips: Path, tmp_path: Path) -> None:
    how = {"backbone": "resnet18", "weights": "random", "snippets": 1, "machine": CPU}
    file = extract(clips / "jump", tmp_path / "s.h5", **how)
    again = {"like": file, "weights": "random", "machine": CPU}
    assert extract(clips / "run", tmp_path / "t.h5", **again).recipes == file.recipes
