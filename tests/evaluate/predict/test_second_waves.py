"""A feature file that has grown: its runs are scored as before, and label what has come."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import h5py
import numpy as np
import pytest
from click.testing import CliRunner, Result
from feature_files import recipe, write_domain
from prepared_runs import prepare
from toy_runs import QUICK, train

from tcon.adapt.config.runs import make_runs
from tcon.adapt.inference import predict
from tcon.adapt.run.videos import VIDEOS, read_videos
from tcon.cache import FeatureFile, FeatureWriter, InputError, Snippets, Video
from tcon.cli import main
from tcon.evaluate import evaluate
from tcon.evaluate.runs.embeddings import Loader
from tcon.evaluate.runs.read import find_runs

NEW = ["w000.mp4", "w001.mp4"]


def grow(path: Path, ids: list[str], *, label: str = "", split: str = "train") -> None:
    """Append videos, as `tcon extract` does."""
    rng = np.random.default_rng(5)
    with FeatureWriter(path, {"rgb": recipe(), "flow": recipe()}) as writer:
        for id_ in ids:
            features = rng.normal(size=(8, 12)).clip(0).astype(np.float16)
            snippets = Snippets(features, np.arange(8))
            video = Video(id_, label, split, "", 100, 25.0)
            writer.add(video, {"rgb": snippets, "flow": snippets})


def change(path: Path, id_: str) -> None:
    """Change one feature of a video."""
    file = FeatureFile(path)
    n = [video.id for video in file.videos].index(id_)
    with h5py.File(path, "r+") as h5:
        h5["rgb"]["features"][file.starts("rgb")[n], 3] += np.float16(0.5)


def tcon(*words: object) -> Result:
    return CliRunner().invoke(main, list(map(str, words)))


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Of 12 source and 18 target videos, of which 6 are for tests."""
    return train(tmp_path, methods=["source_only"])[0].first.path


def test_a_file_that_grows_or_loses_other_videos_locks_nobody_out(
    run: Path, tmp_path: Path
) -> None:
    before = evaluate(run)
    assert not any("not scored" in note for note in before.notes)
    loaded = Loader().load(find_runs([run])[0][0])
    grow(tmp_path / "cctv.h5", NEW)  # would be adapted to
    grow(tmp_path / "cctv.h5", ["x.mp4"], split="val")  # neither adapted to nor tested
    grow(tmp_path / "clips.h5", ["a_new_one.mp4"], label="run")
    after = evaluate(run, distances=True)
    assert np.array_equal(after.results[0].scores.correct, before.results[0].scores.correct)
    [note] = [note for note in after.notes if "not scored" in note]
    file = tmp_path / "cctv.h5"
    words = f"tcon predict {run} {file.resolve()} --new"
    assert note == f"2 new target videos are not scored: {words} labels them."
    again = Loader().load(find_runs([run])[0][0])
    for domain in ("source", "target"):
        assert again.ids(domain) == loaded.ids(domain)
    assert after.distances[0].distances  # measured on the run's own videos


def test_a_changed_or_lost_video_is_named(run: Path, tmp_path: Path) -> None:
    file = tmp_path / "cctv.h5"
    change(file, "v004.mp4")
    message = r"1 target video with other features \(v004\.mp4\): name the file .*--features"
    with pytest.raises(InputError, match=message):
        evaluate(run)
    file.unlink()
    write_domain(file, modalities=("rgb", "flow"), videos=17, seed=1)
    with pytest.raises(InputError, match=r"1 target video gone \(v017\.mp4\)"):
        evaluate(run)


def test_target_labels_do_not_count_and_source_labels_do(run: Path, tmp_path: Path) -> None:
    both = ("rgb", "flow")
    (tmp_path / "cctv.h5").unlink()
    labels = ["sit"] * 18
    write_domain(tmp_path / "cctv.h5", modalities=both, videos=18, seed=1, labels=labels)
    assert evaluate(run).results
    (tmp_path / "clips.h5").unlink()
    labels = ["sit", *["jump", "run", "sit"] * 4][:12]
    write_domain(tmp_path / "clips.h5", modalities=both, labels=labels)
    with pytest.raises(InputError, match="source videos with other features or label"):
        Loader().load(find_runs([run])[0][0])


def test_adapt_says_what_has_become_of_the_videos(run: Path, tmp_path: Path) -> None:
    runs = make_runs(["source_only"], [*QUICK, "source_only.features=8"], segments=4)
    files = tmp_path / "clips.h5", tmp_path / "cctv.h5"
    grow(files[1], ["x.mp4"], split="val")  # is none of the run's
    prepare(*files, runs, run.parent)
    grow(files[1], [f"w{n}.mp4" for n in range(20)])
    change(files[1], "v000.mp4")
    with pytest.raises(InputError) as refused:
        prepare(*files, runs, run.parent)
    message = str(refused.value)
    assert "is a finished run of other videos, now with 20 new target videos (w0.mp4, " in message
    assert "1 target video with other features (v000.mp4)" in message
    assert f"--continue-from {run.parent} starts from the weights in there" in message
    assert max(map(len, message.split())) < 200 and "source" not in message.split(run.name)[1]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (None, r"videos\.json is missing: restore it, or repeat the run"),
        ("{}", r"videos\.json is damaged \(source_train: is missing\)"),
        ("other", r"videos\.json holds other videos than config\.json"),
    ],
)
def test_damaged_videos_are_a_line(run: Path, damage: str | None, message: str) -> None:
    path = run / VIDEOS
    text = path.read_text()
    path.unlink()
    if damage:
        path.write_text(text.replace("v000.mp4", "v999.mp4") if damage == "other" else damage)
    with pytest.raises(InputError, match=message):
        evaluate(run)


def test_a_feature_file_is_predicted_as_in_training(run: Path, tmp_path: Path) -> None:
    found = tcon("predict", run, tmp_path / "cctv.h5", "--json", tmp_path / "p.json")
    assert found.exit_code == 0, found.output
    videos = json.loads((tmp_path / "p.json").read_text())["videos"]
    of_test = find_runs([run])[0][0].test
    rows = {video["video"]: list(video["logits"].values()) for video in videos}
    assert len(rows) == 18 and set(of_test.ids) < rows.keys()
    for id_, logits in zip(of_test.ids, of_test.logits[-1], strict=True):
        np.testing.assert_allclose(rows[id_], logits, rtol=1e-4, atol=1e-4)


def test_new_ones_alone(run: Path, tmp_path: Path) -> None:
    file = tmp_path / "cctv.h5"
    grow(file, NEW)
    change(file, "v001.mp4")  # another video of that name
    found = tcon("predict", run, file, "--new", "--csv", tmp_path / "p.csv")
    assert found.exit_code == 0, found.output
    with (tmp_path / "p.csv").open() as rows:
        assert [row["video"] for row in csv.DictReader(rows)] == ["v001.mp4", *NEW]
    named = [one.video.id for one in predict(run, file, only_new=True)]
    assert named == ["v001.mp4", *NEW]
    assert read_videos(run).of("target").keys() == {f"v{n:03d}.mp4" for n in range(18)}


def test_windows_come_in_the_order_of_time(run: Path, tmp_path: Path) -> None:
    file = tmp_path / "cctv.h5"
    none = tcon("predict", run, file, "--new", "--timeline", tmp_path / "none.csv")
    assert none.exit_code == 0 and f"{file.name} holds no new videos." in none.output
    assert "No timeline is written" in none.output and "Wrote" not in none.output
    grow(file, [f"w.mp4#t={part}" for part in ("10.0", "8.0,10.0", "0.0,2.0")])
    named = [one.video.id for one in predict(run, file, only_new=True)]
    assert named == ["w.mp4#t=0.0,2.0", "w.mp4#t=8.0,10.0", "w.mp4#t=10.0"]


def test_features_of_another_recipe_are_refused(run: Path, tmp_path: Path) -> None:
    other = write_domain(tmp_path / "other.h5", precision="bf16")
    (tmp_path / "a.mp4").write_bytes(b"")
    for words, message in {
        (other,): "precision: bf16 in place of fp32): extract them with --like",
        (other, tmp_path / "a.mp4"): "alone",
        (tmp_path / "a.mp4", "--new"): "--new is for a feature file",
        (tmp_path / "cctv.h5", "--precision", "fp32"): "leave out --root, --weights, --window",
    }.items():
        refused = tcon("predict", run, *words)
        assert refused.exit_code == 2 and message in refused.output, refused.output
        assert refused.output.count("\n") == 1
