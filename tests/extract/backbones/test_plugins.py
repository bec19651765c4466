"""Backbones of the user's own, and the trial that each passes before any video is decoded."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from tcon.cache import FeatureFile, InputError
from tcon.cache.common.plugins import PluginRecord, forget_plugin, load_entry_points
from tcon.cli import main
from tcon.extract import Machine, extract
from tcon.extract.backbones import register, temporary_backbones

PAGE = Path(__file__).parents[3] / "docs" / "add-a-backbone.md"
CPU = Machine(device="cpu", workers=0, min_frames=1)


@pytest.fixture(autouse=True)
def _own_registry() -> Iterator[None]:
    with temporary_backbones():
        yield


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    """The example of the page, in a file outside of the package."""
    (code,) = re.findall(r"```python\n(# mine\.py\n.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(code.splitlines()) <= 28
    path = tmp_path / "mine.py"
    path.write_text(f"{code}\n# {tmp_path}\n")  # else it was run for another test
    return path


@pytest.mark.slow
def test_the_example_of_the_page(plugin: Path, clips: Path, tmp_path: Path) -> None:
    how = ("--plugin", plugin, "--backbone", "convnext_tiny", "--weights", "random")
    options = (*how, "--modality", "rgb,flow", "--snippets", 1, "--device", "cpu")
    small = ("--workers", 0, "--min-frames", 1, "--precision", "fp32")
    (tmp_path / "two.txt").write_text("0.mp4\n2.mp4\n")
    videos = (tmp_path / "two.txt", "--root", clips / "jump")
    words = ["extract", *videos, "-o", tmp_path / "x.h5", *options, *small]
    with temporary_backbones():
        done = CliRunner().invoke(main, [str(word) for word in words])
    assert done.exit_code == 0, done.output
    file = FeatureFile(tmp_path / "x.h5")
    assert repr(file).endswith("2 videos, flow 1x768, rgb 1x768)")
    made_by = PluginRecord(str(plugin), hashlib.sha256(plugin.read_bytes()).hexdigest())
    assert file.recipes["rgb"].plugin == file.recipes["flow"].plugin == made_by
    assert file.packed().features.std() > 0
    # Another file is made alike, by whoever names the plug-in.
    forget_plugin(made_by)
    with pytest.raises(InputError, match=r"mine\.py is needed: if you trust it"):
        extract(clips / "run", tmp_path / "y.h5", like=file, machine=CPU)
    how = {"like": file, "plugins": [plugin], "machine": CPU}
    (tmp_path / "one.txt").write_text("1.mp4\n")
    other = extract(tmp_path / "one.txt", tmp_path / "y.h5", root=clips / "run", **how)
    assert other.recipes == file.recipes


@pytest.mark.slow
def test_its_checkpoint_fits(plugin: Path, clips: Path, tmp_path: Path) -> None:
    from torchvision.models import convnext_tiny

    torch.save(convnext_tiny().state_dict(), tmp_path / "net.pth")
    how = {"plugins": [plugin], "backbone": "convnext_tiny", "snippets": 1, "machine": CPU}
    file = extract(clips / "jump", tmp_path / "x.h5", weights=tmp_path / "net.pth", **how)
    assert file.recipes["rgb"].weights == "net.pth"
    with pytest.raises(InputError, match=r"has no published weights: give --weights FILE"):
        extract(clips / "jump", tmp_path / "y.h5", **how)


@pytest.mark.parametrize(
    ("forward", "message"),
    [
        ("x.mean((3, 4))", r"raises IndexError: Dimension out of range"),
        ("x.mean((2, 3))[:, :2]", r"gives features \[2, 2\], not \[2, 3\]: fix its forward"),
        ("x.mean((0, 2, 3))", r"gives features \[3\], not \[2, 3\]"),
        ("x.mean((2, 3)) / 0", r"gives features that are not finite"),
        ("[x]", r"gives a list, not a tensor of features"),
    ],
)
def test_a_wrong_backbone_is_one_line_and_no_video_is_decoded(
    clips: Path, tmp_path: Path, forward: str, message: str
) -> None:
    (tmp_path / "wrong.py").write_text(
        f"# {tmp_path}\n"
        "from torch import nn\n"
        "from tcon.extract.backbones import register\n"
        "@register(name='wrong', dim=3, layer='mean')\n"
        "class Wrong(nn.Module):\n"
        f"    def forward(self, x): return {forward}\n"
    )
    how = {"plugins": [tmp_path / "wrong.py"], "backbone": "wrong", "weights": "random"}
    wanted = r"the backbone wrong, given a batch of zeros \[2, 3, 224, 224\], " + message
    with pytest.raises(InputError, match=wanted) as caught:
        extract(clips, tmp_path / "x.h5", machine=CPU, **how)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.glob("x.h5*"))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        ("1 / 0", r"cannot be built \(ZeroDivisionError: division by zero\)"),
        ("'net'", r"builds a str, not a torch\.nn\.Module"),
        ("nn.Identity()", r"has no module called conv, which it is registered with"),
    ],
)
def test_what_builds_no_module(clips: Path, tmp_path: Path, build: str, message: str) -> None:
    (tmp_path / "wrong.py").write_text(
        f"# {tmp_path}\n"
        "from torch import nn\n"
        "from tcon.extract.backbones import register\n"
        "@register(name='wrong', dim=3, layer='mean', first_conv='conv')\n"
        f"def build(): return {build}\n"
    )
    with pytest.raises(InputError, match=message):
        extract(
            clips,
            tmp_path / "x.h5",
            plugins=[tmp_path / "wrong.py"],
            backbone="wrong",
            weights="random",
            machine=CPU,
        )


def test_the_names_of_tcon_are_taken(tmp_path: Path, clips: Path) -> None:
    (tmp_path / "wrong.py").write_text(
        f"# {tmp_path}\n"
        "from torch import nn\n"
        "from tcon.extract.backbones import register\n"
        "register(name='resnet18', dim=3, layer='mean')(nn.Identity)\n"
    )
    with pytest.raises(InputError, match="line 4: .*there is a backbone resnet18 already"):
        extract(clips, tmp_path / "x.h5", plugins=[tmp_path / "wrong.py"], machine=CPU)


@pytest.mark.slow
def test_a_plugin_that_has_changed_is_asked_for(
    plugin: Path, clips: Path, tmp_path: Path, write_video: Callable[..., Path]
) -> None:
    how = {"plugins": [plugin], "backbone": "convnext_tiny", "weights": "random", "snippets": 1}
    with temporary_backbones():
        file = extract(clips / "jump", tmp_path / "x.h5", machine=CPU, **how)
    made_by = file.recipes["rgb"].plugin
    assert made_by is not None
    forget_plugin(made_by)
    plugin.write_text(plugin.read_text() + "# changed\n")
    with pytest.raises(
        InputError, match=r"mine\.py is needed and has changed since: .*--plugin FILE"
    ):
        extract(clips / "run", tmp_path / "y.h5", like=file, machine=CPU)


def test_a_cell_of_a_notebook_may_be_run_again(clips: Path, tmp_path: Path) -> None:
    from torch import nn

    for dim in (2, 3):

        @register(name="cell", dim=dim, layer="mean")
        class Cell(nn.Module):
            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return x.mean((2, 3))

    file = extract(
        clips / "jump", tmp_path / "x.h5", backbone="cell", weights="random", machine=CPU
    )
    assert (file.recipes["rgb"].dim, file.recipes["rgb"].plugin) == (3, None)


@pytest.mark.slow
def test_an_entry_point_of_an_installed_package(
    plugin: Path, clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "site" / "their_backbones-1.0.dist-info"
    package.mkdir(parents=True)
    (package / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: their-backbones\nVersion: 1.0\n"
    )
    (package / "entry_points.txt").write_text("[tcon.backbones]\nmine = their_backbones\n")
    (tmp_path / "site" / "their_backbones.py").write_text(plugin.read_text())
    monkeypatch.syspath_prepend(tmp_path / "site")
    load_entry_points.cache_clear()
    file = extract(
        clips / "jump",
        tmp_path / "x.h5",
        backbone="convnext_tiny",
        weights="random",
        snippets=1,
        machine=CPU,
    )
    recorded = file.recipes["rgb"].plugin
    assert recorded and recorded.module == "their_backbones"


def test_a_wrong_backbone_is_not_trained_end_to_end(clips: Path, tmp_path: Path) -> None:
    extract(clips, tmp_path / "table.h5", modality="none", machine=CPU)
    (tmp_path / "wrong.py").write_text(
        f"# {tmp_path}\n"
        "from torch import nn\n"
        "from tcon.extract.backbones import register\n"
        "@register(name='wrong', dim=4, layer='mean')\n"
        "class Wrong(nn.Module):\n"
        "    def forward(self, x): return x.mean((2, 3))\n"
    )
    files = ("--source", tmp_path / "table.h5", "--target", tmp_path / "table.h5")
    which = ("--end-to-end", "--method", "source_only", "--segments", 2, "--device", "cpu")
    how = ("--plugin", tmp_path / "wrong.py", "--backbone", "wrong", "--weights", "random")
    words = ["adapt", *files, *which, *how, "-o", tmp_path / "runs"]
    done = CliRunner().invoke(main, [str(word) for word in words])
    assert done.exit_code == 2, done.output
    assert "gives features [2, 3], not [2, 4]: fix its forward" in done.output
    assert not list(tmp_path.glob("runs/*/metrics.jsonl"))
