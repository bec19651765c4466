"""``tcon extract`` on a folder where a third of the videos is damaged: none is lost from sight."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from damage import overwrite
from reference_decoder import reference_md5s

from tcon.cache import FeatureFile
from tcon.cache.recipe import Sampling
from tcon.cli import main
from tcon.extract.snippets.sampling import snippet_frames

pytestmark = pytest.mark.slow

Write = Callable[..., Path]

GOOD, LEAST = 40, 16
OPTIONS = (
    *("--backbone", "resnet18", "--weights", "random", "--snippets", "2"),
    *("--device", "cpu", "--precision", "fp32", "--workers", "2", "--min-frames", str(LEAST)),
)


@dataclass(frozen=True)
class Original:
    """A sound clip."""

    path: Path
    frames: int

    @property
    def data(self) -> bytes:
        return self.path.read_bytes()


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory, write_video: Write) -> list[Original]:
    """Two clips each: mp4 with the index at its start, mp4 with it at its end, AVI, Matroska."""
    folder = tmp_path_factory.mktemp("originals")
    kinds = [
        ("start.mp4", {"b_frames": 2, "gop": 8, "container": {"movflags": "faststart"}}),
        ("end.mp4", {"b_frames": 2}),
        ("x.avi", {"codec": "mpeg4", "b_frames": 2, "gop": 1000}),
        ("x.mkv", {"b_frames": 2, "gop": 8}),
    ]
    found = []
    for n in range(8):
        name, options = kinds[n // 2]
        frames = 20 + n
        tint = (1, n / 8, 1 - n / 8)
        path = write_video(folder / f"{n}-{name}", frames, first=3 * n, tint=tint, **options)
        found.append(Original(path, frames))
    return found


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory, originals: list[Original]) -> Path:
    folder = tmp_path_factory.mktemp("videos")
    (folder / "a").mkdir()
    (folder / "b").mkdir()
    for n in range(GOOD):
        source = originals[n % 8].path
        shutil.copy(source, folder / "ab"[n % 2] / f"good{n:02}{source.suffix}")
    for name, data in _damaged(originals).items():
        (folder / "b" / name).write_bytes(data)
    return folder


def _damaged(originals: list[Original]) -> dict[str, bytes]:
    """20 videos."""
    start, end, avi, mkv = (original.data for original in originals[::2])
    random = np.random.default_rng(0)
    found = {}
    for n in range(11):
        original = originals[(0, 0, 1, 2, 4, 4, 5, 5, 6, 6, 7)[n]]
        data = original.data
        least = max(len(data) // 2, data.find(b"movi"))
        name = f"cut-off-{n}-of-{original.frames}{original.path.suffix}"
        found[name] = data[: random.integers(least, len(data))]
    stco, idx1 = end.index(b"stco") + 8, avi.index(b"idx1") + 8
    return {
        **found,
        "empty.mp4": b"",
        "text.mp4": b"This video is private.\n" * 50,
        "avi.mp4": avi,
        "mp4.avi": end,
        "mkv.avi": mkv,
        "header-only.mp4": start[: start.index(b"mdat")],
        "header-only.avi": avi[: avi.index(b"movi") + 4],
        "broken-index.mp4": overwrite(end, stco, stco + 12),
        "broken-index.avi": overwrite(avi, idx1, len(avi)),
    }


@pytest.mark.slow
def test_every_video_is_extracted_or_listed(
    tmp_path: Path,
    videos: Path,
    originals: list[Original],
    capfd: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        main.main(["extract", str(videos), "-o", str(tmp_path / "x.h5"), *OPTIONS])
    assert ended.value.code == 1
    out, err = capfd.readouterr()
    assert "Traceback" not in out + err

    file = FeatureFile(tmp_path / "x.h5")
    there = {str(path.relative_to(videos)): path for path in videos.glob("*/*")}
    decodable = {id_: len(reference_md5s(path)) for id_, path in there.items()}
    committed = {video.id: video for video in file.videos}
    failed = {failure.video: failure.reason for failure in file.failures}

    assert len(there) == GOOD + 20
    assert len(committed) + len(failed) == len(there)
    assert {id_: video.frames for id_, video in committed.items()} == {
        id_: n for id_, n in decodable.items() if n >= LEAST
    }
    assert set(failed) == {id_ for id_, n in decodable.items() if n < LEAST}
    for reason in failed.values():
        assert 0 < len(reason) < 200
        assert "\n" not in reason

    assert {id_: video.damage for id_, video in committed.items() if "good" in id_} == {
        id_: "" for id_ in there if "good" in id_
    }
    incomplete = []
    for id_, video in committed.items():
        if "cut-off" in id_:
            whole = int(id_.split("-of-")[1].partition(".")[0])
            if video.frames < whole:
                assert video.damage, video
                incomplete.append(video)
    assert len(incomplete) >= 3  # else the lines above say little
    assert {"b/avi.mp4", "b/mp4.avi", "b/mkv.avi"} <= set(committed)
    assert {"b/empty.mp4", "b/text.mp4", "b/header-only.mp4", "b/header-only.avi"} <= set(failed)

    packed = file.packed()
    for number, video in enumerate(file.videos):
        rows = packed.frame[packed.start[number] :][: packed.count[number]]
        assert rows.tolist() == snippet_frames(Sampling("uniform", 2), video.frames)[:, 0].tolist()


def test_the_clips_are_as_long_as_the_test_takes_them_to_be(originals: list[Original]) -> None:
    assert [len(reference_md5s(o.path)) for o in originals] == [o.frames for o in originals]
