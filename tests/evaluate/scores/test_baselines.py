"""Which baseline a group is compared with, and what is said of the choice."""

from __future__ import annotations

from pathlib import Path

import pytest
from feature_files import write_domain
from handmade_runs import logits, write_run

from tcon.evaluate import evaluate
from tcon.evaluate.runs.groups import group_runs
from tcon.evaluate.runs.read import find_runs
from tcon.evaluate.scores.baselines import baseline_of


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    return write_domain(tmp_path / "a.h5", videos=30), write_domain(tmp_path / "b.h5", videos=30)


def two_baselines(folder: Path, files: tuple[Path, Path]) -> None:
    """`tcon` gets 12 of 15 right, `source_only` 9 in `small` and 6 in `large`."""
    write_run(folder / "tcon", files, train=[logits(15, 12, 3)])
    for name, right, features in (("small", 9, 8), ("large", 6, 16)):
        settings = (f"source_only.features={features}",)
        train = [logits(15, right, 3)]
        write_run(folder / name, files, train=train, method="source_only", settings=settings)


def test_of_two_baselines_the_one_that_is_taken_is_named(
    tmp_path: Path, files: tuple[Path, Path]
) -> None:
    two_baselines(tmp_path, files)
    for taken, other, difference in (("large", "small", 0.4), ("small", "large", 0.2)):
        found = evaluate([tmp_path / taken, tmp_path / other, tmp_path / "tcon"])
        [tcon] = [result for result in found.results if result.comparison]
        assert tcon.name == "tcon" and tcon.comparison.difference == pytest.approx(difference)
        assert tcon.remark == f"compared with source_only of {tmp_path / taken}, one of 2 that fit"
        [note] = [note for note in found.notes if "that fit" in note]
        assert note == f"a -> b, toy, tcon, rgb, K = 4: {tcon.remark}."


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (("train.lr=0.5",), "train.lr"),
        (("train.lr=0.5", "train.batch_size=4"), "train.batch_size, train.lr"),
    ],
)
def test_what_keeps_a_baseline_from_fitting_is_named(
    tmp_path: Path, files: tuple[Path, Path], settings: tuple[str, ...], words: str
) -> None:
    train = [logits(15, 9, 3)]
    write_run(tmp_path / "runs", files, train=train, method="source_only")
    write_run(tmp_path / "runs", files, train=train, settings=settings)
    source_only, tcon = evaluate(tmp_path / "runs").results
    assert tcon.comparison is None and not source_only.remark
    assert tcon.remark == f"no comparable run of source_only: those named differ in {words}"


def test_the_nearest_baseline_names_the_differences(
    tmp_path: Path, files: tuple[Path, Path]
) -> None:
    train = [logits(15, 9, 3)]
    other = files[0], write_domain(tmp_path / "c.h5", videos=30, seed=5)
    far = ("train.lr=0.5",)
    write_run(tmp_path / "far", other, train=train, method="source_only", settings=far)
    write_run(tmp_path / "near", other, train=train, method="source_only")
    write_run(tmp_path / "runs", files, train=train)
    groups = group_runs(find_runs([tmp_path])[0])
    tcon = next(group for group in groups if group.method == "tcon")
    found = baseline_of(tcon, groups)
    assert found.group is None
    assert found.remark.endswith(
        "no comparable run of source_only: those named differ in target features"
    )
    assert baseline_of(tcon, groups, "dann") == (None, "")  # nobody has such runs


def test_the_baseline_with_the_most_seeds_in_common(
    tmp_path: Path, files: tuple[Path, Path]
) -> None:
    two_baselines(tmp_path, files)  # of seed 0
    settings = ("source_only.features=4",)
    train = [logits(15, 9, 3)]
    for seed in (1, 2):
        write_run(
            tmp_path / "more", files, train=train, method="source_only", settings=settings,
            seed=seed,
        )  # fmt: skip
        write_run(tmp_path / "tcon", files, train=train, seed=seed)
    groups = group_runs(find_runs([tmp_path])[0])
    tcon = next(group for group in groups if group.method == "tcon")
    assert baseline_of(tcon, groups).group.first.path.parent.name == "more"


def test_no_seed_in_common(tmp_path: Path, files: tuple[Path, Path]) -> None:
    write_run(tmp_path, files, train=[logits(15, 9, 3)], method="source_only", seed=1)
    write_run(tmp_path, files, train=[logits(15, 9, 3)])
    groups = group_runs(find_runs([tmp_path])[0])
    words = "no seed in common with the comparable runs of source_only"
    assert baseline_of(groups[1], groups) == (None, words)
