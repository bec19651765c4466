"""Videos that cannot be read while a run trains end to end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from prepared_runs import prepare
from still_videos import write_still_videos
from tiny_backbones import table_of, tiny_backbones

from tcon.adapt.config.runs import make_runs
from tcon.adapt.end_to_end.clips import reader as clip_reader
from tcon.adapt.end_to_end.decoding import Decoding
from tcon.adapt.grid import run_all
from tcon.adapt.run.folder import RunFolder
from tcon.extract.decoding import DecodeError
from tcon.extract.snippets.views import TrainingCrop

SETTINGS = (
    *("train.epochs=1", "train.min_steps=6", "train.batch_size=4", "train.evaluations=2"),
    *("e2e.backbone=tiny", "e2e.weights=random", "e2e.precision=fp32"),
)


@pytest.fixture(autouse=True, scope="module")
def _backbones() -> Iterator[None]:
    with tiny_backbones():
        yield


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The tables of two domains of videos with the same ids."""
    folder = tmp_path_factory.mktemp("still")
    source, target = (write_still_videos(folder / name, seed=n) for n, name in enumerate("st"))
    return table_of(source), table_of(target)


class Asleep:
    """The disk of one target video sleeps while it is read for training; it wakes up in between."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self._read = True, clip_reader.read_clips
        monkeypatch.setattr(clip_reader, "read_clips", self)

    def __call__(self, path: str, cut: object, *rest: object, **options: object) -> object:
        training = isinstance(cut.views, TrainingCrop)
        if self.now and training and path.endswith("/t/train/run/1"):
            raise DecodeError("asleep")
        return self._read(path, cut, *rest, **options)


@pytest.mark.slow
def test_only_a_video_that_cannot_be_predicted_ends_a_run(
    files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others are black, told at each evaluation and in the end, also by a run that went on."""
    asleep, records = Asleep(monkeypatch), []
    runs = make_runs(["tcon"], SETTINGS, segments=2, end_to_end=True)

    def stop(folder: RunFolder, step: int, steps: int) -> None:
        if step == 4:  # each target video has been in a batch; the place after step 3 is stored
            raise KeyboardInterrupt

    def train(**options: object) -> None:
        prepared = prepare(*files, runs, tmp_path, device="cpu", decoding=Decoding(workers=0))
        assert run_all(prepared, save_seconds=0, **options) == 0

    with pytest.raises(KeyboardInterrupt):
        train(
            on_step=stop, on_evaluation=lambda folder, step, steps, record: records.append(record)
        )
    place = torch.load(tmp_path / runs[0].name / "resume.pt", weights_only=True)
    assert place["feed"]["failed"] == {"train/run/1 of the target": "asleep"}
    asleep.now = False
    train(on_evaluation=lambda folder, step, steps, record: records.append(record))
    assert [record["unreadable_videos"] for record in records] == [1, 1]
    health = json.loads((tmp_path / runs[0].name / "health.json").read_text())
    [finding] = [found for found in health if found["kind"] == "unreadable videos"]
    assert "1 training videos could not" in finding["text"]
    assert "as train/run/1 of the target (asleep)" in finding["text"]
