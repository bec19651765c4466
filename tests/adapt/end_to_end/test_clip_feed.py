"""What end-to-end runs ask of their videos, the flow that they are given, and their command."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from extraction import extract
from prepared_runs import prepare
from still_videos import write_still_videos
from tiny_backbones import MACHINE, table_of, tiny_backbones

from tcon.adapt.config.runs import make_runs
from tcon.adapt.end_to_end.clips.reader import ClipRequest
from tcon.adapt.end_to_end.decoding import Decoding
from tcon.adapt.end_to_end.feed import ClipFeed, feature_spread
from tcon.adapt.grid import Prepared, run_all
from tcon.adapt.run.record import read_record
from tcon.adapt.training.new_method import new_method
from tcon.cli import main
from tcon.extract.lists.videos import read_videos

SETTINGS = (
    *("train.epochs=1", "train.min_steps=4", "train.batch_size=4", "train.evaluations=1"),
    *("e2e.backbone=tiny", "e2e.weights=random", "e2e.precision=fp32", "tcon.disc.hidden=8"),
)


@pytest.fixture(autouse=True, scope="module")
def _backbones() -> Iterator[None]:
    with tiny_backbones():
        yield


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Four videos of each domain, of equal ids."""
    folder = tmp_path_factory.mktemp("still")
    return [
        write_still_videos(folder / name, seed=n, train=1, test=1) for n, name in enumerate("st")
    ]


@pytest.fixture(scope="module")
def files(folders: list[Path]) -> list[Path]:
    return [table_of(folder) for folder in folders]


def prepared(
    files: list[Path], output: Path, *settings: str, modality: str = "rgb", **flow: Path
) -> Prepared:
    every = [*SETTINGS, *settings]
    runs = make_runs(["tcon"], every, segments=3, modality=modality, end_to_end=True)
    decoding = Decoding(workers=0, **flow)
    return prepare(*files, runs, output, device="cpu", decoding=decoding)


def feed_of(ready: Prepared) -> ClipFeed:
    feed = ready.store.feed(ready.runs[0][0])
    assert isinstance(feed, ClipFeed)
    return feed


class Asked:
    """In the place of a `ClipLoader`: keeps the requests, and gives black clips."""

    def __init__(self) -> None:
        self.requests: list[list[ClipRequest]] = []
        self.failed: dict[str, str] = {}

    def load(self, requests: Iterable[list[ClipRequest]]) -> Iterator[torch.Tensor]:
        for request in requests:
            self.requests.append(request)
            yield torch.zeros(len(request), len(request[0].positions), 3, 32, 32).byte()


def asked(files: list[Path], output: Path, *settings: str, first: int = 0) -> list[list]:
    """The requests of three steps, of source and target."""
    ready = prepared(files, output, *settings)
    feed = feed_of(ready)
    feed.loaders = {"source": Asked(), "target": Asked()}
    method = new_method(feed.run, feed.domains)
    for _ in feed.batches(range(first, 3), method):
        pass
    return [feed.loaders[name].requests for name in ("source", "target")]


def test_clips_are_drawn_by_seed_and_step(files: list[Path], tmp_path: Path) -> None:
    both = asked(files, tmp_path)
    every = [request for steps in both for step in steps for request in step]
    assert len(every) == 2 * 3 * 4
    places = np.array([request.positions for request in every])  # [24, 3]
    assert ((places >= 0) & (places < 1)).all() and len(np.unique(places)) == places.size
    assert len({request.seed for request in every}) == len(every)  # a crop of its own each
    assert asked(files, tmp_path, first=2) == [steps[2:] for steps in both]


def test_centre_crops_are_not_drawn(files: list[Path], tmp_path: Path) -> None:
    drawn, centre = asked(files, tmp_path), asked(files, tmp_path, "e2e.crops=centre")
    for steps, expected in zip(centre, drawn, strict=True):
        assert steps == [[replace(r, seed=None) for r in step] for step in expected]


def test_the_scale_of_a_loss_goes_on(files: list[Path], tmp_path: Path) -> None:
    ready = prepared(files, tmp_path, "e2e.precision=fp16")
    feed, other = feed_of(ready), feed_of(ready)
    feed.scaler.scale(torch.ones(1))
    feed.scaler.update(new_scale=8.0)
    other.load_state_dict(feed.state_dict())
    assert other.scaler.get_scale() == 8.0


def test_spread_of_features(files: list[Path], tmp_path: Path) -> None:
    f = torch.randn(3, 2, 5, generator=torch.Generator().manual_seed(0)) + 0.5
    clips = [f[b, p].tolist() for b in range(3) for p in range(2)]
    mean = [sum(clip[d] for clip in clips) / 6 for d in range(5)]
    apart = sum((clip[d] - mean[d]) ** 2 for clip in clips for d in range(5))
    size = sum(clip[d] ** 2 for clip in clips for d in range(5))
    assert feature_spread(f).item() == pytest.approx((apart / size) ** 0.5, rel=1e-5)
    assert feature_spread(torch.ones(3, 2, 5)) == 0 == feature_spread(torch.zeros(3, 2, 5))
    run_all(ready := prepared(files, tmp_path))
    ((_, folder),) = ready.runs
    assert all(0 < record["feature_spread"] < 1 for record in folder.records)


@pytest.mark.slow
def test_each_domain_has_a_flow_folder_of_its_own(
    files: list[Path], folders: list[Path], tmp_path: Path
) -> None:
    """What it holds is read, the rest computed. Ids are equal: the counts would tell of a swap."""
    config = replace(MACHINE, modalities=("flow",), backbone="tiny", weights="random")
    kept = [tmp_path / "kept" / name for name in "st"]
    for folder, flow, left_out in zip(folders, kept, ("test", "test/run"), strict=True):
        items = [item for item in read_videos(folder) if not item.id.startswith(left_out)]
        assert not extract(items, flow.with_suffix(".h5"), replace(config, keep_flow=flow))
    flows = dict(zip(("source_flow", "target_flow"), kept, strict=True))
    ready = prepared(files, tmp_path / "runs", "train.min_steps=1", modality="flow", **flows)
    said = ready.store.notes(ready.runs[0][0])
    assert "source: the flow of 2 of 4 videos is kept." in said
    assert "target: the flow of 3 of 4 videos is kept." in said
    assert run_all(ready) == 0
    assert (ready.runs[0][1].path / "logits.h5").exists()


def test_the_command(folders: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    command = ["adapt", "--end-to-end", "--source", *map(str, folders[:1])]
    command += ["--target", str(folders[1]), "--method", "source_only", "--segments", "2"]
    command += ["--backbone", "tiny", "--weights", "random", "--device", "cpu", "--workers", "0"]
    command += ["--sync-bn", "--epochs", "1", "--set", "train.min_steps=2"]
    command += ["--set", "train.batch_size=2", "-o", "tuned"]
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 0, done.output
    assert "tiny: a step of 4 images in one pass, needs about 0.0 GiB; " in done.output
    assert "e2e.sync_bn does nothing: one process trains." in done.output
    (run,) = Path("tuned").iterdir()
    record = read_record(run)
    assert record.run.end_to_end.backbone == "tiny" and record.run.end_to_end.sync_bn
    assert record.data.videos.target_test == 2
    assert "finished before" in CliRunner().invoke(main, command).output
