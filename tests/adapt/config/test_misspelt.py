"""What is misspelt is refused before anything heavy is imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tcon.adapt.config.method_keys import METHOD_KEYS
from tcon.adapt.config.misspelt import refuse_misspelt
from tcon.adapt.config.plan_file import read_plan_file
from tcon.adapt.config.settings import keys
from tcon.adapt.methods import entry, is_built_in, names
from tcon.cache.errors import InputError
from tcon.extract import backbones
from tcon.extract.known import BACKBONES, require_known

# Each line of words is a command; which of them import torch is printed.
SCRIPT = """
import sys
from click.testing import CliRunner
from tcon.cli import main
for line in sys.argv[1:]:
    result = CliRunner().invoke(main, line.split())
    print(result.exit_code, "torch" in sys.modules, result.output.strip())
"""
ADAPT = "adapt --source s.h5 --target t.h5"
WRONG = {
    f"{ADAPT} --method tcom": "no method 'tcom': did you mean tcon?",
    f"{ADAPT} --method dann --method recomended": "did you mean recommended?",
    f"{ADAPT} --set lr=1": "did you mean train.lr?",
    f"{ADAPT} --set train.lr=abc": "train.lr=abc: must be a number",
    f"{ADAPT} --set tcon.lamda_a=1": "did you mean tcon.lambda_a?",
    f"{ADAPT} --set dann.ramp=1": "the method dann is not among those to run",
    f"{ADAPT} --set foo.bar=1": "docs/settings.md lists those of source_only, tcon, train",
    f"{ADAPT} --end-to-end --set e2e.backbone=resnet19": "did you mean resnet18?",
    "adapt --plan tabel5": "did you mean table5?",
    "adapt --plan /dev/zero": "it is not a regular file",
    "adapt --plan none.toml": "there is no plan none.toml",
    "adapt --plan table5 --set tcon.lamda_a=1": "grid jester: no setting 'tcon.lamda_a'",
    f"{ADAPT} --epochs 5 --set train.epoch=3": "did you mean train.epochs?",
    f"{ADAPT} --segments 4,x": "segments x: write it as 6",
    f"{ADAPT} --seeds 100000000": "100000000 are too many",
    f"{ADAPT} --backbone resnet18": "--backbone needs --end-to-end",
    f"{ADAPT} --end-to-end --backbone resnet19": "did you mean resnet18?",
    f"{ADAPT} --end-to-end --weights none.pt": "there are no weights none.pt",
    "extract clips.csv --backbone resnet19": "did you mean resnet18?",
    "extract clips.csv --weights none.pt": "there are no weights none.pt",
    "extract clips.csv --flow-weights /dev/zero": "/dev/zero: it is not a regular file",
    "extract nowhere": "no such list or folder: nowhere",
    "extract nowhere.mp4 -o x.h5": "no such list or folder: nowhere.mp4",
    "predict nowhere a.mp4": "no such run: nowhere",
    "predict . nowhere": "no such video, folder or list: nowhere",
    "export nowhere": "there is no such run or feature file: nowhere",
    "export . -o model.h5": "model.h5: name it FILE.pt2 (torch.export) or FILE.onnx",
    "export . -o nowhere/model.onnx": "cannot write nowhere/model.onnx: no such folder",
}


def test_nothing_heavy_is_imported(tmp_path: Path) -> None:
    command = [sys.executable, "-c", SCRIPT, *WRONG]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=True)
    lines = done.stdout.splitlines()
    assert len(lines) == len(WRONG), done.stdout
    for line, said in zip(lines, WRONG.values(), strict=True):
        assert line.startswith("2 False Error: ") and said in line, line


def test_the_names_are_those_registered() -> None:
    registered = {n: set(keys(entry(n).config)) for n in names() if is_built_in(n)}
    assert {name: set(found) for name, found in METHOD_KEYS.items()} == registered
    with backbones.temporary_backbones():
        assert set(BACKBONES) <= set(backbones.names())
        own = {n for n in backbones.names() if backbones.get_spec(n).plugin is None}
        assert own == set(BACKBONES)


@pytest.mark.parametrize("given", [{"methods": "mine"}, {"methods": "recommended,tcon"}])
def test_names_are_left_to_the_registry_where_it_is_loaded(given: dict[str, str]) -> None:
    refuse_misspelt(given)
    require_known("a_backbone_of_a_plug_in")
    refuse_misspelt({"settings": ["mine.width=1"]})
    with pytest.raises(InputError, match="must be a number"):
        refuse_misspelt({"settings": ["train.lr=fast"]})


def test_a_plan_may_train_end_to_end(tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text("end_to_end = true")
    given = {"backbone": "resnet18", "settings": ["e2e.micro_batch=2"]}
    read_plan_file(str(tmp_path / "p.toml")).each(given, refuse_misspelt)
