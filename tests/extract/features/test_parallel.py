"""Extraction by several processes, threads, devices and shards equals extraction by one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from extraction import Extraction, extract
from words import with_option

from tcon.cache import FeatureFile
from tcon.cache.recipe import Sampling
from tcon.extract.features.sink import Progress
from tcon.extract.lists.shards import Shard
from tcon.extract.lists.videos import VideoItem, read_videos
from tcon.extract.snippets.views import parse_views

HELPERS = Path(__file__).parents[2] / "helpers"
CONFIG = Extraction(
    backbone="resnet18",
    weights="random",
    sampling=Sampling("uniform", 3),
    device="cpu",
    precision="fp32",
    batch_size=4,
    min_frames=1,
    workers=0,
)
COMMAND = (
    *("--backbone", "resnet18", "--weights", "random", "--snippets", "3", "--device", "cpu"),
    *("--precision", "fp32", "--min-frames", "1", "--workers", "1", "--batch-size", "4"),
)


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory, clips: Path) -> FeatureFile:
    """Everything in this process, on one device."""
    path = tmp_path_factory.mktemp("alone") / "x.h5"
    assert extract(read_videos(clips), path, CONFIG) == []
    return FeatureFile(path)


def _assert_equal(found: FeatureFile, expected: FeatureFile) -> None:
    assert found.videos == expected.videos
    a, b = found.packed(), expected.packed()
    np.testing.assert_array_equal(a.count, b.count)
    for n, count in enumerate(a.count):
        ours, theirs = slice(a.start[n], a.start[n] + count), slice(b.start[n], b.start[n] + count)
        np.testing.assert_array_equal(a.frame[ours], b.frame[theirs])
        np.testing.assert_allclose(a.features[ours], b.features[theirs], rtol=2e-3, atol=1e-4)


def test_the_videos_differ(alone: FeatureFile) -> None:
    """Else the comparisons below could not fail."""
    packed = alone.packed()
    first = packed.features[packed.start].astype(np.float64)
    assert (np.abs(first[:, None] - first).max(-1) > 0.01).sum() == len(first) * (len(first) - 1)


@pytest.mark.slow
@pytest.mark.parametrize(
    "change",
    [{"workers": 3}, {"device": "cpu,cpu"}, {"workers": 2, "device": "cpu,cpu", "batch_size": 1}],
    ids=["processes", "devices", "both"],
)
def test_processes_and_devices(
    tmp_path: Path, clips: Path, alone: FeatureFile, change: dict[str, object]
) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(2)  # batches at once, whatever the machine and the test's command say
    try:
        extract(read_videos(clips), tmp_path / "x.h5", replace(CONFIG, **change))
    finally:
        torch.set_num_threads(threads)
    _assert_equal(FeatureFile(tmp_path / "x.h5"), alone)


@pytest.mark.slow
def test_two_shards_by_two_processes(tmp_path: Path, clips: Path, alone: FeatureFile) -> None:
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", "from tcon.cli import main; main()", "extract", str(clips)]
            + [*COMMAND, "--shard", f"{n}/2", "-o", str(tmp_path / "x.h5")]
        )
        for n in (1, 2)
    ]
    assert [run.wait(timeout=120) for run in runs] == [0, 0]
    parts = [FeatureFile(tmp_path / f"x.{n}-of-2.h5") for n in (1, 2)]
    items = read_videos(clips)
    for n, part in enumerate(parts, start=1):
        assert [v.id for v in part.videos] == sorted(i.id for i in Shard(n, 2).choose(items))
        assert 0 < len(part.videos) < len(items)
    _assert_equal(FeatureFile(tmp_path / "x.*-of-2.h5"), alone)


# --- views


@pytest.mark.slow
@pytest.mark.parametrize("views", ["flip", "multiscale:2"])
def test_views_are_extracted_each_as_an_image_of_its_own(
    tmp_path: Path, clips: Path, alone: FeatureFile, views: str
) -> None:
    chosen = parse_views(views)
    extract(read_videos(clips), tmp_path / "x.h5", replace(CONFIG, views=chosen))
    file = FeatureFile(tmp_path / "x.h5")
    features = file.packed().features
    assert features.shape == (len(alone.packed().features), len(chosen), 512)
    assert file.recipes["rgb"].views == chosen
    # The first is the centre crop, and the others differ from it.
    np.testing.assert_allclose(features[:, 0], alone.packed().features, rtol=2e-3, atol=1e-4)
    assert (np.abs(features[:, 1:] - features[:, :1]).max(-1) > 0.01).all()


# --- what goes wrong


@pytest.mark.slow
def test_a_video_that_hangs_is_given_up(tmp_path: Path, clips: Path, alone: FeatureFile) -> None:
    os.mkfifo(tmp_path / "hangs.mp4")  # opening it waits for ever, inside native code
    items = [VideoItem("hangs.mp4", tmp_path / "hangs.mp4", "", ""), *read_videos(clips)]
    (failure,) = extract(items, tmp_path / "x.h5", replace(CONFIG, workers=2, time_limit=1.0))
    assert (failure.video, failure.stage) == ("hangs.mp4", "decode")
    assert failure.reason == "no new frame within 1 s, the time limit"
    _assert_equal(FeatureFile(tmp_path / "x.h5"), alone)


@pytest.mark.slow
def test_ctrl_c_keeps_what_is_done_and_ends_every_process(
    tmp_path: Path, clips: Path, alone: FeatureFile
) -> None:
    os.mkfifo(tmp_path / "hangs.mp4")
    (tmp_path / "list.csv").write_text(
        "path,label\n"
        + "".join(f"{item.path},{item.label}\n" for item in read_videos(clips))
        + f"{tmp_path / 'hangs.avi'},\n"
    )
    # A list may not name a pipe; it is put in the place of a file after the list has been read.
    driver = (
        "import os, signal, sys, tcon.extract.lists.videos as p\n"
        # A suite that runs in the background ignores SIGINT, and so would this process.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "read = p.describe\n"
        "def swap(items):\n"
        "    os.remove(sys.argv[1]); os.rename(sys.argv[2], sys.argv[1])\n"
        "    return read(items)\n"
        "p.describe = swap\n"
        "from tcon.cli import main\n"
        "main(sys.argv[3:])\n"
    )
    (tmp_path / "hangs.avi").touch()
    run = subprocess.Popen(
        [sys.executable, "-c", driver, str(tmp_path / "hangs.avi"), str(tmp_path / "hangs.mp4")]
        + ["extract", str(tmp_path / "list.csv"), *with_option(COMMAND, "--batch-size", "1")]
        + ["-o", str(tmp_path / "x.h5")],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 90
    while _committed(tmp_path / "x.h5") < len(alone.videos):
        assert run.poll() is None, run.communicate()
        assert time.monotonic() < deadline, "the good videos were not committed"
        time.sleep(0.1)
    servers = _children(run.pid)
    children = [*servers, *(fork for server in servers for fork in _children(server))]
    assert len(children) > 1
    run.send_signal(signal.SIGINT)
    _, error = run.communicate(timeout=90)
    assert run.returncode == 130
    assert error == f"stopped: {tmp_path / 'x.h5'} holds 6 videos; the same command continues\n"
    assert not any(Path(f"/proc/{child}").exists() for child in children)
    assert [v.frames for v in FeatureFile(tmp_path / "x.h5").videos] == [
        v.frames for v in alone.videos
    ]


def _committed(path: Path) -> int:
    return len(FeatureFile(path).videos) if path.exists() else 0


def _children(pid: int) -> list[int]:
    listing = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True)
    return [int(word) for word in listing.stdout.split()]


@pytest.mark.slow
def test_a_video_too_short_is_a_failure_that_names_the_option(tmp_path: Path, clips: Path) -> None:
    failures = extract(read_videos(clips), tmp_path / "x.h5", replace(CONFIG, min_frames=8))
    assert {f.video: f.reason for f in failures} == {
        "jump/0.mp4": "3 frames can be decoded, fewer than --min-frames 8",
        "run/1.mp4": "5 frames can be decoded, fewer than --min-frames 8",
        "jump/2.mp4": "7 frames can be decoded, fewer than --min-frames 8",
    }


def test_damage_is_noted(tmp_path: Path, write_video: Callable[..., Path]) -> None:
    path = write_video(tmp_path / "v" / "x.avi", 200, codec="mpeg4", gop=10)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 3 // 4])
    seen: list[Progress] = []
    items = read_videos(tmp_path / "v")
    assert extract(items, tmp_path / "x.h5", CONFIG, on_progress=seen.append) == []
    (video,) = FeatureFile(tmp_path / "x.h5").videos
    assert 50 < video.frames < 190
    assert f"{video.frames} of 200 announced frames" in video.damage
    assert (seen[-1].done, seen[-1].damaged) == (1, 1)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_videos(tmp_path: Path, clips: Path) -> None:
    """Peak memory of 20 and of 110 videos, each in a process of its own."""
    driver = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from dataclasses import replace\n"
        "sys.path[:0] = sys.argv[4:]\n"
        "from test_parallel import CONFIG, extract\n"
        "from tcon.extract.lists.videos import VideoItem\n"
        "path, count = Path(sys.argv[1]), int(sys.argv[2])\n"
        "items = [VideoItem(f'{n}', path, '', '') for n in range(count)]\n"
        "extract(items, sys.argv[3], CONFIG)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)\n"
    )
    peak = {}
    for count in (20, 110):
        run = subprocess.run(
            [sys.executable, "-c", driver, str(clips / "run" / "5.avi"), str(count)]
            + [str(tmp_path / f"{count}.h5"), str(Path(__file__).parent), str(HELPERS)],
            capture_output=True,
            text=True,
        )
        assert run.returncode == 0, run.stderr
        peak[count] = float(run.stdout)
    images = 90 * 3 * 3 * 224 * 224 / 2**20  # MiB that the other 90 videos' images have
    assert peak[110] - peak[20] < images / 3, peak
