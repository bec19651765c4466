"""Real clips of two domains, if at hand: a 2D and a 3D backbone, through a ``kill -9``."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tcon.cache import FeatureFile
from tcon.extract.backbones import get_spec

DATA = Path(__file__).parents[4] / "shared" / "data" / "hockey_surveillance"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"needs {DATA}"),
]


def _command(domain: str, output: Path, *options: str) -> list[str]:
    command = [sys.executable, "-c", "from tcon.cli import main; main()", "extract"]
    return [*command, str(output.parent / "list.csv"), "--root", str(DATA / domain), *options]


@pytest.mark.parametrize(
    ("domain", "backbone", "weights"),
    [
        ("hockey", "efficientnet_lite0", ()),
        ("surveillance", "c3d", ("--weights", "random")),
    ],
)
def test_extraction_resumes_after_a_kill(
    tmp_path: Path, domain: str, backbone: str, weights: tuple[str, ...]
) -> None:
    header, *rows = (DATA / f"{domain}.csv").read_text().splitlines()
    (tmp_path / "list.csv").write_text("\n".join([header, *rows[::24]]) + "\n")  # five clips
    path = tmp_path / "x.h5"
    options = ("--backbone", backbone, *weights, "--snippets", "2", "--device", "cpu")
    command = _command(domain, path, *options, "--workers", "1", "-o", str(path))
    run = subprocess.Popen(command)
    while run.poll() is None and not list(tmp_path.glob("x.h5.parts/part-*.h5")):
        time.sleep(0.02)
    run.kill()
    run.wait()
    before = {video.id: video for video in FeatureFile(path).videos}
    assert before

    assert subprocess.run(command).returncode == 0
    file = FeatureFile(path)
    packed = file.packed()
    assert len(file.videos) == 5
    assert before.items() <= {video.id: video for video in file.videos}.items()
    assert {video.label for video in file.videos} == {"fight", "no_fight"}
    assert packed.features.shape == (10, get_spec(backbone).dim)
    assert np.isfinite(packed.features).all()
    assert (packed.features.astype(float).std(0) > 0).mean() > 0.3  # clips differ
