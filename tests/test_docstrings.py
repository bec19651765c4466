"""Examples in docstrings run and give what they say."""

from __future__ import annotations

import doctest
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tcon.adapt import api as adapt_api
from tcon.cache import reader
from tcon.extract import api

BEFORE = Path(__file__).parent / "data" / "before-records"


def _run(module: object) -> None:
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0


def test_a_feature_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(BEFORE / "features.h5", tmp_path / "clips.h5")
    monkeypatch.chdir(tmp_path)
    _run(reader)


@pytest.mark.slow
def test_extraction(
    tmp_path: Path, write_video: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for n in range(3):
        write_video(Path("videos") / f"{n}.mp4", 18 + n)
    rows = "videos/0.mp4,jump\nvideos/1.mp4,jump\nvideos/2.mp4,run\n"
    Path("clips.csv").write_text(f"path,label\n{rows}")
    for n in range(2):
        write_video(Path("cameras") / f"{n}.mp4", 20)
    (Path("cameras") / "broken.mp4").write_bytes(b"no video")
    _run(api)


@pytest.mark.slow
def test_adaptation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("source.h5", "target.h5"):
        shutil.copy(BEFORE / name, tmp_path)
    monkeypatch.chdir(tmp_path)
    _run(adapt_api)
