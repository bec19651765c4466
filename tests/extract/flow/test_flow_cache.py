"""The flow cache: the same features and clips with it as without, its bounds, and kills."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zlib
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from extraction import Extraction, extract
from PIL import Image
from torch import Tensor

from tcon.adapt.end_to_end.clips.cutting import read_clips, training_plan
from tcon.cache import FeatureFile, InputError, Video
from tcon.cache.recipe import FlowRecipe, Preprocessing, Sampling
from tcon.cli import main
from tcon.extract.decoding import DecodeError, read_frames
from tcon.extract.flow import PRESETS, FlowParameters, fields, tvl1
from tcon.extract.flow.cache import FlowCache
from tcon.extract.flow.cutting import FlowCut
from tcon.extract.flow.fields import levels
from tcon.extract.flow.frames import grey
from tcon.extract.lists.videos import VideoItem, read_videos
from tcon.extract.snippets.timeline import Timeline
from tcon.extract.snippets.views import FLOW_SCALES, TrainingCrop

QUICK = FlowParameters(scales=1, warps=1, outer=1)
CONFIG = Extraction(
    modalities=("flow",),
    sampling=Sampling("uniform", 1),
    flow=FlowRecipe(parameters=QUICK),
    device="cpu",
    precision="fp32",
    min_frames=1,
    workers=0,
)
CUT = FlowCut(
    Sampling("uniform", 3),
    Preprocessing(resize=72, input_size=64),
    length=5,
    flow=FlowRecipe(parameters=QUICK),
)


@pytest.fixture(scope="module")
def items(clips: Path) -> list[VideoItem]:
    """Of 3, 7, 11, 5, 9 and 13 frames."""
    return read_videos(clips)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory, items: list[VideoItem]) -> Path:
    """The folder of an extraction that kept its flow: ``x.h5`` and ``flow``; do not change it."""
    folder = tmp_path_factory.mktemp("kept")
    assert extract(items, folder / "x.h5", replace(CONFIG, keep_flow=folder / "flow")) == []
    return folder


@pytest.fixture
def no_flow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing computes flow."""
    monkeypatch.setattr(fields, "tvl1_flows", None)


def _hash(path: Path) -> str:
    return FeatureFile(path).sha256("flow", labels=True)


# --- what it holds


@pytest.mark.slow
def test_features_are_as_without(tmp_path: Path, kept: Path, items: list[VideoItem]) -> None:
    extract(items, tmp_path / "x.h5", CONFIG)
    plain, with_cache = FeatureFile(tmp_path / "x.h5"), FeatureFile(kept / "x.h5")
    assert _hash(tmp_path / "x.h5") == _hash(kept / "x.h5")
    assert plain.recipes == with_cache.recipes
    assert plain.videos == with_cache.videos


@pytest.mark.slow
def test_every_field_is_kept(kept: Path, items: list[VideoItem]) -> None:
    cache = FlowCache.open(kept / "flow", CUT.flow)
    assert cache.count == len(items)
    assert not cache.full
    for item in items:
        images = read_frames(str(item.path), np.arange)
        frames = torch.cat(
            [grey(torch.from_numpy(i.copy()).permute(2, 0, 1)[None]) for i in images]
        )
        expected = levels(tvl1(frames, parameters=QUICK), 20, quantise=True)
        with cache.reading(item.id) as h5:
            assert h5.attrs["video"] == item.id
            assert len(h5["early_stopped"]) == len(images) - 1
            assert torch.equal(torch.from_numpy(h5["levels"][()]), expected)


@pytest.mark.slow
@pytest.mark.usefixtures("no_flow")
def test_flow_is_not_computed_again(tmp_path: Path, kept: Path, items: list[VideoItem]) -> None:
    """For another backbone's other snippets neither."""
    extract(items, tmp_path / "x.h5", replace(CONFIG, keep_flow=kept / "flow"))
    assert _hash(tmp_path / "x.h5") == _hash(kept / "x.h5")
    other = replace(CONFIG, sampling=Sampling("stride", 2), backbone="resnet18", weights="random")
    assert extract(items, tmp_path / "other.h5", replace(other, keep_flow=kept / "flow")) == []


def _read(item: VideoItem, cut: FlowCut, flow: FlowCache | None) -> Tensor:
    plan = training_plan(cut, Timeline(9), np.array([0.1, 0.5, 0.9]))
    return read_clips(str(item.path), cut, plan, item.id, flow=flow)


@pytest.mark.slow
@pytest.mark.parametrize("clip", [False, True])
def test_clips_are_as_without_and_nothing_is_decoded(
    kept: Path, items: list[VideoItem], clip: bool
) -> None:
    cache = FlowCache.open(kept / "flow", CUT.flow)
    cut = replace(CUT, clip=clip, views=TrainingCrop(2, FLOW_SCALES))
    for item in items:  # of fewer frames than planned too
        found = _read(replace(item, path=Path("gone.mp4")), cut, cache)
        assert torch.equal(found, _read(item, cut, None))


def test_flow_of_a_video_that_it_lacks_is_computed(kept: Path, items: list[VideoItem]) -> None:
    cache = FlowCache.open(kept / "flow", CUT.flow)
    other = replace(items[2], id="other.mp4")
    assert torch.equal(_read(other, CUT, cache), _read(items[2], CUT, cache))


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    cache = FlowCache.extend(tmp_path, CUT.flow, 10**9)
    with cache.writing("v", "gone.mp4") as writer:
        for n in range(20):
            writer.add(np.full((2, 256, 340), n, np.uint8), early_stopped=False)
    (path,) = tmp_path.glob("*.h5")
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(
        DecodeError, match=rf"its kept flow cannot be read: {path} is damaged \(.*: remove it"
    ):
        read_clips("gone.mp4", CUT, CUT.plan(Timeline(21)), "v", flow=cache)


# --- bounds


@pytest.mark.slow
def test_it_stops_at_its_limit(tmp_path: Path, kept: Path, items: list[VideoItem]) -> None:
    size = FlowCache.open(kept / "flow", CUT.flow).size
    config = replace(CONFIG, keep_flow=tmp_path / "flow", keep_flow_gb=size / 2 / 1e9)
    assert extract(items, tmp_path / "x.h5", config) == []
    cache = FlowCache.open(tmp_path / "flow", CUT.flow)
    assert cache.full
    assert 0 < cache.count < len(items)
    assert cache.size <= size / 2
    assert _hash(tmp_path / "x.h5") == _hash(kept / "x.h5")
    extract(items, tmp_path / "again.h5", replace(config, keep_flow_gb=1))
    assert (cache.full, cache.count, cache.size) == (False, len(items), size)


def test_a_video_that_another_process_forgets_does_not_make_it_full(tmp_path: Path) -> None:
    cache = FlowCache.extend(tmp_path, CUT.flow, 10**9)
    (tmp_path / "gone.h5").symlink_to(tmp_path / "nowhere")  # listed, and not there any more
    assert cache.size == 0
    with cache.writing("a", "a.mp4") as writer:
        writer.add(np.zeros((2, 256, 340), np.uint8), early_stopped=False)
    assert "a" in cache
    assert not cache.full


@pytest.mark.slow
def test_a_full_disk_fails_no_video(
    tmp_path: Path, kept: Path, items: list[VideoItem], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tcon.extract.flow.cache_file.reserve", full)
    assert extract(items, tmp_path / "x.h5", replace(CONFIG, keep_flow=tmp_path / "flow")) == []
    assert _hash(tmp_path / "x.h5") == _hash(kept / "x.h5")
    assert {path.name for path in (tmp_path / "flow").iterdir()} == {"full", "lock"}


# --- kills

DRIVER = """
import os, signal, sys
from pathlib import Path
from tcon.cache.recipe import FlowParameters, FlowRecipe
from tcon.extract import Machine, extract
from tcon.extract.flow import cache_file

add, calls = cache_file.VideoWriter.add, 0
def counted(*args, **options):
    global calls
    calls += 1
    add(*args, **options)
    if calls == 12:
        os.kill(os.getpid(), signal.SIGKILL)
cache_file.VideoWriter.add = counted
extract(
    sys.argv[1], sys.argv[2] + "/x.h5", modality="flow", snippets=1, precision="fp32",
    flow=FlowRecipe(parameters=FlowParameters(scales=1, warps=1, outer=1)),
    machine=Machine(device="cpu", min_frames=1, workers=0, keep_flow=Path(sys.argv[2]) / "flow"),
)
"""


@pytest.mark.slow
def test_a_kill_costs_one_video(
    tmp_path: Path, clips: Path, kept: Path, items: list[VideoItem]
) -> None:
    run = subprocess.run([sys.executable, "-c", DRIVER, str(clips), str(tmp_path)], timeout=120)
    assert run.returncode == -9
    folder = tmp_path / "flow"
    assert len(list(folder.glob("*.h5"))) == 2  # of 2 and 6 fields; the third has 10
    assert len(list(folder.glob("*.tmp"))) == 1
    extract(items, tmp_path / "x.h5", replace(CONFIG, keep_flow=folder))
    assert {p.name for p in folder.iterdir()} == {p.name for p in (kept / "flow").iterdir()}
    assert _hash(tmp_path / "x.h5") == _hash(kept / "x.h5")
    for path in (kept / "flow").glob("*.h5"):
        with h5py.File(path) as ours, h5py.File(folder / path.name) as theirs:
            np.testing.assert_array_equal(ours["levels"], theirs["levels"])


def test_files_that_are_being_written_are_left_alone(tmp_path: Path) -> None:
    cache = FlowCache.extend(tmp_path, CUT.flow, 10**9)
    with cache.writing("v", "gone.mp4") as writer:
        writer.add(np.zeros((2, 256, 340), np.uint8), early_stopped=False)
        FlowCache.extend(tmp_path, CUT.flow, 10**9)
    assert "v" in cache


# --- other videos of the same names


@pytest.fixture
def alike(tmp_path: Path, items: list[VideoItem]) -> list[VideoItem]:
    """Videos with the ids of two others: of 3 and 7 frames, where those have 7 and 3; as folders of
    frames."""
    made = []
    for item, other in zip(items[:2], (items[1], items[0]), strict=True):
        folder = tmp_path / "alike" / item.id
        folder.mkdir(parents=True)
        for n, image in enumerate(read_frames(str(other.path), np.arange)):
            Image.fromarray(image).save(folder / f"{n:05d}.png")
        made.append(replace(item, path=folder))
    return made


@pytest.fixture
def two(tmp_path: Path, kept: Path) -> tuple[Path, list[Video]]:
    """A copy of the kept flow, and two of its videos as training knows them."""
    videos = {video.id: video for video in FeatureFile(kept / "x.h5").videos}
    folder = shutil.copytree(kept / "flow", tmp_path / "flow")
    return folder, [videos[id_] for id_ in sorted(videos)[:2]]


def _as_version_1(folder: Path) -> None:
    for path in folder.glob("*.h5"):
        with h5py.File(path, "a") as h5:
            del h5.attrs["fingerprint"]
            h5.attrs["format_version"] = 1


@pytest.mark.slow
@pytest.mark.parametrize("old", [False, True])
def test_the_flow_of_another_domain_is_replaced(
    tmp_path: Path, two: tuple[Path, list[Video]], alike: list[VideoItem], old: bool
) -> None:
    if old:
        _as_version_1(two[0])
    extract(alike, tmp_path / "plain.h5", CONFIG)
    assert extract(alike, tmp_path / "x.h5", replace(CONFIG, keep_flow=two[0])) == []
    assert _hash(tmp_path / "x.h5") == _hash(tmp_path / "plain.h5")
    with FlowCache.open(two[0], CUT.flow).reading(alike[0].id) as h5:
        images = [path.read_bytes() for path in sorted(alike[0].path.iterdir())]
        fingerprint = f"{sum(map(len, images))} {zlib.crc32(images[0]):08x}"
        assert (len(h5["levels"]), h5.attrs["fingerprint"]) == (6, fingerprint)


@pytest.mark.slow
@pytest.mark.usefixtures("no_flow")
def test_of_an_old_cache_the_frames_tell(
    tmp_path: Path, two: tuple[Path, list[Video]], items: list[VideoItem]
) -> None:
    _as_version_1(two[0])
    assert extract(items[:2], tmp_path / "x.h5", replace(CONFIG, keep_flow=two[0])) == []
    cache, videos = FlowCache.open(two[0], CUT.flow), two[1]
    cache.require(videos)
    with pytest.raises(InputError, match=r"of other videos of the same names, as .*1 of 2"):
        cache.require([videos[0], replace(videos[1], frames=videos[1].frames + 1)])


def test_training_refuses_the_flow_of_another_domain(
    two: tuple[Path, list[Video]], alike: list[VideoItem]
) -> None:
    cache, videos = FlowCache.open(two[0], CUT.flow), two[1]
    cache.require([*videos, replace(videos[0], id="not kept", path="other.mp4")])
    cache.require([replace(video, path="gone.mp4") for video in videos])
    moved = replace(videos[0], path=str(alike[0].path))  # as many frames, but other bytes
    with pytest.raises(InputError, match=rf"as {moved.id} \(1 of 2\): name the folder of this"):
        cache.require([moved, videos[1]])
    with pytest.raises(DecodeError, match="another video's flow under its name meanwhile"):
        _read(alike[0], CUT, cache)


# --- refusals


def test_flow_made_otherwise_is_refused(tmp_path: Path, kept: Path, items: list) -> None:
    for change, says in (
        ({"flow": FlowRecipe(parameters=PRESETS["fast"])}, "scales=1 in place of scales=3"),
        ({"flow": FlowRecipe(parameters=QUICK, bound=32.0)}, "bound=20.0 in place of bound=32.0"),
    ):
        config = replace(CONFIG, keep_flow=kept / "flow", **change)
        with pytest.raises(InputError, match=f"was made differently .*{says}"):
            extract(items, tmp_path / "x.h5", config)
    with pytest.raises(InputError, match="no flow cache"):
        FlowCache.open(tmp_path, CUT.flow)
    with pytest.raises(InputError, match="cannot write"):
        FlowCache.extend(items[0].path, CUT.flow, 1)


@pytest.mark.slow
def test_the_command(
    tmp_path: Path, kept: Path, clips: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*arguments: str) -> tuple[int, str, str]:
        command = ["extract", str(clips), "-o", str(tmp_path / "x.h5"), "--min-frames", "1"]
        with pytest.raises(SystemExit) as caught:
            main.main([*command, "--device", "cpu", "--workers", "0", *arguments])
        return caught.value.code, *capsys.readouterr()

    quick = ("--flow-parameters", str(QUICK), "--snippets", "1", "--precision", "fp32")
    code, out, _ = run("--modality", "flow", *quick, "--keep-flow", str(kept / "flow"))
    assert code == 0
    assert f"{kept / 'flow'} holds the flow of 6 videos, 0.00 GB." in out
    for arguments, says in (
        (("--modality", "rgb"), "give --modality flow"),
        (("--modality", "flow", "--flow-float"), "no --flow-float"),
        (("--modality", "flow", "--flow-engine", "torch"), "torch does not run where videos are"),
    ):
        code, _, error = run(*arguments, "--keep-flow", str(tmp_path / "flow"))
        assert (code, error.count("\n")) == (2, 1)
        assert says in error


# --- files that are not what they seem


def test_kept_flow_that_lies_in_another_file(tmp_path: Path) -> None:
    cache = FlowCache.extend(tmp_path / "flow", FlowRecipe(), limit=2**20)
    with cache.writing("v", "v.mp4") as writer:
        writer.add(np.zeros((2, 256, 340), np.uint8), early_stopped=False)
    [kept] = (tmp_path / "flow").glob("*.h5")
    with h5py.File(kept, "a") as h5:
        del h5["levels"]
        h5["levels"] = h5py.ExternalLink("elsewhere.h5", "levels")
    said = "keeps levels in other files, which are not read"
    with pytest.raises(DecodeError, match=said), cache.reading("v"):
        pass
