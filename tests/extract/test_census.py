"""The census: true counts, counted once, and whatever became of its store."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tcon.cache import Failure, InputError, Video
from tcon.extract import census
from tcon.extract.census import take_census
from tcon.extract.lists import VideoItem, read_videos

Write = Callable[..., Path]


@pytest.fixture
def items(tmp_path: Path, write_video: Write) -> list[VideoItem]:
    """Of 20, 25 and 30 frames, the last cut off; one of 3 frames; one that is no video."""
    for n in range(3):
        write_video(tmp_path / "v" / "jump" / f"{n}.avi", 20 + 5 * n, codec="mpeg4")
    write_video(tmp_path / "v" / "run" / "short.mp4", 3)
    (tmp_path / "v" / "run" / "text.mp4").write_text("no video")
    broken = tmp_path / "v" / "jump" / "2.avi"
    os.truncate(broken, int(broken.stat().st_size * 0.8))
    return read_videos(tmp_path / "v")


def _census(items: list[VideoItem], store: Path, **options: int) -> tuple[list, list, int]:
    """And how many videos were counted."""
    todo: list[int] = []
    found = take_census(
        items,
        store,
        **{"workers": 0, "min_frames": 5, **options},
        on_progress=lambda _, n: todo.append(n),
    )
    assert len(todo) == todo[0] + 1
    return *found, todo[0]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "out" / "census.jsonl"


def test_counts_are_what_decodes(items: list[VideoItem], store: Path) -> None:
    videos, failures, counted = _census(items, store, workers=2)
    assert counted == 5
    path = str(items[0].path)
    assert videos[0] == Video("jump/0.avi", "jump", "", path, 20, 25.0, "pyav", "")
    assert [v.id for v in videos] == ["jump/0.avi", "jump/1.avi", "jump/2.avi"]
    assert videos[1].frames == 25
    assert 5 <= videos[2].frames < 30
    assert "announced frames" in videos[2].damage
    short, text = failures
    reason = "3 frames can be decoded, fewer than --min-frames 5"
    assert short == Failure("run/short.mp4", "decode", reason)
    assert (text.video, "not a video" in text.reason) == ("run/text.mp4", True)


def test_a_video_is_counted_once(items: list[VideoItem], store: Path, write_video: Write) -> None:
    videos, failures, _ = _census(items, store)
    assert _census(items, store) == (videos, failures, 1)  # what failed is tried again
    videos, (text,), _ = _census(items, store, min_frames=3)
    assert [v.frames for v in videos[-1:]] == [3]
    write_video(items[0].path, 22, codec="mpeg4")
    write_video(items[4].path, 30)
    videos, _, counted = _census(items, store)
    assert counted == 2
    assert [v.frames for v in videos] == [22, 25, videos[2].frames, 30]


def test_a_killed_census_goes_on(items: list[VideoItem], store: Path) -> None:
    whole = _census(items, store)
    lines = store.read_text().splitlines()
    store.write_text("\n".join(lines[:2]) + "\n" + lines[2][:40])
    assert _census(items, store) == (*whole[:2], 3)  # two counts were lost, and one failed
    assert _census(items, store) == (*whole[:2], 1)


def test_nothing_is_started_where_all_is_known(
    items: list[VideoItem], store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    videos, _, _ = _census(items[:3], store)
    monkeypatch.setattr(census, "DecodePool", None)
    assert _census(items[:3], store) == (videos, [], 0)


def test_other_files_are_refused(items: list[VideoItem], tmp_path: Path) -> None:
    for name, content in (("list.csv", b"path,label\n"), ("x.mp4", b"\xff\xfe")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=name):
            take_census(items, tmp_path / name, workers=0)
        assert (tmp_path / name).read_bytes() == content
    with pytest.raises(InputError, match="cannot write"):
        take_census(items, tmp_path / "list.csv" / "census.jsonl", workers=0)
