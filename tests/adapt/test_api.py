"""``tcon.adapt.adapt``: runs as objects, and nothing printed."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from feature_files import write_domain

from tcon.adapt import Decoding, EndToEnd, FinishedRun, Runs, adapt
from tcon.adapt.config.runs import make_runs
from tcon.adapt.config.training import Segments, TrainConfig
from tcon.adapt.data.cached_store import CachedStore
from tcon.adapt.events import Evaluated, GridReady, RunChanged
from tcon.adapt.inference import load_run
from tcon.cache import FeatureFile, InputError

QUICK = {
    "train.epochs": 1,
    "train.min_steps": 4,
    "train.batch_size": 5,
    "train.evaluations": 2,
    "tcon.features": 8,
    "tcon.disc.hidden": 8,
    "source_only.features": 8,
}


SOURCE_ONLY = {key: value for key, value in QUICK.items() if not key.startswith("tcon.")}


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    return write_domain(tmp_path / "s.h5"), write_domain(tmp_path / "t.h5", shift=0.5, seed=1)


@pytest.mark.slow
def test_runs_come_back(
    files: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    events = []
    runs = adapt(
        FeatureFile(files[0]),
        files[1],
        segments=4,
        seeds=[0, 3],
        settings=QUICK,
        output=tmp_path / "runs",
        device="cpu",
        on_event=events.append,
    )
    assert capsys.readouterr() == ("", "")
    assert len(runs) == 4 and not runs.failed
    names = ("source_only_rgb_k4", "tcon_rgb_k4")
    listed = ", ".join(f"{name}_seed{seed}" for name in names for seed in (0, 3))
    assert repr(runs) == f"Runs(4 finished: {listed})"
    run = runs["tcon", 3]
    assert run.path.name == "tcon_rgb_k4_seed3" and run.record.run.segments == Segments(4, 4)
    assert run.record.command == () and (run.method, run.seed) == ("tcon", 3)
    assert repr(run) == f"FinishedRun({str(run.path)!r})"
    assert [r.seed for r in runs["tcon"]] == [0, 3] and runs[-1].path == run.path
    assert isinstance(runs[:2], Runs) and [r.method for r in runs[:2]] == ["source_only"] * 2
    with pytest.raises(KeyError, match="no run of .*dann"):
        runs["dann", 0]
    kinds = [type(event) for event in events]
    assert kinds.count(GridReady) == 1 and kinds.count(RunChanged) == 8
    assert kinds.count(Evaluated) == 8
    assert Runs.open(tmp_path / "runs").names == sorted(runs.names)


def test_failures_are_listed(files: tuple[Path, Path], tmp_path: Path) -> None:
    runs = adapt(
        *files,
        methods=["source_only"],
        settings={**SOURCE_ONLY, "train.lr": 1e30, "train.optimiser": "sgd", "train.clip_norm": 0},
        output=tmp_path / "runs",
        device="cpu",
    )
    assert len(runs) == 0 and "diverged" in runs.failed[0].why
    assert repr(runs) == "Runs(0 finished, 1 failed)"


def test_a_plan(files: tuple[Path, Path], tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text(
        f'source = "{files[0]}"\ntarget = "{files[1]}"\noutput = "{tmp_path}/runs"\n'
        '[[grid]]\nname = "there"\nmethods = "source_only"\n'
        '[[grid]]\nname = "not"\nmethods = "source_only"\ntarget = "/nowhere/x.h5"\n'
    )
    runs = adapt(plan=plan, settings=SOURCE_ONLY, device="cpu")
    assert runs.names == ["source_only_rgb_k6_seed0"]
    (why,) = runs.left_out.values()
    assert "/nowhere/x.h5 is missing" in why


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"settings": {"train.lr": -1}}, "train.lr=-1: must be greater than 0"),
        ({"settings": {"tcon.partnerless": "uniform"}}, "it is called tcon.unpaired now"),
        ({"methods": "tcom"}, "did you mean tcon"),
        ({"segments": "0"}, "segments 0"),
        ({"plugins": ["gone.py"]}, "no plug-in gone.py"),
        ({"seeds": 0}, "seeds: give how many, at least 1"),
        ({"seeds": -1}, "seeds: give how many, at least 1"),
        ({"seeds": [3, -1]}, "none of them negative"),
        ({"seeds": [3, 0, 3]}, "seeds: 3 is named twice"),
        ({"decoding": Decoding(workers=2)}, "--workers needs --end-to-end .in Python: end_to_end="),
        ({"segments": [4, "x"]}, "segments 4,x"),
        ({"methods": "target_only"}, "permit it by --oracle"),
    ],
)
def test_what_cannot_be(
    files: tuple[Path, Path], tmp_path: Path, options: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        adapt(*files, output=tmp_path / "runs", device="cpu", **options)


@pytest.mark.slow
def test_the_example_of_the_docs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = Path(__file__).parents[1] / "data" / "before-records"
    for name in ("source.h5", "target.h5"):
        shutil.copy(before / name, tmp_path)
    monkeypatch.chdir(tmp_path)
    page = Path(__file__).parents[2] / "docs" / "adaptation.md"
    code = re.search(r"```python\n(.*?)```", page.read_text(), re.S)[1]
    exec(code.replace('"train.epochs": 3', '"train.epochs": 3, "train.min_steps": 1'), {})
    assert capsys.readouterr().out.splitlines() == [
        "Runs(4 finished: source_only_rgb_k4_seed0, source_only_rgb_k4_seed1, "
        "tcon_rgb_k4_seed0, tcon_rgb_k4_seed1)",
        "3 ('jump', 'run', 'sit', 'wave')",
    ]


def test_end_to_end_options_as_an_object() -> None:
    whole = EndToEnd(weights="random", batch_norm="frozen", backbone_lr=0.3)
    (run,) = make_runs(["tcon"], end_to_end=whole)
    assert run.end_to_end == whole and run.options.features == 0
    assert run.train.normalise == "none"


@pytest.mark.slow
def test_a_plain_script_and_the_lightness_of_the_cached_mode(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    """No main guard is needed, and neither decoders nor pictures are imported."""
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\n"
        "from tcon.adapt import adapt\n"
        f"runs = adapt({str(files[0])!r}, {str(files[1])!r}, methods='source_only',\n"
        f"             settings={SOURCE_ONLY!r}, output={str(tmp_path / 'runs')!r}, device='cpu')\n"
        "heavy = {'torchvision', 'decord', 'av', 'matplotlib', 'sklearn', 'numba', 'rich'}\n"
        "print(len(runs), sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("1 []\n", 0), done.stderr


def test_warnings_come_back(files: tuple[Path, Path], tmp_path: Path) -> None:
    runs = adapt(
        *files,
        methods=["source_only"],
        segments=16,
        settings=SOURCE_ONLY,
        output=tmp_path / "runs",
        device="cpu",
    )
    (warning,) = runs.warnings
    assert "have fewer snippets than 16 segments" in warning
    assert repr(runs) == "Runs(1 finished, 1 warning: source_only_rgb_k16_seed0)"


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        (EndToEnd, {"micro_batch": -3}, "micro_batch must be at least 0, not -3"),
        (EndToEnd, {"precision": "fp8"}, "precision must be one of .*, not 'fp8'"),
        (Decoding, {"workers": -2}, "workers must be at least 0, not -2"),
        (TrainConfig, {"lr": -1}, "lr must be greater than 0, not -1"),
        (TrainConfig, {"epochs": "many"}, "epochs must be a whole number, not 'many'"),
    ],
)
def test_options_that_cannot_be(kind: type, options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        kind(**options)


def test_reprs_are_short(files: tuple[Path, Path], tmp_path: Path) -> None:
    runs = adapt(
        *files,
        methods=["source_only"],
        segments=4,
        settings=SOURCE_ONLY,
        output=tmp_path / "runs",
        device="cpu",
    )
    record = runs[0].record
    assert repr(record) == (
        f"RunRecord(source_only, rgb, K=4, seed=0: {files[0].resolve()} to {files[1].resolve()})"
    )
    loaded = load_run(runs[0].path)
    assert repr(loaded).startswith("LoadedRun(") and "tensor" not in repr(loaded)
    assert len(repr(loaded)) < 200
    store = CachedStore(*files, task=None, device=torch.device("cpu"))
    domains = store.domains(record.run)
    assert "tensor" not in repr(domains)
    assert len(repr(domains.source_train)) < 400
    (runs[0].path / "config.json").write_text("{")
    assert repr(Runs.open(tmp_path / "runs")) == "Runs(1 finished: source_only_rgb_k4_seed0)"


def test_a_finished_run_is_lazy(tmp_path: Path) -> None:
    run = FinishedRun(tmp_path / "gone")
    with pytest.raises(InputError, match="cannot read .*gone/config.json"):
        _ = run.record
