"""`import_features` as a function: what it returns, tells and never prints."""

from __future__ import annotations

import doctest
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from import_files import features, write_list
from scipy.io import savemat

from tcon.cache import InputError
from tcon.extract import import_features
from tcon.extract.importers import api
from tcon.extract.importers.run import Progress
from tcon.extract.importers.wanted import Wanted

pytestmark = pytest.mark.slow


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three videos as npy, of which one holds text."""
    (tmp_path / "npy").mkdir()
    for n in range(2):
        np.save(tmp_path / "npy" / f"v_{n}.npy", features(2 + n, n))
    (tmp_path / "npy" / "v_2.npy").write_text("no features")
    return tmp_path / "npy"


def test_it_returns_the_file_and_prints_nothing(
    folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    listed = write_list(tmp_path / "train.txt", [f"/far/v_{n}.mp4 {n}" for n in range(4)])
    events: list[Wanted | Progress] = []
    file = import_features(folder, tmp_path / "x.h5", lists=[listed], on_event=events.append)
    assert [(v.id, v.label, v.split) for v in file.videos] == [
        ("v_0", "0", "train"),
        ("v_1", "1", "train"),
    ]
    assert [failure.video for failure in file.failures] == ["v_2"]
    wanted, *progress = events
    assert isinstance(wanted, Wanted)
    assert wanted.notes[0] == f"{folder} is taken as npy"
    assert [entry.name for entry in wanted.unmatched] == ["/far/v_3.mp4"]
    assert progress == [
        Progress(3, 0),
        Progress(3, 0, done=1, nonzero=8),
        Progress(3, 0, done=2, nonzero=20),
        Progress(3, 0, done=2, failed=1, nonzero=20),
    ]
    assert capfd.readouterr() == ("", "")


def test_another_kind_does_not_extend_a_file(folder: Path, tmp_path: Path) -> None:
    (folder / "v_2.npy").unlink()
    import_features(folder, tmp_path / "x.h5")
    np.savez(tmp_path / "all.npz", ids=np.array(["a"]), features=features(2)[None])
    with pytest.raises(InputError, match="was made differently .*npy.*npz"):
        import_features(tmp_path / "all.npz", tmp_path / "x.h5")


def test_a_script_without_a_main_guard_imports_mat(tmp_path: Path) -> None:
    """The process that reads does not run the script again."""
    (tmp_path / "mat").mkdir()
    for name in "ab":
        savemat(tmp_path / "mat" / f"{name}.mat", {"features": features(3)})
    script = tmp_path / "script.py"
    script.write_text(
        "from tcon.extract import import_features\n"
        "file = import_features('mat', 'x.h5')\n"
        "print(*(video.id for video in file.videos), *file.failures)\n"
    )
    run = subprocess.run(
        [sys.executable, script], cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    assert (run.stdout, run.stderr, run.returncode) == ("a b\n", "", 0)


def test_the_documented_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (example,) = doctest.DocTestFinder().find(api.import_features, "example", globs={})
    result = doctest.DocTestRunner().run(example)
    assert result.failed == 0 < result.attempted


@pytest.mark.parametrize(
    ("given", "kept"),
    [([0, -1], ["0", ""]), (["nan", "run"], ["", "run"]), (["1.0", "?"], ["1", ""])],
)
def test_labels_of_the_features_that_mean_unknown(
    tmp_path: Path, given: list[int] | list[str], kept: list[str]
) -> None:
    both = np.stack([features(2), features(2)])
    np.savez(tmp_path / "x.npz", ids=np.array(["a", "b"]), features=both, labels=np.array(given))
    imported = import_features(tmp_path / "x.npz", tmp_path / "x.h5")
    assert [video.label for video in imported.videos] == kept
