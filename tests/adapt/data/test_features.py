"""Where features lie changes no number of a run, and is said before it."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from feature_files import CLASSES, recipe, write_domain

from tcon.adapt.briefing import brief, memory_notes
from tcon.adapt.config.runs import make_runs
from tcon.adapt.data.cached_store import CachedStore
from tcon.adapt.data.domains import with_features
from tcon.adapt.data.features import FetchedFeatures, Place, choose_place, put
from tcon.adapt.data.feeds import Batch, CachedFeed
from tcon.adapt.data.prefetch import prefetched
from tcon.adapt.data.statistics import normalise
from tcon.adapt.grid import Prepared, prepare, run_all
from tcon.adapt.methods import Method
from tcon.adapt.training.new_method import new_method
from tcon.cache import FeatureFile, FeatureWriter, Snippets, Video
from tcon.cache.recipe import Views

pytestmark = pytest.mark.slow

CPU = torch.device("cpu")
VIEWS, DIM = 3, 12
STEPS = 8
TRAIN = (
    *("train.epochs=1", f"train.min_steps={STEPS}", "train.batch_size=5", "train.evaluations=2"),
)
SETTINGS = [
    *TRAIN,
    *("tcon.features=8", "tcon.disc.hidden=8", "tcon.warmup.min_steps=2"),
]
WRITTEN = ("metrics.jsonl", "logits.h5", "checkpoint.pt", "config.json")


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    return write_views(tmp_path / "s.h5", 0), write_views(tmp_path / "t.h5", 1)


def write_views(path: Path, seed: int) -> Path:
    """Videos with 5 to 9 snippets of several views."""
    rng = np.random.default_rng(seed)
    made = recipe(dim=DIM, views=Views("multiscale", VIEWS - 1))
    with FeatureWriter(path, {"rgb": made}) as writer:
        for n in range(18):
            count = 5 + n % 5
            features = (rng.normal(size=(count, VIEWS, DIM)) + n % 3).astype(np.float16)
            video = Video(f"{n:02d}.mp4", CLASSES[n % 3], "", "", 100, 25.0)
            writer.add(video, {"rgb": Snippets(features, np.arange(count))})
    return path


def open_store(files: tuple[Path, Path], free: int) -> CachedStore:
    return CachedStore(*files, task=None, device=CPU, free=lambda device: free)


def grid(files: tuple[Path, Path], output: Path, free: int, *settings: str) -> Prepared:
    methods = ["source_only", "cmfglr", "tcon"]
    runs = make_runs(methods, [*SETTINGS, *settings], segments=4)
    return prepare(open_store(files, free), runs, output)


@pytest.mark.parametrize("how", ["none", "source", "domain"])
def test_a_run_on_a_file_is_the_run_in_memory(
    files: tuple[Path, Path], tmp_path: Path, how: str
) -> None:
    written = []
    for free in (2**40, 0):
        prepared = grid(files, tmp_path / f"{free}", free, f"train.normalise={how}")
        assert run_all(prepared) == 0
        written.append(
            [(folder.path / name).read_bytes() for _, folder in prepared.runs for name in WRITTEN]
        )
    assert written[0] == written[1]


def feed(files: tuple[Path, Path], place: Place) -> tuple[CachedFeed, Method]:
    """A feed from a place, also from the one that a CPU's features are never put to."""
    (run,) = make_runs(["tcon"], SETTINGS, segments=4)
    domains = open_store(files, 0).chosen(run)
    source, target = (put(d.features, place) for d in (domains.source_train, domains.target_train))
    domains = normalise(with_features(domains, source, target), "domain")
    return CachedFeed(run, domains, CPU), new_method(run, domains)


def test_batches_and_predictions_from_all_places_are_equal(files: tuple[Path, Path]) -> None:
    for place in ("host", "file"):
        (here, method), (there, _) = feed(files, "device"), feed(files, place)
        assert isinstance(there.domains.source_val.features, FetchedFeatures)
        batches = zip(here.batches(range(5), method), there.batches(range(5), method), strict=True)
        for a, b in batches:
            torch.testing.assert_close(a.source, b.source, rtol=0, atol=0)
            torch.testing.assert_close(a.target, b.target, rtol=0, atol=0)
            assert torch.equal(a.generator.get_state(), b.generator.get_state())
        for name in here.domains.prediction_sets:
            assert torch.equal(here.predict(method, name), there.predict(method, name))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("place", ["host", "file"])
def test_a_gpu_gets_the_same_batches_from_all_places(
    files: tuple[Path, Path], place: Place
) -> None:
    device = torch.device("cuda")
    store = CachedStore(*files, task=None, device=device)
    (run,) = make_runs(["tcon"], SETTINGS, segments=4)
    domains = store.chosen(run)
    batches: list[list[Batch]] = []
    for chosen in ("device", place):
        source, target = (
            put(d.features, chosen) for d in (domains.source_train, domains.target_train)
        )
        mine = normalise(with_features(domains, source, target), "domain")
        method = new_method(run, mine).to(device)
        batches.append(list(CachedFeed(run, mine, device).batches(range(5), method)))
    for a, b in zip(*batches, strict=True):
        torch.testing.assert_close(a.source, b.source, rtol=0, atol=0)
        torch.testing.assert_close(a.target, b.target, rtol=0, atol=0)


def test_an_interrupted_run_on_a_file_goes_on_exactly(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    class Stop(BaseException):
        pass

    def stop(*_: object) -> None:
        nonlocal steps
        steps += 1
        if steps == 5:
            raise Stop

    steps = 0
    with pytest.raises(Stop):
        run_all(grid(files, tmp_path / "cut", 0), on_step=stop, save_seconds=0)
    assert threading.active_count() == 1
    written = []
    for output in ("cut", "whole"):
        prepared = grid(files, tmp_path / output, 0)
        assert run_all(prepared) == 0
        written.append(
            [(folder.path / name).read_bytes() for _, folder in prepared.runs for name in WRITTEN]
        )
    assert written[0] == written[1]


def test_a_file_that_is_cut_off_while_it_trains(files: tuple[Path, Path], tmp_path: Path) -> None:
    (run,) = make_runs(["source_only"], TRAIN, segments=4)
    prepared = prepare(open_store(files, 0), [run], tmp_path / "runs")
    ended = []
    failed = run_all(
        prepared,
        on_step=lambda *_: os.truncate(files[0], 1000),
        on_state=lambda folder, state, why: ended.append((state, why)),
    )
    assert failed == 1
    state, why = ended[-1]
    assert state == "failed" and "\n" not in why
    assert "s.h5 is damaged or has changed while it was read" in why


def test_the_place_is_chosen_by_what_is_free() -> None:
    gpu = torch.device("cuda:0")

    def place(size: int, device: torch.device, on_device: int | None, on_host: int | None) -> str:
        return choose_place(size, device, lambda d: on_host if d == CPU else on_device).place

    assert place(70, CPU, None, 100) == "device"  # a CPU's memory is the host's
    assert place(71, CPU, None, 100) == "file"
    assert place(70, gpu, 100, 0) == "device"
    assert place(71, gpu, 100, 1000) == "host"
    assert place(71, gpu, 100, 100) == "file"
    assert place(71, gpu, None, 0) == place(71, CPU, None, None) == "device"  # nobody knows


def test_the_place_and_the_memory_are_said(tmp_path: Path) -> None:
    gpu, gib = torch.device("cuda:0"), 2**30

    def note(device: torch.device, on_device: int, on_host: int) -> str:
        free = {CPU: on_host, gpu: on_device}
        return choose_place(3 * gib, device, lambda d: free[d]).note("rgb features")

    assert note(CPU, 0, 9 * gib) == "The rgb features take 3.0 GiB of memory."
    assert note(gpu, 9 * gib, 9 * gib) == "The rgb features take 3.0 GiB of the memory of cuda:0."
    assert note(gpu, 2 * gib, 9 * gib) == (
        "The rgb features take 3.0 GiB, too much for the 2.0 GiB of memory that are free on "
        "cuda:0: they stay in host memory, and each batch is copied while the one before trains."
    )
    assert (
        note(CPU, 0, gib)
        == note(gpu, 2 * gib, gib)
        == (
            "The rgb features take 3.0 GiB, too much for the 1.0 GiB of memory that are free: each "
            "batch is read from the files while the one before trains."
        )
    )
    files = write_domain(tmp_path / "s.h5"), write_domain(tmp_path / "t.h5")
    prepared = grid(files, tmp_path / "runs", 2**40)
    size = sum(FeatureFile(path).packed().features.nbytes for path in files)
    said = f"The rgb features take {size / 2**10:.1f} KiB of memory."
    assert said in brief(prepared, ["cpu"]).notes
    assert not any("features take" in text for text in brief(prepared, ["cuda:0"]).notes)
    runs = [run for run, _ in prepared.runs]
    assert memory_notes(prepared.store, runs, short_of_memory=True) == []


def test_what_is_free_counts_when_features_are_loaded(tmp_path: Path) -> None:
    """Processes that train on others may hold these still."""
    modalities = ("rgb", "flow")
    files = [write_domain(tmp_path / f"{n}.h5", modalities=modalities) for n in "st"]
    runs = make_runs(["source_only"], TRAIN, segments=4, modality="rgb,flow")
    size = 2 * FeatureFile(files[0]).rows("rgb").nbytes
    free = 2 * size
    store = CachedStore(*files, task=None, device=CPU, free=lambda device: free)
    assert [store.placement(run).place for run in runs] == ["device", "device"]
    assert isinstance(store.domains(runs[0]).source_train.features, torch.Tensor)
    free -= size
    assert isinstance(store.domains(runs[1]).source_train.features, FetchedFeatures)


def test_prefetching_makes_one_ahead_and_raises_where_it_failed() -> None:
    made: list[int] = []

    def make(n: int) -> int:
        made.append(n)
        return 10 // (3 - n)

    results = prefetched(make, range(9), CPU)
    assert next(results) == 3
    assert [next(results), next(results)] == [5, 10]
    with pytest.raises(ZeroDivisionError):
        next(results)
    assert max(made) <= 4
