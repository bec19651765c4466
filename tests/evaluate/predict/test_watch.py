"""`tcon predict --watch`: every complete video once, whatever stops it."""

from __future__ import annotations

import csv
import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner
from tiny_backbones import MACHINE, tiny_backbones, train_on_videos

from tcon.adapt.inference.ensemble import Ensemble, load_ensemble
from tcon.adapt.inference.features import plan_features
from tcon.adapt.inference.stream import Result, predict
from tcon.adapt.inference.videos import read_items
from tcon.cache import Failure, InputError
from tcon.cache.recipe import Sampling, Windows
from tcon.cli import main
from tcon.evaluate.predict import report
from tcon.evaluate.predict import watch as watching
from tcon.evaluate.predict.label_log import LabelLog
from tcon.evaluate.predict.watch import Arrival, Stamp, arrivals, watch
from tcon.extract.features import pipeline

RGB = replace(
    MACHINE, backbone="tiny", weights="random", precision="fp32", sampling=Sampling("uniform", 8)
)


@pytest.fixture(scope="module", autouse=True)
def _backbones() -> Iterator[None]:
    with tiny_backbones():
        yield


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, clips: Path) -> Ensemble:
    folder = tmp_path_factory.mktemp("run")
    return load_ensemble(train_on_videos(clips, folder, "source_only", RGB, segments=2))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


class Story:
    """Time in which a second passes with each look; events happen at their seconds, then Ctrl-C."""

    def __init__(self, *events: Callable[[], object]) -> None:
        self._events, self.now = iter(events), 0.0

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        try:
            next(self._events)()
        except StopIteration:
            raise KeyboardInterrupt from None


def wait() -> None:
    """A second in which nothing happens."""


def follow(folder: Path, *events: Callable[[], object], settle: float = 2) -> list[list[str]]:
    """What arrives, by rounds."""
    known: dict[str, Stamp] = {}
    story, rounds = Story(*events), []
    try:
        for arrived in arrivals(folder, known, settle=settle, clock=story.clock, sleep=story.sleep):
            rounds.append([arrival.item.id for arrival in arrived])
            known |= {arrival.item.id: arrival.stamp for arrival in arrived}
    except KeyboardInterrupt:
        return rounds
    raise AssertionError


def label(
    run: Ensemble,
    folder: Path,
    log: Path,
    *events: Callable[[], object],
    windows: Windows | None = None,
) -> list[tuple[str, bool]]:
    """The rows that a watch appends: the video, and whether it failed."""
    story, rows = Story(*events), []

    def take(arrival: Arrival, result: Result) -> None:
        labels.add(arrival, result)
        rows.append((arrival.item.id, isinstance(result, Failure)))

    with LabelLog(log, run) as labels, pytest.raises(KeyboardInterrupt):
        plan = plan_features(run.first, MACHINE, windows=windows)
        watch(
            *(run, plan, folder, labels.known),
            settle=1,
            on_result=take,
            clock=story.clock,
            sleep=story.sleep,
        )
    return rows


def written(log: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(log.open(newline="")))


# --- what has arrived


def test_files_arrive_when_they_are_at_rest(folder: Path) -> None:
    grow = folder / "cam1" / "grow.mp4"

    def begin() -> None:
        grow.parent.mkdir()
        grow.write_bytes(b"1")

    def go_on() -> None:
        grow.write_bytes(grow.read_bytes() + b"1")

    def touch() -> None:
        os.utime(grow, ns=(0, grow.stat().st_mtime_ns + 1))

    events = [begin, go_on, wait, go_on, wait, touch, wait]
    assert follow(folder, *events) == []
    shutil.rmtree(folder / "cam1")
    assert follow(folder, *events, wait) == [["cam1/grow.mp4"]]


def test_only_videos_arrive(folder: Path) -> None:
    for name in ("b.MKV", "a.txt", ".hidden.mp4", ".tmp/a.mp4", "c.mp4.part", "deep/er/a b.avi"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"1")
    (folder / "frames").mkdir()
    (folder / "frames" / "00001.jpg").write_bytes(b"1")  # a folder of frames is never complete
    (folder / "folder.mp4").mkdir()
    (folder / "gone.mp4").symlink_to("nowhere.mp4")
    (folder / "line\nbreak.mp4").write_bytes(b"1")
    [arrived] = follow(folder, wait, settle=0)
    assert set(arrived) == {"b.MKV", "deep/er/a b.avi", "line\\nbreak.mp4"}


def test_the_oldest_is_first_and_a_changed_one_arrives_again(folder: Path) -> None:
    for age, name in enumerate("bca"):
        (folder / f"{name}.mp4").write_bytes(b"1")
        os.utime(folder / f"{name}.mp4", (age, age))
    again, other = folder / "b.mp4", folder.parent / "other.mp4"
    other.write_bytes(b"2")
    os.utime(other, (9, 9))
    rounds = follow(folder, wait, lambda: other.replace(again), wait, wait, settle=1)
    assert rounds == [["b.mp4", "c.mp4", "a.mp4"], ["b.mp4"]]


def test_a_folder_may_be_gone_for_a_while(folder: Path) -> None:
    (folder / "a.mp4").write_bytes(b"1")
    away = folder.parent / "away"
    rounds = follow(
        *(folder, wait, lambda: folder.rename(away), wait, lambda: away.rename(folder), wait, wait),
        settle=1,
    )
    assert rounds == [["a.mp4"]]


@pytest.mark.parametrize("nanoseconds", [-1, 0, 10**18 + 1, (2**63 - 1) * 10**9])
def test_stamps_tell_times_apart(nanoseconds: int, tmp_path: Path) -> None:
    class File:
        def __init__(self, time: int) -> None:
            self.st_size, self.st_mtime_ns = 5, time

        def stat(self) -> File:
            return self

    assert Stamp.of(File(nanoseconds)) == Stamp.of(File(nanoseconds))  # type: ignore[arg-type]
    assert Stamp.of(File(nanoseconds)) != Stamp.of(File(nanoseconds - 1))  # type: ignore[arg-type]
    assert Stamp.of(tmp_path / "no") is None


# --- labels


def test_labels_are_those_of_predict_and_none_comes_twice(
    run: Ensemble, clips: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, made = folder.parent / "labels.csv", []
    pool = pipeline.DecodePool
    monkeypatch.setattr(
        pipeline, "DecodePool", lambda *a, **k: made.append(k["workers"]) or pool(*a, **k)
    )
    (folder / "broken.mp4").write_bytes(b"no video")

    def arrive(clip: str) -> Callable[[], object]:
        return lambda: shutil.copy(clips / clip, folder)

    first = [arrive("run/1.mp4"), arrive("jump/2.mp4"), wait, wait]
    rows = label(run, folder, log, *first)
    assert rows == [("broken.mp4", True), ("1.mp4", False), ("2.mp4", False)]
    assert made == [0]  # one pool, whatever arrives

    rows = label(run, folder, log, arrive("run/3.avi"), wait, wait)
    assert rows == [("3.avi", False)]
    (folder / "broken.mp4").write_bytes((clips / "jump" / "4.avi").read_bytes())
    assert label(run, folder, log, wait, wait) == [("broken.mp4", False)]

    found = written(log)
    assert [row["video"] for row in found] == [
        "broken.mp4",
        "1.mp4",
        "2.mp4",
        "3.avi",
        "broken.mp4",
    ]
    assert found[0]["error"].startswith("not a video") and not found[0]["label"]
    names = ["run/1.mp4", "jump/2.mp4", "run/3.avi"]
    results = predict(run, [clips / name for name in names], machine=MACHINE)
    for row, result in zip(found[1:4], results, strict=True):
        assert row["label"] == result.label
        assert float(row["score"]) == pytest.approx(result.score, abs=1e-6)
        assert row["size"] == str(Path(result.video.path).stat().st_size)


def test_half_a_row_is_labelled_anew(run: Ensemble, clips: Path, folder: Path) -> None:
    """A kill may cut the csv off anywhere."""
    log = folder.parent / "labels.csv"
    for n in (1, 2):
        shutil.copy(clips / ("jump", "run")[n % 2] / f"{n}.mp4", folder)
    label(run, folder, log, wait, wait)
    whole = log.read_bytes()
    ends = [0, *(i + 1 for i, byte in enumerate(whole) if byte == ord("\n"))]
    for cut in sorted({*ends, *(end - 1 for end in ends[1:]), 1, *range(40, len(whole), 97)}):
        log.write_bytes(whole[:cut])
        with LabelLog(log, run) as labels:
            done = list(labels.known)
        kept = max(end for end in ends if end <= cut) or ends[1]
        assert log.read_bytes() == whole[:kept] and len(done) == ends.index(kept) - 1
    log.write_bytes(whole + bytes(100))  # as after a loss of power
    assert label(run, folder, log, wait, wait) == [] and log.read_bytes() == whole
    log.write_bytes(whole[: ends[2] + 9])
    assert [id_ for id_, _ in label(run, folder, log, wait, wait)] == [written(log)[1]["video"]]
    assert sorted(row["video"] for row in written(log)) == ["1.mp4", "2.mp4"]


def test_windows_that_a_kill_left_out_are_labelled_and_no_others(
    run: Ensemble, folder: Path, write_video: Callable[..., Path]
) -> None:
    log, windows = folder.parent / "labels.csv", Windows(1.0, 0.5, "seconds")
    for name, frames in (("a.mp4", 60), ("b.mp4", 20)):
        write_video(folder / name, frames)
    label(run, folder, log, wait, wait, windows=windows)
    names = [f"a.mp4#t={part}" for part in ("0.0,1.0", "0.5,1.5", "1.0,2.0", "1.5")] + ["b.mp4"]
    whole = log.read_bytes().splitlines(keepends=True)
    assert [row["video"] for row in written(log)] == names
    for kept in range(len(whole) + 1):
        log.write_bytes(b"".join(whole[:kept]))
        label(run, folder, log, wait, wait, windows=windows)
        assert sorted(log.read_bytes().splitlines(keepends=True)) == sorted(whole)
    write_video(folder / "a.mp4", 40)
    label(run, folder, log, wait, wait, windows=windows)
    assert [row["video"] for row in written(log)[5:]] == [*names[:2], "a.mp4#t=1.0"]


def test_a_video_that_changes_while_it_is_read_comes_again(
    run: Ensemble, clips: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, right, changes = folder / "a.mp4", watching.predict_videos, itertools.count()
    shutil.copy(clips / "run" / "1.mp4", path)

    def changing(*arguments: object, **options: object) -> None:
        if next(changes) == 0:
            shutil.copy(clips / "run" / "5.avi", path)
        right(*arguments, **options)

    monkeypatch.setattr(watching, "predict_videos", changing)
    rows = label(run, folder, folder.parent / "labels.csv", wait, wait, wait)
    assert rows == [("a.mp4", False)] and next(changes) == 2


@pytest.mark.parametrize(
    "content",
    [b"video,label\r\na,b\r\n", b"notes, without an end", b"\xff\xfe\r\n", b"\0\r\n", b"\n"],
)
def test_another_file_is_left_as_it_is(run: Ensemble, tmp_path: Path, content: bytes) -> None:
    log = tmp_path / "labels.csv"
    log.write_bytes(content)
    with pytest.raises(InputError, match="is not what tcon predict --watch wrote"):
        LabelLog(log, run)
    assert log.read_bytes() == content and [p.name for p in tmp_path.iterdir()] == ["labels.csv"]


def test_rows_for_a_deleted_csv_are_refused(run: Ensemble, clips: Path, tmp_path: Path) -> None:
    with LabelLog(tmp_path / "a.csv", run) as labels:
        (tmp_path / "a.csv").unlink()
        with pytest.raises(InputError, match="was deleted meanwhile: repeat the command"):
            labels.add(Arrival(read_items([clips])[0], Stamp("1", "now")), Failure("a", "b", "c"))


def test_one_process_writes_a_csv(run: Ensemble, tmp_path: Path) -> None:
    with (
        LabelLog(tmp_path / "a.csv", run),
        pytest.raises(InputError, match="another process writes"),
    ):
        LabelLog(tmp_path / "a.csv", run)
    with pytest.raises(InputError, match="is no file"):
        LabelLog(Path("/dev/null"), run)
    with pytest.raises(InputError, match="no such folder"):
        LabelLog(tmp_path / "no" / "a.csv", run)


def test_the_command(
    run: Ensemble, clips: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = folder.parent / "labels.csv"
    shutil.copy(clips / "run" / "1.mp4", folder)
    words = ["predict", str(run.path), "--watch", str(folder), "--csv", str(log)]
    words += ["--settle", "0", "--workers", "0", "--min-frames", "1", "--device", "cpu"]
    monkeypatch.setattr(report, "watch", partial(watch, sleep=Story().sleep))
    for known in (0, 1):
        done = CliRunner().invoke(main, words)
        calibrated, first, *lines = done.output.splitlines()
        assert done.exit_code == 130, done.output
        assert calibrated.startswith("Scores are not calibrated: they are of one run")
        assert first.endswith(f"{known} video{'s' * (not known)} done before.")
        assert lines[-1] == (
            f"stopped after {1 - known} video{'s' * known}; the same command goes on"
        )
        assert ("1.mp4  " in lines[0]) == (not known)
    assert len(written(log)) == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "name VIDEOS to predict, or a folder to --watch"),
        (["a.mp4", "--watch", "in"], "and not both"),
        (["--watch", "in", "--json", "a.json"], "leave out --root, --json, --figures"),
        (["--watch", "nowhere"], "no such folder to watch: nowhere"),
        (["--watch", ".", "--settle", "nan"], "cannot be at rest for nan seconds"),
    ],
)
def test_wrong_words(run: Ensemble, words: list[str], message: str) -> None:
    done = CliRunner().invoke(main, ["predict", str(run.path), *words, "--workers", "0"])
    assert done.exit_code == 2 and message in done.output
