"""``tcon flow``: what it writes and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
import torch

from tcon.cli import main
from tcon.extract.flow.frames import grey


def _run(*arguments: str | Path) -> int | str | None:
    with pytest.raises(SystemExit) as caught:
        main.main([str(a) for a in arguments], prog_name="tcon")
    return caught.value.code


@pytest.fixture(scope="module")
def moving(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bright square on noise, all of it moving right by 4 of 340 pixels a frame."""
    path = tmp_path_factory.mktemp("moving") / "x.mp4"
    smooth = np.random.default_rng(0).uniform(40, 200, (16, 40))
    wide = np.kron(smooth, np.ones((16, 16)))  # [256, 640]
    wide[100:150, 300:350] = 250
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=25)
        stream.height, stream.width, stream.pix_fmt = 256, 340, "yuv420p"
        stream.options = {"crf": "5"}
        for n in range(5):
            image = np.repeat(wide[:, 200 - 4 * n : 540 - 4 * n, None], 3, 2).astype(np.uint8)
            file.mux(
                stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(image), "rgb24"))
            )
        file.mux(stream.encode())
    return path


@pytest.mark.slow
def test_flow_of_a_moving_picture(
    tmp_path: Path, moving: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run("flow", moving, "-o", tmp_path / "out" / "a", "--pairs", "3") == 0
    assert "3 pairs in" in capsys.readouterr().out
    found = np.load(tmp_path / "out" / "a.npz")["flow"]
    assert (found.shape, found.dtype) == ((3, 2, 256, 340), np.float16)
    inner = found[:, :, 20:-20, 20:-20].astype(float)
    assert np.median(inner[:, 0]) == pytest.approx(4, abs=0.2)
    assert np.median(inner[:, 1]) == pytest.approx(0, abs=0.1)
    with av.open(str(tmp_path / "out" / "a.mp4")) as file:
        images = [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]
    assert np.shape(images) == (3, 256, 340, 3)
    red, green, blue = np.mean(images, (0, 1, 2))
    assert red > max(green, blue) + 30  # to the right is red on the wheel


def test_default_output_is_beside_the_caller(
    tmp_path: Path, moving: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert _run("flow", moving, "--pairs", "1") == 0
    assert {p.name for p in tmp_path.iterdir()} == {"x.flow.mp4", "x.flow.npz"}


def test_refusals(
    tmp_path: Path, write_video: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text.mp4").write_text("no video")
    single = write_video(tmp_path / "single.mp4", 1)
    for arguments, says in (
        ((tmp_path / "no.mp4",), "no such video"),
        ((tmp_path / "text.mp4",), "not a video"),
        ((single,), "single frame"),
        ((write_video(tmp_path / "two.mp4", 2), "--engine", "gpu"), "did you mean cpu?"),
    ):
        assert _run("flow", *arguments) == 2
        error = capsys.readouterr().err
        assert says in error
        assert error.count("\n") == 1


def test_grey_is_opencvs() -> None:
    cv2 = pytest.importorskip("cv2")
    image = np.random.default_rng(0).integers(0, 256, (256, 340, 3), dtype=np.uint8)
    ours = grey(torch.from_numpy(image).permute(2, 0, 1)[None])[0].numpy().astype(int)
    theirs = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(int)
    assert abs(ours - theirs).max() <= 1
