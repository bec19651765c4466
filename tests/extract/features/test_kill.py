"""``kill -9`` at any moment of ``tcon extract``: the file reads, and a second run completes it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from extraction import Extraction, extract

from tcon.cache import FeatureFile, InputError
from tcon.cache.recipe import Sampling
from tcon.extract.backbones import get_spec, temporary_backbones
from tcon.extract.backbones.registry import add
from tcon.extract.features.sink import Progress
from tcon.extract.lists.videos import read_videos

pytestmark = pytest.mark.slow

VIDEOS, COMMIT = 24, 3  # hence eight parts
SMALL = {"input_size": 64, "resize": 72}  # the default backbone, but quick
# One process decodes, so that videos are committed in the order of the list.
CONFIG = Extraction(
    backbone="small",
    sampling=Sampling("uniform", 2),
    device="cpu",
    precision="fp32",
    min_frames=1,
    workers=1,
)

# One child per moment runs the command and kills itself there; torch is imported once for all.
# Renames: 1 is the empty file, 2 to 9 the parts, 10 the merged file; likewise feature arrays.
DRIVER = """
import ast, dataclasses, os, signal, sys
import tcon.extract.progress
from tcon.cache import merge, writer
from tcon.cli import main
from tcon.extract.backbones.registry import add, get_spec

def kill_at(module, name, call, when, counts=lambda *_: True):
    original, calls = getattr(module, name), 0
    def wrapper(*args, **options):
        nonlocal calls
        calls += counts(*args)
        if calls == call and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = original(*args, **options)
        if calls == call:
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    setattr(module, name, wrapper)

def is_part(name, *_):
    name = os.path.basename(name)
    return name.startswith("part-") and name.endswith(".h5")

MOMENTS = {
    "starting": lambda: kill_at(os, "replace", 1, "before"),
    "started": lambda: kill_at(os, "replace", 1, "after"),
    "in-part-3": lambda: kill_at(writer, "_write_snippets", 4, "before"),
    "after-part-5": lambda: kill_at(os, "replace", 6, "after"),
    "in-merge": lambda: kill_at(merge, "_row_shape", 1, "after"),
    "merged": lambda: kill_at(os, "replace", 10, "after"),
    "deleting-parts": lambda: kill_at(os, "unlink", 3, "after", is_part),
}
videos, out, commit, small = sys.argv[1:]
spec = get_spec("efficientnet_lite0")
quick = dataclasses.replace(spec.preprocessing, **ast.literal_eval(small))
add(dataclasses.replace(spec, name="small", preprocessing=quick))
for moment, arm in MOMENTS.items():
    child = os.fork()
    if not child:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        defaults = writer.FeatureWriter.__init__.__kwdefaults__
        defaults.update(commit_videos=int(commit), commit_seconds=1e9)
        arm()
        main(["extract", videos, "-o", f"{out}/{moment}/x.h5", "--backbone", "small",
              "--snippets", "2", "--device", "cpu", "--precision", "fp32",
              "--min-frames", "1", "--workers", "1"])
        os._exit(0)
    _, status = os.waitpid(child, 0)
    print(moment, os.waitstatus_to_exitcode(status), flush=True)
"""


@pytest.fixture(scope="module", autouse=True)
def small() -> Iterator[None]:
    with temporary_backbones():
        spec = get_spec(Extraction.backbone)
        quick = replace(spec.preprocessing, **SMALL)
        spec = replace(spec, name="small", preprocessing=quick)
        add(spec)
        yield


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory, write_video: Callable[..., Path]) -> Path:
    folder = tmp_path_factory.mktemp("videos")
    for n in range(VIDEOS):
        tint = (n % 5 / 5, n % 7 / 7, 1 - n / VIDEOS)
        path = folder / ("a", "b")[n % 2] / f"{n:02}.mp4"
        write_video(path, 3 + n % 4, first=1 + 9 * n, tint=tint)
    return folder


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, videos: Path) -> FeatureFile:
    path = tmp_path_factory.mktemp("undisturbed") / "x.h5"
    assert extract(read_videos(videos), path, CONFIG) == []
    return FeatureFile(path)


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory, videos: Path) -> Path:
    """A folder per moment with what a killed run left."""
    out = tmp_path_factory.mktemp("killed")
    run = subprocess.run(
        [sys.executable, "-c", DRIVER, str(videos), str(out), str(COMMIT), repr(SMALL)],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "OMP_WAIT_POLICY": "passive"},
    )
    assert run.returncode == 0, run.stderr
    endings = dict(line.split() for line in run.stdout.splitlines())
    assert set(endings.values()) == {"-9"}, (endings, run.stderr)
    return out


@pytest.mark.parametrize(
    ("moment", "committed"),
    [
        ("starting", None),
        ("started", 0),
        ("in-part-3", 2 * COMMIT),
        ("after-part-5", 5 * COMMIT),
        ("in-merge", VIDEOS),
        ("merged", VIDEOS),
        ("deleting-parts", VIDEOS),
    ],
)
def test_a_killed_run_reads_and_resumes(
    killed: Path, videos: Path, undisturbed: FeatureFile, moment: str, committed: int | None
) -> None:
    path, whole = killed / moment / "x.h5", undisturbed.packed()
    if committed is None:
        with pytest.raises(InputError, match="no such feature file"):
            FeatureFile(path)
    else:
        left = FeatureFile(path)
        assert left.videos == undisturbed.videos[:committed]
        snippets = whole.count[:committed].sum()
        np.testing.assert_array_equal(left.packed().frame, whole.frame[:snippets])
        assert _distance(left.packed().features, whole.features[:snippets]) < 1e-3

    seen: list[Progress] = []
    assert extract(read_videos(videos), path, CONFIG, on_progress=seen.append) == []

    assert (seen[0].before, seen[0].todo) == (committed or 0, VIDEOS - (committed or 0))
    resumed = FeatureFile(path)
    assert resumed.videos == undisturbed.videos
    assert resumed.recipes == undisturbed.recipes
    for field in ("frame", "start", "count"):
        np.testing.assert_array_equal(getattr(resumed.packed(), field), getattr(whole, field))
    assert _distance(resumed.packed().features, whole.features) < 1e-3
    assert [p.name for p in path.parent.iterdir()] == ["x.h5"]


def test_the_features_tell_the_videos_apart(undisturbed: FeatureFile) -> None:
    """Else the comparison above could not fail."""
    packed = undisturbed.packed()
    rows = packed.features[packed.start].astype(np.float64)
    apart = np.linalg.norm(rows[:, None] - rows, axis=2) / np.linalg.norm(rows, axis=1)
    assert np.sort(apart, axis=1)[:, 1].min() > 0.01


def _distance(a: np.ndarray, b: np.ndarray) -> float:
    """Largest relative distance between the rows of a and b."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    return (np.linalg.norm(a - b, axis=1) / np.linalg.norm(b, axis=1)).max(initial=0)
