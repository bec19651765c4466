"""A disk that is full is one clear error, and the file keeps every video committed before."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tcon.cache import FeatureFile

# The largest file that the process may write stands in for the room that a disk has left.
DRIVER = """
import resource, signal, sys
import numpy as np
from tcon.cache import FeatureWriter, InputError, Snippets, Video
from feature_files import recipe

path, commits, limit = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
try:
    with FeatureWriter(path, {"rgb": recipe(dim=1000)}, commit_videos=commits) as writer:
        for n, snippets in enumerate((2, 3, 200)):
            if n == 2 or limit < 0:
                resource.setrlimit(resource.RLIMIT_FSIZE, (abs(limit), abs(limit)))
            made = Snippets(np.full((snippets, 1000), n + 1.0), np.arange(snippets))
            writer.add(Video(f"v{n}", "", "", "", 9, 25.0), {"rgb": made})
except InputError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("commits", "limit", "left"),
    [(1, 100_000, 2), (2, 100_000, 2), (3, -8_000, 0)],
    ids=["third-part", "at-close", "first-part"],
)
def test_full_disk(tmp_path: Path, commits: int, limit: int, left: int) -> None:
    path = tmp_path / "x.h5"
    run = subprocess.run(
        [sys.executable, "-c", DRIVER, str(path), str(commits), str(limit)],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[1] / "helpers",  # for feature_files
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith(f"cannot write {path}: File too large; every video committed")
    assert run.stdout.count("\n") == 1
    file = FeatureFile(path)
    assert [v.id for v in file.videos] == ["v0", "v1"][:left]
    if left:
        np.testing.assert_array_equal(file.packed().features[:, 0], [1, 1, 2, 2, 2])
    assert not list(tmp_path.rglob("*.tmp"))
