"""Imports into a feature file: whole, interrupted, with damaged videos, by the command."""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from import_files import features, write_list, write_t7
from process_tree import descendants
from scipy.io import savemat

from tcon.cache import FeatureFile, InputError, Snippets
from tcon.cache.recipe import Sampling
from tcon.cli import main
from tcon.extract.importers import run as import_run
from tcon.extract.importers.formats.source import FeatureSource
from tcon.extract.importers.registry import open_source
from tcon.extract.importers.run import write_features
from tcon.extract.importers.wanted import choose_videos


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six videos of 2 to 7 frames as t7, of three classes."""
    for n in range(6):
        write_t7(tmp_path / "t7" / f"v_{n}", features(2 + n, n))
    write_list(tmp_path / "train.txt", [f"/x/v_{n} {2 + n} {n % 3}" for n in range(3)])
    write_list(tmp_path / "test.txt", [f"/x/v_{n} {2 + n} {n % 3}" for n in range(3, 6)])
    return tmp_path / "t7"


def run(source: FeatureSource, output: Path, **options: str) -> FeatureFile:
    write_features(source, output, choose_videos(source).videos, **options)
    return FeatureFile(output)


def command(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["import", *map(str, arguments)])


def test_t7_with_its_lists(folder: Path) -> None:
    output = folder.parent / "x.h5"
    lists = [
        part for name in ("train", "test") for part in ("--list", folder.parent / f"{name}.txt")
    ]
    result = command("auto", folder, "-o", output, *lists, "--backbone", "resnet101")
    assert result.exit_code == 0, result.output
    assert "6 videos; 3 classes; train 3, test 3." in result.output
    file = FeatureFile(output)
    assert [(v.id, v.label, v.split, v.frames, v.fps, v.damage) for v in file.videos] == [
        (f"v_{n}", str(n % 3), "train" if n < 3 else "test", 2 + n, 0.0, "") for n in range(6)
    ]
    packed = file.packed()
    np.testing.assert_array_equal(
        packed.features, np.concatenate([features(2 + n, n) for n in range(6)])
    )
    assert packed.frame.tolist() == [frame for n in range(6) for frame in range(2 + n)]
    made = file.recipes["rgb"]
    assert (made.backbone, made.imported, made.sampling, made.precision, made.dim) == (
        "resnet101",
        "t7",
        Sampling("stride", 1),
        "fp32",
        4,
    )


def _die_after(folder: Path, output: Path, videos: int) -> None:
    """Import in a child process that ends itself while it reads another video."""
    if child := os.fork():
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
        return
    try:
        source = open_source("t7", folder)
        read, left = source.read, iter(range(5 + videos))  # the first five are read twice

        def dying(name: str) -> Mapping[str, Snippets]:
            if next(left, None) is None:
                os._exit(9)
            return read(name)

        source.read = dying
        run(source, output)
    finally:
        os._exit(0)


@pytest.mark.slow
def test_killed_at_any_moment(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run(open_source("t7", folder), tmp_path / "whole.h5")
    output = tmp_path / "x.h5"
    monkeypatch.setattr(import_run, "_UNCOMMITTED", 0)  # commit every video
    for videos in range(3):
        _die_after(folder, output, videos)
        assert len(FeatureFile(output).videos) == (0, 1, 3)[videos]
    resumed = run(open_source("t7", folder), output)
    assert resumed.videos == whole.videos
    assert resumed.sha256("rgb", labels=True) == whole.sha256("rgb", labels=True)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_no_process_outlives_an_import(tmp_path: Path) -> None:
    savemat(tmp_path / "v.mat", {"x": features(2)})
    source = open_source("mat", tmp_path)
    before = descendants()
    run(source, tmp_path / "x.h5")
    assert descendants() <= before
    np.testing.assert_array_equal(source.read("v")[""].features, features(2))
    assert descendants() > before
    source.close()
    assert descendants() <= before


def test_again_reads_nothing_and_takes_new_videos(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "x.h5"
    run(open_source("t7", folder), output)
    write_t7(folder / "v_6", features(3))
    source, seen = open_source("t7", folder), []
    read = source.read
    source.read = lambda name: seen.append(name) or read(name)
    assert len(run(source, output).videos) == 7
    assert seen == ["v_0", "v_1", "v_2", "v_3", "v_4", "v_6"]  # five tell how all are made


def test_damaged_videos_do_not_stop_an_import(folder: Path, tmp_path: Path) -> None:
    (folder / "v_1" / "img_00002.t7").write_bytes(b"")
    torch.save({"a": 1}, folder / "v_2" / "img_00001.t7")
    write_t7(folder / "v_3", features(1, dim=5))
    write_t7(folder / "v_4", np.full((1, 4), 7e4, "f4"))
    write_t7(folder / "v_5", np.full((1, 4), np.nan, "f4"))
    output = tmp_path / "x.h5"
    result = command("t7", folder, "-o", output)
    assert result.exit_code == 1
    assert "Traceback" not in result.output
    assert [v.id for v in FeatureFile(output).videos] == ["v_0"]
    assert {f.video: f.reason for f in FeatureFile(output).failures} == {
        "v_1": "img_00002.t7 cannot be read: EOFError",
        "v_2": "img_00001.t7 holds a dict, not a tensor",
        "v_3": "mixes vectors of [4, 5] dimensions",
        "v_4": "has values up to 7e+04, beyond float16's 65504: import with --dtype float32 "
        "(dtype=)",
        "v_5": "has the value nan in snippet 0, dimension 0: make its features anew",
    }
    write_t7(folder / "v_1", features(3, 1))
    command("t7", folder, "-o", output)  # mended: tried again
    assert [v.id for v in FeatureFile(output).videos] == ["v_0", "v_1"]


def test_nothing_readable(folder: Path, tmp_path: Path) -> None:
    for file in folder.rglob("*.t7"):
        file.write_bytes(b"")
    result = command("t7", folder, "-o", tmp_path / "x.h5")
    assert result.exit_code == 2
    assert "no video can be read; the first, v_0: img_00001.t7" in result.output
    assert not (tmp_path / "x.h5").exists()


def test_a_code_that_a_file_holds_is_not_run(folder: Path, tmp_path: Path) -> None:
    class Payload:
        def __reduce__(self) -> tuple:
            return os.mkdir, (str(tmp_path / "executed"),)

    torch.save(Payload(), folder / "v_0" / "img_00001.t7")
    np.save(tmp_path / "a.npy", np.array([Payload()]), allow_pickle=True)
    assert command("t7", folder, "-o", tmp_path / "x.h5").exit_code == 1
    assert command("npy", tmp_path, "-o", tmp_path / "y.h5").exit_code == 2
    assert not (tmp_path / "executed").exists()


def test_pickles_need_trust(tmp_path: Path) -> None:
    (tmp_path / "v.pkl").write_bytes(pickle.dumps(features(3)))
    refused = command("auto", tmp_path, "-o", tmp_path / "x.h5")
    assert refused.exit_code == 2
    assert "--trust-pickle" in refused.output
    assert command("auto", tmp_path, "-o", tmp_path / "x.h5", "--trust-pickle").exit_code == 0
    np.testing.assert_array_equal(FeatureFile(tmp_path / "x.h5").packed().features, features(3))


def test_a_pickle_of_all_actions_is_looked_into(tmp_path: Path) -> None:
    sample = {"uid": 3, "video_name": "P08_01", "features_RGB": features(5)}
    path, options = tmp_path / "D1_train.pkl", ("-o", tmp_path / "x.h5")
    path.write_bytes(pickle.dumps({"features": [sample]}))
    assert "--trust-pickle" in command("auto", path, *options).output
    result = command("auto", path, *options, "--trust-pickle")
    assert result.exit_code == 0 and "is taken as mmsada." in result.output
    content = {"features": {"RGB": features(10).reshape(2, 5, 4)}, "narration_ids": ["a", "b"]}
    path.write_bytes(pickle.dumps(content))
    assert "is taken as epic100." in command("auto", path, *options, "--trust-pickle").output


def test_parts_that_a_list_names_are_not_cut_out(folder: Path, tmp_path: Path) -> None:
    lists = write_list(tmp_path / "parts.txt", ["v_3 1 2 0", "v_4 2 4 1"])
    result = command("t7", folder, "-o", tmp_path / "x.h5", "--list", lists)
    assert result.exit_code == 0
    assert "all frames are taken of 2 videos of which the lists name a part" in result.output
    assert FeatureFile(tmp_path / "x.h5").counts("rgb").tolist() == [5, 6]


def test_frames_that_are_missing_are_told(folder: Path, tmp_path: Path) -> None:
    (folder / "v_3" / "img_00002.t7").unlink()
    (folder / "v_4" / "img_00006.t7").unlink()
    lists = write_list(tmp_path / "list.txt", ["v_3 5 0", "v_4 40 0", "v_5 22 0"])
    output = tmp_path / "x.h5"
    command("t7", folder, "-o", output, "--list", lists)
    file = FeatureFile(output)
    assert file.packed().frame[:4].tolist() == [0, 2, 3, 4]
    # v_5: its 7 vectors are those of the clips of 16 of 22 frames
    assert [v.damage for v in file.videos] == [
        "4 of 5 frames have features",
        "5 of 40 frames have features",
        "",
    ]


def test_modalities(tmp_path: Path) -> None:
    np.save(tmp_path / "a_rgb.npy", features(2, 1))
    np.save(tmp_path / "a_flow.npy", features(3, 2))
    source = open_source("npy", tmp_path)
    both = run(source, tmp_path / "both.h5")
    assert both.modalities == ["flow", "rgb"]
    np.testing.assert_array_equal(both.packed("flow").features, features(3, 2))
    assert run(source, tmp_path / "flow.h5", modality="flow").modalities == ["flow"]
    with pytest.raises(InputError, match="holds flow, rgb, not audio"):
        run(source, tmp_path / "audio.h5", modality="audio")
    np.save(tmp_path / "b_rgb.npy", features(2, 1))
    result = command("npy", tmp_path, "-o", tmp_path / "both.h5")
    assert result.exit_code == 1
    assert "b: has features of rgb, other videos of flow, rgb" in result.output


def test_a_first_video_unlike_the_others(tmp_path: Path) -> None:
    """Most of the first videos say what all have."""
    for n in range(1, 5):
        np.save(tmp_path / f"v{n}_rgb.npy", features(2, dim=5 if n == 2 else 4))
        if n > 1:
            np.save(tmp_path / f"v{n}_flow.npy", features(2))
    result = command("npy", tmp_path, "-o", tmp_path / "x.h5")
    assert result.exit_code == 1
    file = FeatureFile(tmp_path / "x.h5")
    assert file.modalities == ["flow", "rgb"]
    assert [video.id for video in file.videos] == ["v3", "v4"]
    assert "v1: has features of rgb, other videos of flow, rgb" in result.output
    assert "v2: has 5 dimensions, other videos 4" in result.output


def test_what_is_left_alone_is_told(tmp_path: Path) -> None:
    np.save(tmp_path / "v1_rgb.npy", features(2))
    np.save(tmp_path / "v1_flow.npy", features(2))
    for name in ("mean", "std", "all"):
        np.save(tmp_path / f"{name}.npy", features(1))
    result = command("npy", tmp_path, "-o", tmp_path / "x.h5")
    assert result.exit_code == 0
    assert "3 files are ignored, as all.npy" in result.output
    assert [v.id for v in FeatureFile(tmp_path / "x.h5").videos] == ["v1"]
    np.savez(tmp_path / "y.npz", ids=["a"], features=features(1), fps=[25.0])
    result = command("npz", tmp_path / "y.npz", "-o", tmp_path / "y.h5")
    assert "the arrays fps are ignored." in result.output


def test_unnamed_features_are_what_the_user_says(folder: Path, tmp_path: Path) -> None:
    assert run(open_source("t7", folder), tmp_path / "x.h5", modality="flow").modalities == ["flow"]


@pytest.mark.parametrize("modality", ["videos", "failures", "a/b", "Failures", ".", "é"])
def test_what_no_modality_can_be_called(folder: Path, tmp_path: Path, modality: str) -> None:
    result = command("t7", folder, "-o", tmp_path / "x.h5", "--modality", modality)
    assert result.exit_code == 2
    assert "cannot be a modality: that is one word of letters" in result.output
    assert not (tmp_path / "x.h5").exists()


def test_modalities_are_called_in_lower_case(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "x.h5"
    assert command("t7", folder, "-o", output, "--modality", "RGB").exit_code == 0
    assert FeatureFile(output).modalities == ["rgb"]


def test_kinds_and_labels_are_never_mixed(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "x.h5"
    command("t7", folder, "-o", output)
    np.save(tmp_path / "v_9.npy", features(2))
    result = command("npy", tmp_path, "-o", output)
    assert result.exit_code == 2
    assert "imported: t7 in place of npy" in result.output
    before = FeatureFile(output).sha256("rgb", labels=False)
    result = command("t7", folder, "-o", output, "--list", f"test={tmp_path / 'train.txt'}")
    assert "that it held before were changed" in result.output
    result = command("t7", folder, "-o", output, "--list", tmp_path / "train.txt")
    assert result.exit_code == 2
    assert "holds v_0 as label '0', split 'test', now it is '0', 'train'" in result.output
    assert "drop what the file says by --unlabelled first" in result.output
    command("t7", folder, "-o", output, "--unlabelled")
    assert FeatureFile(output).sha256("rgb", labels=True) == before


def test_names_that_no_file_can_hold(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", ids=np.array(["a\0b"]), features=features(1))
    result = command("npz", tmp_path / "x.npz", "-o", tmp_path / "x.h5")
    assert result.exit_code == 2
    assert "cannot be stored as a name" in result.output


def test_a_video_without_a_name(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", ids=np.array(["a", ""]), features=features(2))
    result = command("npz", tmp_path / "x.npz", "-o", tmp_path / "x.h5")
    assert result.exit_code == 2
    assert "x.npz has a video without a name" in result.output


def test_unmatched_names_are_told(folder: Path, tmp_path: Path) -> None:
    lists = write_list(tmp_path / "list.txt", ["v_0 0", *(f"v_1{n} 0" for n in range(12))])
    result = command("t7", folder, "-o", tmp_path / "x.h5", "--list", lists)
    assert result.exit_code == 1
    assert "12 listed are not there" in result.output
    assert "  v_10: did you mean v_1?\n" in result.output
    assert "and 2 more" in result.output
