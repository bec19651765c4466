"""Prediction from Python: the example of the documentation, and records of what failed."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tiny_backbones import MACHINE, tiny_backbones, train_on_videos

from tcon.adapt.inference import Prediction, load_run, predict
from tcon.cache import Failure, InputError
from tcon.cache.recipe import Sampling

RGB = replace(
    MACHINE, backbone="tiny", weights="random", precision="fp32", sampling=Sampling("uniform", 8)
)
PAGE = Path(__file__).parents[3] / "docs" / "predict.md"


@pytest.fixture(scope="module", autouse=True)
def _backbones() -> Iterator[None]:
    with tiny_backbones():
        yield


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, clips: Path) -> Path:
    """A run of `tcon` on 2 segments; do not change it."""
    return train_on_videos(clips, tmp_path_factory.mktemp("run"), "tcon", RGB, segments=2)


def test_predictions_and_failures_are_records(
    run: Path, clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video")
    results = predict(run, [clips / "run" / "1.mp4", broken, clips / "jump"], machine=MACHINE)
    first, failed, *others = results
    assert isinstance(first, Prediction) and isinstance(failed, Failure)
    assert first.label in ("jump", "run") and first.score == max(first.scores)
    assert first.best[0] == (first.label, first.score)
    label, score = first.label, first.score
    assert repr(first).startswith(f"Prediction('{clips}/run/1.mp4': {label} {score:.1%}, ")
    assert len(first.seconds) == len(first.attention) == 2
    assert failed.video == str(broken) and failed.reason.startswith("not a video")
    assert len(others) == 3
    assert capsys.readouterr() == ("", "")


def test_one_video_and_a_loaded_run(run: Path, clips: Path) -> None:
    seen: list[object] = []
    loaded, video = load_run(run), clips / "run" / "3.avi"
    [result] = predict(loaded, str(video), machine=MACHINE, on_result=seen.append)
    assert seen == [result] and result.classes == loaded.classes
    with pytest.raises(InputError, match="no such video"):
        predict(loaded, "gone.mp4", machine=MACHINE)


@pytest.mark.slow
def test_the_documented_example(
    run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    write_video,
) -> None:
    [section] = re.findall(r"## From Python\n(.*?)\n## ", PAGE.read_text(), re.DOTALL)
    [example] = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    shutil.copytree(run, tmp_path / "runs" / "tcon_rgb_k6_seed0")
    write_video(tmp_path / "new.mp4", 20)
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "a.mp4").write_bytes(b"no video")
    exec(compile(example, str(PAGE), "exec"), {})
    printed = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"new.mp4 (jump|run) \d+.\d%", printed[0])
    shares = [float(line.split()[0]) for line in printed[1:3]]
    assert sum(shares) == pytest.approx(1, abs=0.011)
    assert printed[3].startswith("more/a.mp4 failed: not a video") and len(printed) == 4
