"""The seeds of a group label videos together, as `tcon eval` labels them."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from feature_files import write_domain
from toy_runs import train

from tcon.adapt.inference import load_ensemble, predict
from tcon.adapt.inference.ensemble import mean_prediction
from tcon.adapt.inference.prediction import Prediction
from tcon.adapt.run.record import read_record, write_record
from tcon.cache import InputError, Video
from tcon.cli import main
from tcon.evaluate import evaluate
from tcon.evaluate.runs.names import predicting_path
from tcon.evaluate.runs.read import find_runs


def tcon(*words: object) -> Result:
    return CliRunner().invoke(main, list(map(str, words)))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two methods, three seeds, an unlabelled target; do not change it."""
    folder = tmp_path_factory.mktemp("group")
    source = write_domain(folder / "clips.h5", videos=30)
    target = write_domain(folder / "cctv.h5", videos=18, seed=1, labels=[""] * 18)
    train(folder, methods=["source_only", "tcon"], seeds=3, files=(source, target))
    return folder


@pytest.fixture
def group(trained: Path, tmp_path: Path) -> Path:
    """The seeds of `tcon`, to be changed: their name without the seed."""
    for seed in range(3):
        name = f"tcon_rgb_k4_seed{seed}"
        shutil.copytree(trained / "runs" / name, tmp_path / name)
    return tmp_path / "tcon_rgb_k4"


def rows(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file))


def test_a_group_labels_videos_as_eval_does(trained: Path, tmp_path: Path) -> None:
    said = evaluate(trained / "runs")
    (result,) = [one for one in said.unlabelled if one.group.method == "tcon"]
    group, t = predicting_path(result.group), result.calibration.temperature
    assert group == trained / "runs" / "tcon_rgb_k4" and result.calibration.videos
    files = [tmp_path / "p.csv", tmp_path / "p.json"]
    found = tcon("predict", group, trained / "cctv.h5", "--csv", files[0], "--json", files[1])
    assert found.exit_code == 0, found.output
    calibrated = f"calibrated on {result.calibration.videos} source validation videos"
    assert f"{calibrated} (temperature {t:.2f})." in found.output
    document = json.loads(files[1].read_text())
    assert document["run"] == str(group) and document["seeds"] == [0, 1, 2]
    assert document["temperature"] == t
    by_csv = {row["video"]: row for row in rows(files[0])}
    by_json = {record["video"]: record for record in document["videos"]}
    assert len(by_csv) == len(by_json) == 18
    for label in result.labels:
        for of_video in (by_csv[label.video], by_json[label.video]):
            assert of_video["label"] == label.label
            assert float(of_video["score"]) == pytest.approx(label.score, abs=1e-5)
            assert float(of_video["seeds_agree"]) == pytest.approx(label.seeds_agree)
    line = next(line for line in found.output.splitlines() if result.labels[0].video in line)
    assert f" {result.labels[0].seeds_agree:.0%} " in line


def test_probabilities_and_attention_are_means() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(3, 2)).astype(np.float32) * 9
    segments = rng.normal(size=(3, 4, 2)).astype(np.float32)
    attention = rng.random((3, 4))
    video, places = Video("a.mp4", "", "", "", 9, 25.0), np.arange(4)
    seeds = [
        Prediction(video, ("run", "sit"), *row[:1], places, places / 25, *row[1:])
        for row in zip(logits, attention, segments, strict=True)
    ]
    mean = mean_prediction(seeds, 2.0)
    p = [[np.exp(x / 2) / sum(np.exp(y / 2) for y in own) for x in own] for own in logits]
    np.testing.assert_allclose(mean.scores, [sum(c) / 3 for c in zip(*p, strict=True)], rtol=1e-5)
    np.testing.assert_allclose(mean.attention, attention.mean(0))
    odds = np.exp(segments / 2)
    expected = (odds / odds.sum(2, keepdims=True)).mean(0)
    np.testing.assert_allclose(mean.segment_scores, expected, rtol=1e-5)
    agreeing = sum(own.argmax() == mean.scores.argmax() for own in logits)
    assert mean.seeds_agree == agreeing / 3
    plain = mean_prediction([Prediction(video, ("run", "sit"), own, places, places / 25, None, None)
                             for own in logits], None)  # fmt: skip
    assert plain.attention is None and plain.segment_logits is None


def test_extreme_logits_stay_finite() -> None:
    video, none = Video("a.mp4", "", "", "", 9, 25.0), np.empty(0)
    logits = np.array([3e4, 0.0], np.float32)
    one = Prediction(video, ("run", "sit"), logits, none, none, None, None)
    assert np.isfinite(mean_prediction([one, one], None).logits).all()


def test_one_run_predicts_as_it_does_alone(trained: Path, tmp_path: Path) -> None:
    run = trained / "runs" / "tcon_rgb_k4_seed1"
    found = tcon("predict", run, trained / "cctv.h5", "--csv", tmp_path / "p.csv")
    assert (
        f"are not calibrated: they are of one run (tcon predict {run.parent / 'tcon_rgb_k4'} a"
        in (found.output)
    )
    first = rows(tmp_path / "p.csv")
    assert "seeds_agree" not in first[0]
    test = find_runs([run])[0][0].test
    by_id = {row["video"]: row for row in first}
    for id_, logits in zip(test.ids, test.logits[-1], strict=True):
        p = np.exp(logits) / np.exp(logits).sum()
        assert float(by_id[id_]["score"]) == pytest.approx(p.max(), rel=1e-4)
    (tmp_path / "alone").mkdir()
    shutil.copytree(run, tmp_path / "alone" / run.name)
    found = tcon("predict", tmp_path / "alone", trained / "cctv.h5")
    assert "are not calibrated: they are of one run, not the mean of several" in found.output


def test_several_groups_are_named(trained: Path) -> None:
    runs = trained / "runs"
    found = tcon("predict", runs, trained / "cctv.h5")
    assert found.exit_code == 2 and found.output.count("\n") == 1
    assert f"name one of {runs / 'source_only_rgb_k4'}, {runs / 'tcon_rgb_k4'}\n" in found.output


def test_runs_of_one_name_that_are_no_group(group: Path, trained: Path) -> None:
    odd = group.with_name(f"{group.name}_seed2")
    text = (odd / "config.json").read_text()
    record = read_record(odd)
    lr = json.loads(write_record(record))["run"]["train"]["lr"]
    (odd / "config.json").write_text(text.replace(f'"lr": {lr}', '"lr": 0.123'))
    with pytest.raises(InputError, match=rf"name one of {group}_seed0, {group}_seed2"):
        predict(group, trained / "cctv.h5")


def test_unfinished_seeds_are_left_out(group: Path, trained: Path) -> None:
    gone = group.with_name(f"{group.name}_seed1")
    for name in ("logits.h5", "checkpoint.pt"):
        (gone / name).unlink()
    found = tcon("predict", group, trained / "cctv.h5")
    assert f"{gone} is not finished and is left out" in found.output and found.exit_code == 0
    assert load_ensemble(group.parent).seeds == (0, 2)


def test_without_logits_or_source_scores_are_means_as_they_are(group: Path, trained: Path) -> None:
    (group.with_name(f"{group.name}_seed1") / "logits.h5").unlink()  # what is deployed
    found = tcon("predict", group, trained / "cctv.h5")
    assert found.exit_code == 0
    assert f"not calibrated: {group}_seed1 holds no logits.h5." in found.output
    nowhere = trained / "nowhere.h5"
    runs = trained / "runs" / "tcon_rgb_k4"
    found = tcon("predict", runs, trained / "cctv.h5", "--source-features", nowhere)
    assert found.exit_code == 0
    assert f"not calibrated: the source's feature file {nowhere} is gone" in found.output


def test_new_videos_of_a_group(group: Path, trained: Path) -> None:
    found = tcon("predict", group, trained / "cctv.h5", "--new")
    assert found.exit_code == 0 and "holds no new videos." in found.output
