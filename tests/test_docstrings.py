"""Examples in docstrings run and give what they say."""

from __future__ import annotations

import doctest
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from feature_files import write_domain
from handmade_runs import logits, write_run

import tcon
from tcon.adapt import api as adapt_api
from tcon.cache import reader
from tcon.evaluate import evaluation
from tcon.extract import api
from tcon.extract.importers import api as import_api

BEFORE = Path(__file__).parent / "data" / "before-records"
EXAMPLES = (reader, api, import_api, adapt_api, evaluation)  # each has a test below


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


def test_evaluation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = write_domain(tmp_path / "a.h5", videos=30), write_domain(tmp_path / "b.h5", videos=30)
    write_run(tmp_path / "runs", files, train=[logits(15, 9, 3)], method="source_only")
    monkeypatch.chdir(tmp_path)
    _run(evaluation)


def test_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    _run(import_api)


def test_every_module_with_examples_is_among_these() -> None:
    room = Path(tcon.__file__).parent
    with_examples = {
        path.resolve()
        for folder in ("cache", "extract", "adapt", "evaluate")
        for path in (room / folder).rglob("*.py")
        if ">>> " in path.read_text()
    }
    tested = {Path(module.__file__).resolve() for module in EXAMPLES}
    assert with_examples == tested
