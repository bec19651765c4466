"""The precision of a run: chosen by measuring, recorded, kept by a run that goes on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from feature_files import write_domain
from prepared_runs import prepare

from tcon.adapt.briefing import brief
from tcon.adapt.config.grid import Grid
from tcon.adapt.config.options import RunConfig
from tcon.adapt.config.runs import make_runs
from tcon.adapt.end_to_end.options import EndToEnd
from tcon.adapt.grid import run_all
from tcon.adapt.jobs.here import prepare_each
from tcon.adapt.run.record import read_record
from tcon.adapt.training import precision
from tcon.adapt.training.precision import Product, bf16_is_faster, choose, largest_product
from tcon.cache import InputError

pytestmark = pytest.mark.slow

CPU = torch.device("cpu")
QUICK = ["train.epochs=1", "train.min_steps=2", "train.batch_size=5", "train.evaluations=1"]
SIZE = Product(1, 1, 1)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("files")
    return write_domain(folder / "s.h5"), write_domain(folder / "t.h5", shift=0.5, seed=1)


def prepared_run(
    files: tuple[Path, Path], output: Path, *settings: str, method: str = "source_only"
) -> RunConfig:
    runs = make_runs([method], [*QUICK, *settings], segments=4)
    prepared = prepare(*files, runs, output)
    run_all(prepared)
    return prepared.runs[-1][0]


@pytest.fixture
def faster(monkeypatch: pytest.MonkeyPatch) -> list[Product]:
    """Every product is worth measuring, and bf16 is faster; what was measured."""
    asked = []

    def measured(product: Product, device: torch.device, threads: int) -> bool:
        asked.append(product)
        return True

    monkeypatch.setattr(precision, "_LEAST", 1.0)
    monkeypatch.setattr(precision, "bf16_is_faster", measured)
    return asked


@pytest.mark.parametrize(("ratio", "expected"), [(4.0, True), (1.1, False), (0.5, False)])
def test_bf16_must_be_clearly_faster(
    monkeypatch: pytest.MonkeyPatch, ratio: float, expected: bool
) -> None:
    seconds = iter([ratio, 1.0])  # float32 first
    monkeypatch.setattr(precision, "choose_precision", lambda asked, device: "bf16")
    monkeypatch.setattr(precision, "_seconds", lambda compute, device: next(seconds))
    bf16_is_faster.cache_clear()
    answers = [bf16_is_faster(SIZE, CPU, 1) for _ in range(2)]  # the second is remembered
    bf16_is_faster.cache_clear()
    assert answers == [expected, expected]


def test_a_device_that_emulates_bf16_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "choose_precision", lambda asked, device: "fp32")
    monkeypatch.setattr(precision, "_seconds", lambda compute, device: pytest.fail("measured"))
    bf16_is_faster.cache_clear()
    assert not bf16_is_faster(SIZE, CPU, 1)
    bf16_is_faster.cache_clear()


def test_a_process_that_must_not_touch_the_gpu_has_it_measured() -> None:
    assert precision._measured_by_a_child(SIZE, CPU, 2) in (True, False)


@pytest.mark.parametrize("more", [0, 1])
def test_threads_that_this_process_does_not_have_are_measured_elsewhere(
    monkeypatch: pytest.MonkeyPatch, more: int
) -> None:
    """A process that forks must not start threads of its own."""
    here, elsewhere = [], []
    monkeypatch.setattr(precision, "_measured", lambda *asked: here.append(asked))
    monkeypatch.setattr(precision, "_measured_by_a_child", lambda *asked: elsewhere.append(asked))
    threads = torch.get_num_threads() + more
    bf16_is_faster.cache_clear()
    bf16_is_faster(SIZE, CPU, threads)
    bf16_is_faster.cache_clear()
    assert (here, elsewhere) == (([], [(SIZE, CPU, threads)]) if more else ([(SIZE, CPU)], []))


def test_it_is_measured_with_the_threads_that_will_train(
    files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(precision, "_LEAST", 1.0)
    monkeypatch.setattr(precision, "bf16_is_faster", lambda *size: asked.append(size[2]))
    grid = Grid(
        source=files[0],
        target=files[1],
        runs=tuple(make_runs(["source_only"], QUICK, segments=4)),
        output=tmp_path,
    )
    for threads in (3, 0):
        list(prepare_each([grid], CPU, threads=threads, alone=True, on_event=lambda event: None))
    assert asked == [3, torch.get_num_threads()]


def test_the_size_is_that_of_the_run(files: tuple[Path, Path], tmp_path: Path) -> None:
    (run,) = make_runs(
        ["tcon"], ["tcon.disc.hidden=32", "tcon.features=16", "tcon.att_hidden=4"], segments="4:3"
    )
    domains = prepare(*files, [run], tmp_path).store.chosen(run)
    # The video discriminator's first layer sees the three target segments side by side.
    assert largest_product(run, domains) == Product(64 * (4 + 3), 3 * 16, 32)


def test_small_products_are_fp32_without_measuring(
    files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision, "bf16_is_faster", lambda *_: pytest.fail("measured"))
    assert prepared_run(files, tmp_path).train.precision == "fp32"


def test_the_record_says_what_was_chosen(
    files: tuple[Path, Path], tmp_path: Path, faster: list[Product]
) -> None:
    run = prepared_run(files, tmp_path)
    assert run.train.precision == "bf16" and len(faster) == 1
    assert read_record(tmp_path / run.name).run == run


def test_a_run_goes_on_in_the_precision_that_it_has_begun_in(
    files: tuple[Path, Path], tmp_path: Path, faster: list[Product]
) -> None:
    prepared_run(files, tmp_path, "train.precision=fp32")
    assert prepared_run(files, tmp_path).train.precision == "fp32" and faster == []
    with pytest.raises(InputError, match=r"another train\.precision \(fp32, now bf16\)"):
        prepared_run(files, tmp_path, "train.precision=bf16")


def test_a_new_seed_takes_the_precision_of_those_that_have_begun(
    files: tuple[Path, Path], tmp_path: Path, faster: list[Product]
) -> None:
    def trained(*settings: str, seeds: list[int]) -> list[str]:
        runs = make_runs(["source_only"], [*QUICK, *settings], segments=4, seeds=seeds)
        prepared = prepare(*files, runs, tmp_path)
        run_all(prepared)
        return [run.train.precision for run, _ in prepared.runs]

    assert trained("train.precision=fp32", seeds=[10]) == ["fp32"]
    assert trained(seeds=[1, 2]) == ["fp32", "fp32"] and faster == []
    assert trained("train.lr=0.1", seeds=[3]) == ["bf16"]  # another setting: no sibling
    assert trained(seeds=[4]) == ["fp32"]
    assert trained("train.precision=bf16", seeds=[5]) == ["bf16"]  # asked for


def test_methods_that_are_compared_have_one_precision(
    files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though bf16 is faster for the larger one alone."""
    monkeypatch.setattr(precision, "bf16_is_faster", lambda *_: True)

    def settled(*settings: str, methods: Sequence[str], output: str) -> list[str]:
        runs = make_runs(methods, [*QUICK, *settings], segments=4)
        prepared = prepare(*files, runs, tmp_path / output)
        run_all(prepared)
        return [run.train.precision for run, _ in prepared.runs]

    both, wide = ["source_only", "dann"], "dann.features=8192"
    assert settled(methods=both, output="small") == ["fp32", "fp32"]
    monkeypatch.setattr(precision, "_LEAST", 5e6)
    assert settled(methods=both[:1], output="a") == ["fp32"]
    assert settled(wide, methods=both[1:], output="b") == ["bf16"]
    assert settled(wide, methods=both, output="c") == ["bf16", "bf16"]
    assert settled(wide, methods=both, output="a") == ["fp32", "fp32"]


def test_a_run_of_an_unknown_method_is_a_rival_too(
    files: tuple[Path, Path], tmp_path: Path, faster: list[Product]
) -> None:
    """A plug-in's, which this command does not load."""
    run = prepared_run(files, tmp_path, "train.precision=fp32")
    config = tmp_path / run.name / "config.json"
    content = json.loads(config.read_text())
    content["run"] |= {"method": "newer", "options": {"deep": {"x": [1]}}}
    config.write_text(json.dumps(content))
    assert prepared_run(files, tmp_path, method="dann").train.precision == "fp32"
    assert faster == []


def test_what_is_only_described_is_no_sibling(
    files: tuple[Path, Path], tmp_path: Path, faster: list[Product]
) -> None:
    """A process that was killed before it stored anything has decided nothing for others."""
    run = prepared_run(files, tmp_path, "train.precision=fp32")
    (tmp_path / run.name / "logits.h5").unlink()
    (new,) = make_runs(["source_only"], QUICK, segments=4, seeds=[1])
    [(settled, _)] = prepare(*files, [new], tmp_path).runs
    assert settled.train.precision == "bf16"


def test_a_base_that_is_gone_is_trained_as_it_was(
    files: tuple[Path, Path], tmp_path: Path, faster: list[Product]
) -> None:
    settings = ("cmfglr.select=false", "train.precision=fp32")
    fitted = prepared_run(files, tmp_path, *settings, method="cmfglr")
    shutil.rmtree(tmp_path / fitted.name.replace("cmfglr", "source_only"))
    runs = make_runs(["cmfglr"], [*QUICK, "cmfglr.select=false"], segments=4)
    kept = [run.train.precision for run, _ in prepare(*files, runs, tmp_path).runs]
    assert kept == ["fp32", "fp32"]


def test_only_trained_methods_are_said_to_be_in_bf16(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    runs = make_runs(["cmfglr"], [*QUICK, "train.precision=bf16"], segments=4)
    notes = brief(prepare(*files, runs, tmp_path), ["cpu"]).notes
    assert "Matrix products of source_only are in bf16 (--precision)." in notes


def test_a_fitted_run_has_the_precision_of_its_base(
    files: tuple[Path, Path], tmp_path: Path, faster: list[Product]
) -> None:
    prepared_run(files, tmp_path, "train.precision=fp32")  # source_only
    run = prepared_run(files, tmp_path, "cmfglr.select=false", method="cmfglr")
    assert run.train.precision == "fp32" and (tmp_path / run.name / "logits.h5").exists()


def test_end_to_end_it_is_fp32_unless_bf16_is_asked_for(
    files: tuple[Path, Path], tmp_path: Path, faster: list[Product]
) -> None:
    (run,) = make_runs(["source_only"], segments=4)
    domains = prepare(*files, [run], tmp_path).store.chosen(run)
    faster.clear()
    clips = replace(run, end_to_end=EndToEnd())
    assert choose(clips, domains, CPU) == "fp32" and faster == []
    asked = replace(clips, train=replace(run.train, precision="bf16"))
    assert choose(asked, domains, CPU) == "bf16"


@pytest.mark.parametrize("method", ["tcon", "ta3n"])
def test_a_bundle_computes_in_bf16_too(
    files: tuple[Path, Path], tmp_path: Path, method: str
) -> None:
    ended = {}
    for kind, at_once in (("bf16", 2), ("bf16", 1), ("fp32", 2)):
        runs = make_runs([method], [*QUICK, f"train.precision={kind}"], segments=4, seeds=2)
        prepared = prepare(*files, runs, tmp_path / f"{kind}{at_once}")
        assert run_all(prepared, bundle=at_once) == 0
        lines = (prepared.runs[0][1].path / "metrics.jsonl").read_text().splitlines()
        ended[kind, at_once] = json.loads(lines[-1])["loss"]
    assert ended["bf16", 2] == pytest.approx(ended["bf16", 1], rel=0.02)
    assert ended["bf16", 2] != ended["fp32", 2]


def test_other_devices_are_refused_in_bf16(files: tuple[Path, Path], tmp_path: Path) -> None:
    (run,) = make_runs(["source_only"], ["train.precision=bf16"], segments=4)
    domains = prepare(*files, [run], tmp_path).store.chosen(run)
    with pytest.raises(InputError, match="for CPUs and CUDA GPUs, not for mps"):
        choose(run, domains, torch.device("mps"))
    as_asked = replace(run, train=replace(run.train, precision="fp32"))
    assert choose(as_asked, domains, torch.device("mps")) == "fp32"
