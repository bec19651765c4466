"""RGB + Flow: what fused logits are, which runs are fused, and what stops it."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from feature_files import write_domain
from handmade_runs import logits, write_run

from tcon.cache import InputError
from tcon.cli import main
from tcon.evaluate import evaluate
from tcon.evaluate.runs.groups import FusionWeights, Group, group_runs
from tcon.evaluate.runs.read import find_runs
from tcon.evaluate.scores.fusion import fuse_groups, fuse_logits, fuse_runs
from tcon.evaluate.scores.trust.calibration import fit_temperature

EQUAL = FusionWeights()


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    both = {"videos": 30, "modalities": ("rgb", "flow")}
    return write_domain(tmp_path / "a.h5", **both), write_domain(tmp_path / "b.h5", **both)


def groups_of(folder: Path) -> list[Group]:
    return group_runs(find_runs([folder])[0])


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(15, 3)).astype(np.float32)


def test_fused_logits_are_the_mean_to_the_bit(files: tuple[Path, Path], tmp_path: Path) -> None:
    rgb, flow = ([noise(10 * n + e) for e in range(3)] for n in range(2))
    # In another order of videos: runs are joined by id.
    order = np.random.default_rng(0).permutation(15)
    write_run(tmp_path, files, train=rgb)
    shuffled = [logits[order] for logits in flow]
    write_run(tmp_path, files, train=shuffled, modality="flow", videos=order.tolist())
    [fused], remarks = fuse_groups(groups_of(tmp_path), EQUAL)
    assert not remarks and fused.modality == "rgb+flow" and fused.fusion is not None
    expected = (np.stack(rgb).astype(float) + np.stack(flow).astype(float)) / 2
    np.testing.assert_array_equal(fused.first.test.logits, expected)
    truth = np.arange(15) % 3
    assert fused.scores.accuracy[0] == np.mean(expected[-1].argmax(1) == truth)


def test_fusing_a_run_with_itself_changes_nothing(files: tuple[Path, Path], tmp_path: Path) -> None:
    write_run(tmp_path, files, train=[noise(0), noise(1)])
    [run] = find_runs([tmp_path])[0]
    np.testing.assert_array_equal(fuse_runs(run, run, EQUAL).test.logits, run.test.logits)


def test_fused_scores_are_calibrated_on_the_source_too(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    target = write_domain(
        tmp_path / "c.h5", labels=[""] * 30, videos=30, modalities=("rgb", "flow")
    )
    val = {"rgb": noise(1) + logits(15, 12, 2), "flow": noise(2) + logits(15, 12, 2)}
    for modality, own in val.items():
        write_run(
            tmp_path / "runs", (files[0], target), train=[noise(0)], val=[3 * own],
            modality=modality,
        )  # fmt: skip
    *_, fused = evaluate(tmp_path / "runs", fuse=True).unlabelled
    assert fused.group.modality == "rgb+flow" and fused.calibration.videos == 15
    mean = (3 * val["rgb"] + 3 * val["flow"]) / 2
    expected = fit_temperature(mean, np.arange(15) % 3)
    assert fused.calibration.temperature == pytest.approx(expected, rel=1e-5) and expected > 1


def test_weights() -> None:
    rgb, flow = np.array([[2.0, 0.0]]), np.array([[0.0, 1.0]])
    weights = FusionWeights.parse("1:1.5")
    np.testing.assert_allclose(fuse_logits(rgb, flow, weights), [[0.8, 0.6]])
    assert str(weights) == "1:1.5"
    for wrong in ("1", "1:2:3", "a:b", "0:1", "-1:1", "nan:1", "runs"):
        with pytest.raises(InputError, match="neither a run nor weights of RGB and flow"):
            FusionWeights.parse(wrong)


def test_seeds_are_fused_one_by_one_and_rows_compared(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    for method, gain in (("source_only", 0), ("tcon", 3)):
        for seed in (0, 1):
            right = 6 + gain + 3 * seed
            for modality, confidence in (("rgb", 1), ("flow", 4)):
                run = [logits(15, right if modality == "flow" else 3, confidence)]
                options = {"method": method, "modality": modality, "seed": seed}
                write_run(tmp_path / "runs", files, train=run, **options)
    result = evaluate(tmp_path / "runs", fuse="1:1")
    assert [group.label for group in result.fused] == ["source_only", "tcon"]
    note = "rgb+flow: mean of both runs' logits before the softmax, weights 1:1."
    assert note in result.notes
    result.to_csv(tmp_path / "out.csv")
    rows = list(csv.DictReader((tmp_path / "out.csv").open()))
    fused = [row for row in rows if row["modality"] == "rgb+flow" and row["method"] == "tcon"]
    # Flow is the more confident: its right and wrong videos are the fused ones.
    assert [float(row["accuracy"]) for row in fused] == pytest.approx([9 / 15, 12 / 15, 10.5 / 15])
    assert fused[-1]["std"] and float(fused[-1]["difference_clips"]) == pytest.approx(3)
    assert fused[-1]["fusion"] == "1:1" and fused[-1]["low"]


def test_pairs_are_those_of_equal_settings(files: tuple[Path, Path], tmp_path: Path) -> None:
    for dropout in ("0.8", "0.7"):
        for modality in ("rgb", "flow"):
            settings = (f"source_only.dropout={dropout}",)
            options = {"method": "source_only", "modality": modality, "settings": settings}
            write_run(tmp_path / modality / dropout, files, train=[noise(0)], **options)
    write_run(tmp_path / "k6", files, train=[noise(0)], segments=6, method="source_only")
    write_run(tmp_path / "tcon", files, train=[noise(0)])
    fused, remarks = fuse_groups(groups_of(tmp_path), EQUAL)
    assert [g.record.run.options.dropout for g in fused] == [0.7, 0.8]
    for_source_only, for_tcon = sorted(remarks)
    assert "source_only, rgb: K = 6, preset matched, task 'toy'; the other" in for_source_only
    assert "tcon, rgb: there are no runs of the other modality" in for_tcon


def test_one_pair_may_differ_in_settings_and_files(tmp_path: Path) -> None:
    for modality, dropout in (("rgb", "0.8"), ("flow", "0.7")):
        options = {"videos": 30, "modalities": (modality,)}
        files = (
            write_domain(tmp_path / f"a_{modality}.h5", **options),
            write_domain(tmp_path / f"b_{modality}.h5", **options),
        )
        settings = (f"tcon.dropout={dropout}",)
        write_run(
            tmp_path / modality, files, train=[noise(0)], modality=modality, settings=settings
        )
    before = CliRunner().invoke(main, ["eval", "--fuse", str(tmp_path)])  # before the runs
    assert before.exit_code == 0 and "rgb+flow" in before.output
    fused, [remark] = fuse_groups(groups_of(tmp_path), EQUAL)
    assert len(fused) == 1 and "rgb and flow differ in tcon.dropout" in remark


def test_what_does_not_match_is_said(files: tuple[Path, Path], tmp_path: Path) -> None:
    def refused(name: str, message: str, flow: dict[str, object], seeds: int = 1) -> None:
        folder = tmp_path / name
        for seed in range(seeds):
            write_run(folder, files, train=[noise(0)], seed=seed)
        write_run(folder, files, **{"train": [noise(1)], "modality": "flow", **flow})
        with pytest.raises(InputError, match=message):
            fuse_groups(groups_of(folder), EQUAL)

    refused("seeds", "rgb has the seeds 0 1 and flow 0; repeat tcon adapt", {}, seeds=2)
    refused("videos", "2 videos of target_test .* such as v000", {"videos": range(1, 16)})
    refused("tasks", "task 'other'; the other modality's runs have .* 'toy'", {"task": "other"})
    refused("steps", "differ in evaluation steps", {"train": [noise(1)] * 2})
    refused("method", "runs of both rgb and flow", {"method": "source_only"})
    write_run(tmp_path / "alone", files, train=[noise(0)])
    with pytest.raises(InputError, match="no runs of the other modality.*--modality rgb,flow"):
        fuse_groups(groups_of(tmp_path / "alone"), EQUAL)


def test_classes_and_labels_that_differ(files: tuple[Path, Path], tmp_path: Path) -> None:
    labels = ["jump"] * 30
    other = (
        files[0],
        write_domain(tmp_path / "c.h5", videos=30, modalities=("flow",), labels=labels),
    )
    write_run(tmp_path / "runs", files, train=[noise(0)])
    write_run(tmp_path / "runs", other, train=[noise(0)], modality="flow")
    with pytest.raises(InputError, match="give other labels to the same videos"):
        fuse_groups(groups_of(tmp_path / "runs"), EQUAL)
