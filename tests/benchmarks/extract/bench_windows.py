"""Windows of recordings that are joined from labelled clips: labels, boundaries, memory, decoding.

    python tests/benchmarks/extract/bench_windows.py RUN LIST.csv --root CLIPS --folder joined

Twenty clips of both classes in turn, each repeated to thirty seconds, make a recording of ten
minutes: h264 with B-frames, once at a constant and once at a variable rate. RUN labels its windows,
and what it says is compared with the clips. LIST.csv has the columns path, label and split; test
clips are taken.
"""

from __future__ import annotations

import argparse
import csv
import json
import resource
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from tcon.adapt.inference import predict
from tcon.adapt.inference.prediction import Prediction
from tcon.cache.parts import split_part
from tcon.evaluate.predict.timeline.intervals import Smoothing, make_timeline
from tcon.extract import Machine
from tcon.extract.decoding import open_video

SIZE = 320, 240  # width and height of the recordings
WINDOW, HOP, CLIP = 4.0, 2.0, 30.0  # seconds


@dataclass(frozen=True)
class Recording:
    """A joined recording.

    Args:
        path: of it.
        labels: of its clips, in order.
        starts: of its clips, and its end, in seconds.
    """

    path: Path
    labels: tuple[str, ...]
    starts: np.ndarray


def join(clips: Sequence[tuple[Path, str]], path: Path, *, variable: bool) -> Recording:
    """Write a recording of clips that are repeated, forwards and backwards, to `CLIP` seconds."""
    random = np.random.default_rng(0)
    starts, now = [], 0
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=25, options={"bf": "2", "preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for clip, _ in clips:
            starts.append(now / 1000)
            images = _frames(clip)
            while now < 1000 * (starts[-1] + CLIP):
                for image in [*images, *images[::-1]]:
                    frame = av.VideoFrame.from_ndarray(image, "rgb24").reformat(*SIZE)
                    frame.pts, frame.time_base = now, Fraction(1, 1000)
                    file.mux(stream.encode(frame))
                    now += int(random.integers(25, 120)) if variable else 40
        file.mux(stream.encode())
    return Recording(path, tuple(label for _, label in clips), np.array([*starts, now / 1000]))


def _frames(path: Path) -> list[np.ndarray]:
    with open_video(str(path)) as video:
        return list(video.frames(np.arange(1000)))


def choose(path: Path, root: Path, clips: int) -> list[tuple[Path, str]]:
    """Test clips of a list, the classes in turn."""
    rows = [row for row in csv.DictReader(path.open()) if row["split"] == "test"]
    by_class = [
        [row for row in rows if row["label"] == label]
        for label in sorted({row["label"] for row in rows})
    ]
    turns = [row for turn in zip(*by_class, strict=False) for row in turn]
    return [(root / row["path"], row["label"]) for row in turns[:clips]]


def compare(recording: Recording, windows: Sequence[Prediction]) -> Iterator[str]:
    """How the windows' labels and the intervals' ends compare with the clips, as lines."""
    right = inside = 0
    wrong = Counter[int]()
    for window in windows:
        start, end = _span(window)
        clip = int(np.searchsorted(recording.starts, start + 1e-6, side="right")) - 1
        if end <= recording.starts[clip + 1] + 1e-6:  # in one clip
            inside += 1
            right += window.label == recording.labels[clip]
            wrong[clip] += window.label != recording.labels[clip]
    yield f"{right} of {inside} windows inside of one clip have its label"
    yield f"wrong ones by clip: {dict(+wrong)}"
    truth = np.array([recording.starts[n + 1] for n in range(len(recording.labels) - 1)])
    for smoothing in (Smoothing(), Smoothing(min_length=8), Smoothing(onset=0.7)):
        line = make_timeline(recording.path.name, recording.path, windows, smoothing)
        ends = np.array([one.end for one in line.intervals[:-1]])
        away = np.abs(truth[:, None] - ends).min(1) if len(ends) else np.full(len(truth), np.inf)
        yield (
            f"{smoothing}: {len(ends)} boundaries for {len(truth)}; of these {(away <= HOP).sum()} "
            f"have one within a hop, on average {away[away <= HOP].mean():.2f} s away"
        )


def _span(window: Prediction) -> tuple[float, float]:
    _, part = split_part(window.video.id)
    assert part is not None
    return part.start, window.video.duration if part.end is None else part.end


def check_frames(recording: Recording, windows: Sequence[Prediction]) -> str:
    """Count the frames of every window again, from PyAV's time stamps of the decoded frames."""
    with av.open(str(recording.path)) as file:
        times = np.array([frame.time for frame in file.decode(video=0)])
    times -= times[0]
    wrong = 0
    for window in windows:
        start, end = _span(window)
        wrong += window.video.frames != ((times > start - 1e-6) & (times < end - 1e-6)).sum()
    return f"{len(times)} frames; {wrong} of {len(windows)} windows have another number of frames"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("list", type=Path)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--folder", type=Path, default=Path("joined"))
    parser.add_argument("--clips", type=int, default=20)
    parser.add_argument("--within-shots", action="store_true")
    options = parser.parse_args()
    options.folder.mkdir(exist_ok=True)
    clips = choose(options.list, options.root, options.clips)
    opened = count_openings()
    for count in (len(clips) // 5, len(clips)):  # two lengths, as memory must not depend on it
        for variable in (False, True):
            path = options.folder / f"{'variable' if variable else 'constant'}_{count}.mp4"
            recording = join(clips[:count], path, variable=variable)
            opened.clear()
            started = time.perf_counter()
            found = predict(
                options.run,
                path,
                machine=Machine(device="cpu", workers=0),
                window=f"{WINDOW:g}s",
                hop=f"{HOP:g}s",
                within_shots=options.within_shots,
            )
            seconds = time.perf_counter() - started
            windows = [one for one in found if isinstance(one, Prediction)]
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
            print(
                json.dumps({"recording": path.name, "seconds": recording.starts[-1].item()}),
                f"{len(windows)} windows in {seconds:.0f} s, decoded {len(opened)} time(s), "
                f"peak memory so far {peak:.2f} GiB",
            )
            print(" ", check_frames(recording, windows))
            for line in compare(recording, windows):
                print(" ", line)


def count_openings() -> list[str]:
    """A list that gets the path of every video that is opened to be read from now on."""
    from tcon.extract.snippets import reading

    opened: list[str] = []
    real = reading.open_video

    def count(path: str, *arguments: object, **named: object) -> object:
        opened.append(path)
        return real(path, *arguments, **named)  # type: ignore[arg-type]

    reading.open_video = count  # type: ignore[assignment]
    return opened


if __name__ == "__main__":
    main()
