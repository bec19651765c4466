"""The example of docs/predict.md labels videos as `tcon predict` does, without torch and tcon."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from reference_decoder import ffmpeg
from tiny_backbones import MACHINE, tiny_backbones, train_on_videos

from tcon.adapt.inference.prediction import Prediction
from tcon.adapt.inference.stream import predict
from tcon.cache.recipe import Interpolation, Resizer, Sampling
from tcon.evaluate.export.model import export_model
from tcon.extract.backbones import get_spec
from tcon.extract.backbones.registry import add

ROOT = Path(__file__).parents[3]
REAL = ROOT.parent / "shared" / "data" / "hockey_surveillance"
EXAMPLE = re.search(
    r"```python\n(import json, sys\n.*?)```", (ROOT / "docs" / "predict.md").read_text(), re.S
)
RGB = replace(
    MACHINE, backbone="tiny", weights="random", precision="fp32", sampling=Sampling("uniform", 8)
)
# A module that is None cannot be imported.
ALONE = 'import json, sys\nsys.modules["torch"] = sys.modules["tcon"] = None\n'
TELL = "\njson.dump({p: scores(p).tolist() for p in sys.argv[2:]}, open('scores.json', 'w'))\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("interpolation", "resizer"), [("bilinear", "torch"), ("bicubic", "pillow")]
)
def test_the_example_gives_the_scores_of_predict(
    clips: Path,
    tmp_path: Path,
    write_video: Callable[..., Path],
    interpolation: Interpolation,
    resizer: Resizer,
) -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    wide = write_video(tmp_path / "wide.mp4", 30, size=(90, 160), tint=(1, 0.4, 0.2), b_frames=2)
    ffmpeg("-display_rotation", "90", "-i", wide, "-c", "copy", tmp_path / "turned.mp4")
    videos = [clips / "jump" / "0.mp4", wide, tmp_path / "turned.mp4"]  # the first has 3 frames
    videos += sorted((REAL / "surveillance").rglob("*.mp4"))[:1]
    with tiny_backbones():
        spec = get_spec("tiny")
        scaled = replace(spec.preprocessing, interpolation=interpolation, resizer=resizer)
        add(replace(spec, preprocessing=scaled))
        run = train_on_videos(clips, tmp_path, "tcon", RGB, segments=3)
        export_model(run, tmp_path / "model.onnx")
        results = predict(run, videos, machine=MACHINE, precision="fp32")
    assert EXAMPLE
    (tmp_path / "label.py").write_text(ALONE + EXAMPLE[1] + TELL)
    words = [sys.executable, "label.py", "model.onnx", *map(str, videos)]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == len(videos)
    found = json.loads((tmp_path / "scores.json").read_text())
    for result in results:
        assert isinstance(result, Prediction)
        np.testing.assert_allclose(found[result.video.path], result.scores, atol=1e-4)
