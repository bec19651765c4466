"""Cached crops and flips: training draws one for each video, evaluation sees the centre crop."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from feature_files import CLASSES, recipe

from tcon.adapt.data.batches import EndlessBatches
from tcon.adapt.data.domains import Domains, Videos, load_domains
from tcon.adapt.data.feeds import _batch
from tcon.adapt.data.statistics import normalise
from tcon.adapt.tasks.task import shared_classes
from tcon.cache import FeatureFile, FeatureWriter, Snippets, Video
from tcon.cache.recipe import Views

VIEWS, SNIPPETS, VIDEOS, DIM = 3, 4, 6, 2


def _write(path: Path, seed: int) -> Path:
    """Features [video, snippet, view]: dimension 0 tells the view, dimension 1 the video."""
    noise = np.random.default_rng(seed).normal(size=(VIDEOS, SNIPPETS, VIEWS, DIM)) / 100
    with FeatureWriter(path, {"rgb": recipe(dim=DIM, views=Views("multiscale", 2))}) as writer:
        for n in range(VIDEOS):
            features = noise[n].copy()
            features[..., 0] += np.arange(VIEWS)
            features[..., 1] += n
            video = Video(f"{n}.mp4", CLASSES[n % 3], "", "", 100, 25.0)
            writer.add(video, {"rgb": Snippets(features.astype(np.float16), np.arange(SNIPPETS))})
    return path


@pytest.fixture
def domains(tmp_path: Path) -> Domains:
    files = [FeatureFile(_write(tmp_path / f"{n}.h5", n)) for n in range(2)]
    task = shared_classes(*((v.label for v in file.videos) for file in files))
    return load_domains(*files, modality="rgb", task=task, device=torch.device("cpu"))


def test_the_view_asked_for_of_the_video_asked_for(domains: Domains) -> None:
    some = domains.source_train
    for view in (0, 1, 2, torch.tensor([2, 0, 1])):
        got = some.segments(torch.tensor([5, 0, 3]), 4, 0.5, view).round()
        assert got[..., 1].tolist() == [[5] * 4, [0] * 4, [3] * 4]
        expected = torch.as_tensor(view).expand(3)
        assert (got[..., 0] == expected[:, None]).all()


def test_evaluation_sees_the_centre_crop(domains: Domains) -> None:
    got = domains.target_test.segments(torch.arange(VIDEOS), 4)
    assert (got[..., 0].round() == 0).all()


def test_training_draws_a_view_for_each_video_and_every_view(domains: Domains) -> None:
    batches = EndlessBatches(VIDEOS, 4, (0,))
    drawn = []
    for step in range(30):
        generator = torch.Generator().manual_seed(step)
        features, _ = _batch(domains.source_train, batches, step, 4, generator)
        views = features[..., 0].round()
        assert (views == views[:, :1]).all()  # the same for all segments of a video
        drawn += views[:, 0].tolist()
    counts = [drawn.count(view) for view in range(VIEWS)]
    assert sum(counts) == 120
    assert min(counts) > 20


def test_statistics_are_those_of_all_views_of_the_training_videos(domains: Domains) -> None:
    after = normalise(domains, "domain")
    for videos in (after.source_train, after.target_train):
        every = [
            videos.segments(torch.arange(VIDEOS), SNIPPETS, 0.5, view) for view in range(VIEWS)
        ]
        rows = torch.stack(every).flatten(0, -2).double()
        torch.testing.assert_close(rows.mean(0), torch.zeros(DIM).double(), atol=2e-3, rtol=0)
        torch.testing.assert_close(
            rows.std(0, correction=0), torch.ones(DIM).double(), atol=2e-3, rtol=0
        )


def test_without_views_nothing_is_drawn() -> None:
    """So that the numbers of features without views stay what they were."""
    count = torch.tensor([4, 4])
    videos = Videos(("a", "b"), torch.arange(8.0)[:, None], count.cumsum(0) - count, count, None)
    generator = torch.Generator().manual_seed(0)
    _batch(videos, EndlessBatches(2, 2, (0,)), 0, 4, generator)
    other = torch.Generator().manual_seed(0)
    torch.rand(2, 4, generator=other)  # the positions
    assert torch.equal(torch.rand(3, generator=generator), torch.rand(3, generator=other))
