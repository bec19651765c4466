"""New videos are predicted as the run predicted the same videos' features."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from extraction import Extraction
from reference_decoder import ffmpeg, reference_times
from tiny_backbones import MACHINE, tiny_backbones, train_on_videos

from tcon.adapt.inference.ensemble import Ensemble
from tcon.adapt.inference.features import plan_features
from tcon.adapt.inference.loaded_run import LoadedRun, load_run
from tcon.adapt.inference.one_video import predict_one
from tcon.adapt.inference.prediction import Prediction
from tcon.adapt.inference.stream import Result, _InOrder, predict, predict_videos
from tcon.adapt.inference.videos import read_items
from tcon.adapt.run.record import read_record, write_record
from tcon.cache import Failure, FeatureFile, InputError, Snippets
from tcon.cache.recipe import FlowRecipe, Recipe, Sampling, Views
from tcon.cli import main
from tcon.evaluate.figures.data.frames import read_images
from tcon.evaluate.figures.prediction import draw_prediction
from tcon.evaluate.runs.read import find_runs
from tcon.extract.flow import FlowParameters

RGB = replace(
    MACHINE,
    backbone="tiny",
    weights="random",
    precision="fp32",
    sampling=Sampling("uniform", 10),
    views=Views("flip"),
)
FLOW = replace(
    RGB,
    modalities=("flow",),
    sampling=Sampling("uniform", 3),
    flow_engine="opencv",  # the only one that needs no compiling
    flow=FlowRecipe(
        parameters=FlowParameters(scales=1, warps=1, inner=5, outer=2), bound=15.0, quantised=False
    ),
)
Write = Callable[..., Path]
CLIPS = replace(RGB, backbone="tiny3d", sampling=Sampling("stride", 3), precision="bf16")


@pytest.fixture(scope="module", autouse=True)
def _backbones() -> Iterator[None]:
    with tiny_backbones():
        yield


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, clips: Path) -> Path:
    """A run of `tcon`; do not change it."""
    return train_on_videos(clips, tmp_path_factory.mktemp("run"), "tcon", RGB)


def _predict(deployed: LoadedRun, videos: Path, machine: Extraction = MACHINE) -> list[Result]:
    results: list[Result] = []
    items = read_items([videos])
    plan = plan_features(deployed, machine)
    predict_videos(Ensemble.of(deployed), items, plan, on_result=results.append)
    assert [r.video if isinstance(r, Failure) else r.video.id for r in results] == [
        item.id for item in items
    ]
    return results


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "config", "settings"),
    [
        ("tcon", RGB, ()),  # 3 to 13 frames: videos with fewer snippets than segments, and more
        ("tcon-trn", RGB, ("train.normalise=source",)),
        ("source_only", CLIPS, ("train.normalise=none",)),
        ("tcon-coattn", FLOW, ()),
    ],
)
def test_the_recorded_logits(
    tmp_path: Path, clips: Path, method: str, config: Extraction, settings: tuple[str, ...]
) -> None:
    path = train_on_videos(clips, tmp_path, method, config, *settings, segments=2)
    file, recorded = FeatureFile(tmp_path / "clips.h5"), find_runs([path])[0][0].test
    packed = file.packed(config.modalities[0])
    for needless in (tmp_path / "clips.h5", path / "logits.h5", path / "metrics.jsonl"):
        needless.unlink()
    deployed = load_run(path)
    machine = replace(MACHINE, flow_engine=config.flow_engine)
    results = _predict(deployed, clips, machine)
    for n, (video, result) in enumerate(zip(file.videos, results, strict=True)):
        assert isinstance(result, Prediction)
        assert result.video.id.endswith(video.id)
        # The central snippets' features are the stored ones ...
        mine = slice(packed.start[n], packed.start[n] + packed.count[n])
        stored = Snippets(packed.features[mine, 0], packed.frame[mine])
        expected = predict_one(deployed, video, stored)
        np.testing.assert_allclose(result.logits, expected.logits, rtol=1e-5, atol=1e-7)
        assert np.array_equal(result.frames, expected.frames)
        # ... and a video alone is predicted as among others, to rounding.
        logged = recorded.logits[-1][recorded.ids.index(video.id)]
        np.testing.assert_allclose(result.logits, logged, rtol=1e-5, atol=1e-6)


def test_segments_explain_the_prediction(run: Path, clips: Path) -> None:
    for result in _predict(load_run(run), clips):
        assert isinstance(result, Prediction) and result.attention is not None
        assert result.attention_kind == "predicted"
        assert result.attention.sum() == pytest.approx(1)
        assert (result.attention @ result.segment_logits) == pytest.approx(result.logits, abs=1e-6)
        assert result.scores.sum() == pytest.approx(1)
        # By ffmpeg's count, too, an AVI with B-frames starts a frame late.
        late = result.video.id.endswith(".avi")
        assert result.seconds == pytest.approx((result.frames + late) / 25)
        # The centres of 10 parts, of which the central one of each of 4 segments is looked at.
        n = min(10, result.video.frames)
        places = [(2 * j + 1) * n // 8 for j in range(4)]
        frames = [(2 * p + 1) * result.video.frames // (2 * n) for p in places]
        assert result.frames.tolist() == frames


def test_seconds_are_by_time_stamps(run: Path, tmp_path: Path, write_video: Write) -> None:
    """Of a camera that drops its rate, not by one rate for the whole video."""
    made = write_video(tmp_path / "even.mp4", 20)
    slower = ("-vf", "setpts=if(lt(N\\,10)\\,N\\,10*N-90)/25/TB", "-fps_mode", "vfr")
    ffmpeg("-i", made, *slower, tmp_path / "slower.mp4")
    (result,) = _predict(load_run(run), tmp_path / "slower.mp4")
    assert isinstance(result, Prediction)
    shown = reference_times(tmp_path / "slower.mp4")
    assert result.seconds == pytest.approx(shown[result.frames], abs=1e-3)
    assert abs(shown - np.arange(20) / result.video.fps).max() > 1
    assert result.video.duration > shown[-1]


@pytest.mark.parametrize(("method", "kind"), [("dan", "uniform"), ("trn", "none")])
def test_methods_without_attention(tmp_path: Path, clips: Path, method: str, kind: str) -> None:
    deployed = load_run(train_on_videos(clips, tmp_path, method, RGB, segments=2))
    result = _predict(deployed, clips / "run")[0]
    assert isinstance(result, Prediction) and result.attention is None
    assert result.attention_kind == kind
    if kind == "uniform":
        assert result.weights.tolist() == [0.5, 0.5]
        assert result.segment_logits.mean(0) == pytest.approx(result.logits, abs=1e-6)
    else:
        assert result.weights is None and result.segment_scores is None


@pytest.mark.slow
def test_the_command(run: Path, clips: Path, tmp_path: Path) -> None:
    """A broken video in the middle: the others are predicted, in order, and all is written."""
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    (tmp_path / "list.txt").write_text(f"{clips / 'run' / '1.mp4'}\n")
    jump = clips / "jump" / "2.mp4"
    videos = [str(v) for v in (tmp_path / "list.txt", tmp_path / "broken.mp4", jump)]
    files = ["--csv", str(tmp_path / "a.csv"), "--json", str(tmp_path / "a.json")]
    words = ["predict", str(run), *videos, *files, "--figures", str(tmp_path / "drawn")]
    done = CliRunner().invoke(main, [*words, "--workers", "1", "--min-frames", "1"])
    assert done.exit_code == 1, done.output
    calibrated, *lines = done.output.splitlines()
    assert calibrated.startswith("Scores are not calibrated: they are of one run")
    assert lines[0].split() == ["video", "label", "score", "label", "score", "attention"]
    assert "failed: not a video" in lines[2] and "1 of 3 videos failed." in lines

    document = json.loads((tmp_path / "a.json").read_text())
    first, broken, last = document["videos"]
    assert document["classes"] == ["jump", "run"] and document["method"] == "tcon"
    assert broken.keys() == {"video", "error"} and last["video"] == str(jump)
    assert first["label"] == max(first["scores"], key=first["scores"].get)
    assert f"{100 * first['score']:.1f}%" in lines[1] and lines[1].split()[1] == first["label"]
    assert len(first["segments"]) == 4
    assert sum(segment["attention"] for segment in first["segments"]) == pytest.approx(1)

    rows = list(csv.DictReader((tmp_path / "a.csv").open()))
    assert rows[1]["error"] and not rows[1]["label"]
    assert float(rows[0]["logit run"]) == first["logits"]["run"]
    assert rows[2]["segment 3 frame"] == str(last["segments"][2]["frame"])
    drawn = sorted(path.name for path in (tmp_path / "drawn").iterdir())
    assert [name.split("clips")[-1] for name in drawn] == ["0_jump_2.mp4.png", "0_run_1.mp4.png"]


def test_what_is_done_is_kept_where_all_is_stopped(run: Path, clips: Path, tmp_path: Path) -> None:
    results: list[Result] = []

    def stop(progress: object) -> None:
        if progress.done == 2:
            raise KeyboardInterrupt

    deployed = load_run(run)
    with pytest.raises(KeyboardInterrupt):
        predict_videos(
            Ensemble.of(deployed),
            read_items([clips]),
            plan_features(deployed, MACHINE),
            on_result=results.append,
            on_progress=stop,
        )
    assert len(results) == 2


def test_the_figure_shows_the_segments_frames(
    run: Path, clips: Path, read_number: Callable[[np.ndarray], int]
) -> None:
    """Clip n counts from 1 + 37 n."""
    deployed = load_run(run)
    result = _predict(deployed, clips / "run")[0]
    assert isinstance(result, Prediction)
    images = read_images(result.video, result.frames)
    figure = draw_prediction(result, images, name="x").figure
    *shown, axis = figure.axes
    numbers = [read_number(frame.images[0].get_array()) for frame in shown]
    assert numbers == [38 + frame for frame in result.frames]
    scores = result.segment_scores
    assert shown[0].get_xlabel().startswith(deployed.classes[scores[0].argmax()])
    x, y = axis.lines[0].get_data()
    assert np.array_equal(x, result.seconds) and np.array_equal(y, result.attention)


# --- runs and features that cannot be used


def _copy(run: Path, to: Path, **data: object) -> Path:
    """A deployed run: record and checkpoint alone, with other ``data``."""
    to.mkdir()
    (to / "checkpoint.pt").write_bytes((run / "checkpoint.pt").read_bytes())
    record = read_record(run)
    record = replace(record, data=replace(record.data, **data))
    (to / "config.json").write_bytes(write_record(record))
    return to


def _made(run: Path, **changes: object) -> Recipe:
    return replace(read_record(run).data.recipe, **changes)


def test_an_older_run_reads_the_feature_file(run: Path, clips: Path, tmp_path: Path) -> None:
    target = read_record(run).data.target
    whole = FeatureFile(target.path).sha256("rgb", labels=False)
    target = replace(target, videos_sha256="", sha256=whole)
    old = _copy(run, tmp_path / "old", recipe=None, target=target)
    assert load_run(old).recipe.without_list() == load_run(run).recipe
    gone = _copy(
        run, tmp_path / "gone", recipe=None, target=replace(target, path=str(tmp_path / "no.h5"))
    )
    with pytest.raises(InputError, match="no.h5 is gone: name it with --features"):
        load_run(gone)
    assert load_run(gone, features=Path(target.path)).recipe.backbone == "tiny"


def test_weights(run: Path, clips: Path, tmp_path: Path) -> None:
    checkpoint, other = tmp_path / "mine.pt", tmp_path / "other.pt"
    with torch.random.fork_rng():
        torch.manual_seed(3)
        torch.save(torch.nn.Sequential(torch.nn.Conv2d(3, 16, 5)).state_dict(), checkpoint)
        torch.save({}, other)
    path = train_on_videos(clips, tmp_path, "source_only", replace(RGB, weights=str(checkpoint)))
    deployed = load_run(path)
    plan_features(deployed, MACHINE, weights=checkpoint)
    with pytest.raises(InputError, match=r"made with mine\.pt \(sha256 .*give that checkpoint"):
        plan_features(deployed, MACHINE)
    with pytest.raises(InputError, match=r"other\.pt \(sha256 .*is not mine\.pt \(sha256 "):
        plan_features(deployed, MACHINE, weights=other)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"backbone": "elsewhere"}, "need the backbone elsewhere, which is not registered"),
        ({"preprocessing": None, "imported": "t7"}, "were not made by tcon extract"),
        ({"layer": "conv5"}, "other features .*layer: pool in place of conv5"),
    ],
)
def test_features_that_cannot_be_made(
    run: Path, tmp_path: Path, changes: dict[str, str], message: str
) -> None:
    copy = _copy(run, tmp_path / "copy", recipe=_made(run, **changes))
    with pytest.raises(InputError, match=message):
        plan_features(load_run(copy), MACHINE)


def test_wrong_runs_and_videos(run: Path, clips: Path, tmp_path: Path) -> None:
    def message(path: Path, videos: Path = clips) -> str:
        with pytest.raises(InputError) as caught:
            predict(path, videos, machine=MACHINE)
        return str(caught.value)

    assert message(run, tmp_path / "no.mp4").startswith("no such video, folder or list")
    assert "no such run" in message(tmp_path / "nowhere")
    assert "holds no run" in message(clips)
    two = tmp_path / "two"
    two.mkdir()
    _copy(run, two / "b")
    assert load_run(two).path.name == "b"  # the only one
    _copy(run, two / "c")
    with pytest.raises(InputError, match="holds 2 runs: name one, such as"):
        load_run(two)
    assert message(two) == f"{two / 'b'} and {two / 'c'} are the same run: name one of them"
    (two / "c" / "checkpoint.pt").write_bytes(b"damaged")
    assert "checkpoint.pt is damaged" in message(two / "c")
    (two / "c" / "checkpoint.pt").unlink()
    assert "is not finished" in message(two / "c")
    (two / "b" / "config.json").write_text('{"method": "tcon"}')
    assert "config.json is damaged" in message(two / "b")


def test_a_run_says_nothing_that_depends_on_target_labels(run: Path) -> None:
    """The hash of the list of videos does."""
    assert _made(run).list_sha256 == ""


def test_windows_and_their_timeline(run: Path, tmp_path: Path, write_video: Write) -> None:
    video = write_video(tmp_path / "long.mp4", 60)  # 2.4 s
    options = ["--window", "1s", "--hop", "0.5s", "--min-frames", "1", "--workers", "0"]
    files = [tmp_path / f"line.{kind}" for kind in ("csv", "json", "png")]
    for file in files:
        options += ["--timeline", str(file)]
    told = CliRunner().invoke(main, ["predict", str(run), str(video), *options])
    assert told.exit_code == 0, told.output
    parts = [line.split()[0].partition("#")[2] for line in told.output.splitlines() if "#" in line]
    assert parts == ["t=0.0,1.0", "t=0.5,1.5", "t=1.0,2.0", "t=1.5"]
    (line,) = json.loads(files[1].read_text())["timelines"]
    assert line["edges"] == pytest.approx([0, 0.5, 0.75, 1, 1.25, 1.5, 1.725, 2, 2.4])
    rows = list(csv.DictReader(files[0].open()))
    assert [float(row["start"]) for row in rows] == [one["start"] for one in line["intervals"]]
    assert rows[0]["start"] == "0.0" and float(rows[-1]["end"]) == pytest.approx(2.4)
    assert files[2].read_bytes().startswith(b"\x89PNG")
    windows = predict(run, video, window="1s", hop="0.5s", machine=RGB.machine)
    first, second = (one.scores for one in windows[:2] if isinstance(one, Prediction))
    means = 0.75 * first + 0.25 * second  # from 0.5 to 0.75 s, of middles at 0.5 and 1 s
    assert line["scores"][1] == pytest.approx(means)
    told = CliRunner().invoke(main, ["predict", str(run), str(video), "--timeline", "x.txt"])
    assert (told.exit_code, "ends in .csv, .json, .png" in told.output) == (2, True), told.output


def test_the_rest_of_a_recording_is_done_with_at_once() -> None:
    found: list[Result] = []
    results = _InOrder(["long.mp4#t=1.5", "b.mp4"], found.append)
    results.add("long.mp4#t=1.5", Failure("long.mp4#t=1.5", "decode", "a test"))
    results.add("b.mp4", Failure("b.mp4", "decode", "a test"))
    assert len(found) == 2
