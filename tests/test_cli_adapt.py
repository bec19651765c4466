"""``tcon adapt`` and ``tcon eval`` by their exit codes and messages."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import toy_methods as toy
from click.testing import CliRunner, Result
from feature_files import write_domain
from words import with_option

from tcon.cache.recipe import Sampling
from tcon.cli import main

QUICK = [
    *("--set", "train.min_steps=2", "--set", "train.batch_size=4", "--epochs", "1"),
    *("--set", "tcon.disc.hidden=8", "--set", "tcon.features=8", "--device", "cpu"),
]


def tcon(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def files(tmp_path: Path) -> list[object]:
    source, target = write_domain(tmp_path / "s.h5"), write_domain(tmp_path / "t.h5", seed=1)
    return ["--source", source, "--target", target, "-o", tmp_path / "runs", *QUICK]


def test_adapt_then_eval(files: list[object], tmp_path: Path) -> None:
    done = tcon("adapt", *files, "--segments", 4, "--seeds", 2)
    assert done.exit_code == 0, done.output
    assert "3 classes" in done.output and "inductive" in done.output
    assert "Warning" not in done.output
    again = tcon("adapt", *files, "--segments", 4, "--seeds", 2)
    assert again.exit_code == 0 and again.output.count("finished before") == 4
    scored = tcon("eval", tmp_path / "runs", "--csv", tmp_path / "out.csv")
    assert scored.exit_code == 0 and "s -> t: 3 test videos" in scored.output
    assert (tmp_path / "out.csv").read_text().count("\n") == 1 + 2 * 3


@pytest.mark.slow
def test_a_grid(tmp_path: Path) -> None:
    both = ("rgb", "flow")
    files = [write_domain(tmp_path / f"{n}.h5", modalities=both, seed=n) for n in (0, 1)]
    grid = ["--source", files[0], "--target", files[1], "-o", tmp_path / "runs", *QUICK]
    grid += ["--modality", "rgb,flow", "--segments", "2,4", "--seeds", 2]
    listed = tcon("adapt", *grid, "--dry-run")
    assert listed.exit_code == 0 and listed.output.count(": to start\n") == 16
    assert "16 runs" in listed.output and not (tmp_path / "runs").exists()
    done = tcon("adapt", *grid)
    assert done.exit_code == 0, done.output
    assert len(list((tmp_path / "runs").glob("*/logits.h5"))) == 16
    assert "Each run has 3 steps (1 epoch of 3)." in done.output  # 9 videos, 4 in a batch
    assert tcon("adapt", *grid, "--dry-run").output.count(": finished\n") == 16
    assert tcon("adapt", *grid).output.count("finished before") == 16


def test_a_bundle_gives_each_run_its_folder(files: list[object], tmp_path: Path) -> None:
    options = ["--method", "tcon", "--seeds", 2, "--jobs", 1, "--bundle", 2, "--cuda-graphs"]
    done = tcon("adapt", *files, *options)
    assert done.exit_code == 0 and "2 of 2 runs finished" in done.output, done.output
    assert "one by one" not in done.output  # on a CPU there is no graph, but it is a bundle
    assert len(list((tmp_path / "runs").glob("*/logits.h5"))) == 2


def test_normalise_option(files: list[object], tmp_path: Path) -> None:
    done = tcon("adapt", *files, "--method", "tcon", "--normalise", "none")
    assert done.exit_code == 0, done.output
    config = (tmp_path / "runs" / "tcon_rgb_k6_seed0" / "config.json").read_text()
    assert '"normalise": "none"' in config


def test_why_there_are_more_steps_than_the_epochs(files: list[object]) -> None:
    done = tcon("adapt", *files, "--set", "train.min_steps=5", "--method", "tcon")
    assert "Each run has 5 steps (train.min_steps; 1 epoch of 3 would be 3)." in done.output


@pytest.mark.usefixtures("temporary_methods")
def test_failing_runs_are_listed_with_the_remedy(files: list[object], tmp_path: Path) -> None:
    toy.add("diverging", toy.Diverging)
    done = tcon("adapt", *files, "--method", "diverging,tcon", "--segments", "4")
    assert done.exit_code == 1
    assert "1 of 2 runs failed:\n  diverging_rgb_k4_seed0: diverged before step" in done.output
    assert "lower train.lr" in done.output
    assert (tmp_path / "runs" / "tcon_rgb_k4_seed0" / "logits.h5").exists()


def test_what_looks_wrong_is_said_once_for_all_seeds(files: list[object]) -> None:
    done = tcon("adapt", *files, "--method", "tcon", "--seeds", 3, "--set", "tcon.tau=1e-9")
    assert done.exit_code == 0
    assert done.output.count("Look at tcon_rgb_k6_seed0 and 2 more: no target video was conf") == 1


def test_plan_leaves_out_what_is_not_there(files: list[object], tmp_path: Path) -> None:
    grids = "".join(
        f'[[grid]]\nname = "{name}"\nsource = "{tmp_path}/{name}.h5"\ntarget = "{tmp_path}/t.h5"\n'
        for name in ("s", "gone")
    )
    plan = tmp_path / "plan.toml"
    plan.write_text(
        f'output = "{tmp_path}/runs"\n[files]\n"{tmp_path}/gone.h5" = "make gone"\n{grids}'
    )
    listed = tcon("adapt", "--plan", plan, "--dry-run")
    assert listed.exit_code == 0 and listed.output.count(": to start\n") == 4
    done = tcon("adapt", "--plan", plan, *QUICK)
    assert done.exit_code == 1
    assert (
        f"Left out {tmp_path}/runs/gone: {tmp_path}/gone.h5 is missing; make it with: make gone"
        in (done.output)
    )
    assert sorted(p.name for p in (tmp_path / "runs").iterdir()) == ["s"]
    write_domain(tmp_path / "gone.h5", seed=3)
    again = tcon("adapt", "--plan", plan, *QUICK)
    assert again.exit_code == 0 and again.output.count("finished before") == 2
    assert "gone/tcon_rgb_k6_seed0: 3 steps" in again.output


def test_a_grid_of_a_plan_that_cannot_be_prepared_does_not_stop_the_others(
    files: list[object], tmp_path: Path
) -> None:
    write_domain(tmp_path / "wide.h5", dim=13)
    grids = "".join(
        f'[[grid]]\nname = "{name}"\nsource = "{tmp_path}/{name}.h5"\ntarget = "{tmp_path}/t.h5"\n'
        for name in ("wide", "s")
    )
    (tmp_path / "plan.toml").write_text(grids)
    done = tcon("adapt", "--plan", tmp_path / "plan.toml", *QUICK, "-o", tmp_path / "runs")
    assert done.exit_code == 1 and "2 of 4 runs failed" in done.output
    assert done.output.count("wide/tcon_rgb_k6_seed0: failed: ") == 1
    assert "wide/tcon_rgb_k6_seed0: " in done.output and "differ in dim" in done.output
    assert len(list((tmp_path / "runs" / "s").glob("*/logits.h5"))) == 2


def test_features_that_differ_a_little_are_a_warning(files: list[object], tmp_path: Path) -> None:
    (tmp_path / "t.h5").unlink()
    write_domain(tmp_path / "t.h5", precision="fp16", sampling=Sampling("stride", 8))
    done = tcon("adapt", *files, "--method", "tcon")
    assert done.exit_code == 0
    assert "Warning: the rgb features of source and target differ in precision" in done.output
    assert "differ in sampling (uniform:8 and stride:8)" in done.output


def test_metrics_for_tensorboard(
    monkeypatch: pytest.MonkeyPatch, files: list[object], tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)  # as if not installed
    refused = tcon("adapt", *files, "--tensorboard")
    assert refused.exit_code == 2 and "pip install 'tcon[tensorboard]'" in refused.output

    written, closed = [], []

    class SummaryWriter:
        def __init__(self, folder: str) -> None:
            self.folder = folder

        def add_scalar(self, name: str, value: float, step: int) -> None:
            written.append((Path(self.folder).relative_to(tmp_path / "runs"), name, step))

        def flush(self) -> None: ...

        def close(self) -> None:
            closed.append(Path(self.folder).parent.name)

    fake = SimpleNamespace(SummaryWriter=SummaryWriter)
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", fake)
    assert tcon("adapt", *files, "--method", "tcon", "--tensorboard").exit_code == 0
    folder = Path("tcon_rgb_k6_seed0/tensorboard")
    assert {(folder, "loss", 1), (folder, "loss", 2), (folder, "lr", 2)} < set(written)
    assert closed == ["tcon_rgb_k6_seed0"]


def test_more_segments_than_snippets_is_a_warning(files: list[object]) -> None:
    done = tcon("adapt", *files, "--segments", 9, "--method", "tcon")
    assert done.exit_code == 0
    assert "Warning: 24 videos have fewer snippets than 9 segments" in done.output


def test_each_segment_needs_snippets_of_its_own_for_relations(files: list[object]) -> None:
    small = ["--set", "tcon-trn.features=8", *QUICK[:6], "--device", "cpu"]
    done = tcon("adapt", *files[:6], *small, "--method", "tcon-trn", "--segments", 3)
    assert done.exit_code == 0, done.output
    assert "24 videos have fewer snippets than 3 segments of 3 snippets; some" in done.output


def test_moved_feature_files_are_the_same_runs(files: list[object], tmp_path: Path) -> None:
    assert tcon("adapt", *files, "--method", "tcon").exit_code == 0
    (tmp_path / "moved").mkdir()
    (tmp_path / "s.h5").rename(tmp_path / "moved" / "s.h5")
    files[1] = tmp_path / "moved" / "s.h5"
    assert "finished before" in tcon("adapt", *files, "--method", "tcon").output


def test_other_split_is_another_run(files: list[object], tmp_path: Path) -> None:
    assert tcon("adapt", *files, "--method", "tcon").exit_code == 0
    (tmp_path / "t.h5").unlink()
    write_domain(tmp_path / "t.h5", seed=1, splits=("test", "train", "train"))
    refused = tcon("adapt", *files, "--method", "tcon")
    assert refused.exit_code == 2 and "target videos in another split" in " ".join(
        refused.output.split()
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dim": 13}, "differ in dim"),
        ({"backbone": "other"}, "differ in backbone"),
        ({"labels": ["swim"] * 12}, "share no class"),
    ],
)
def test_unusable_pairs(
    files: list[object], tmp_path: Path, change: dict[str, object], message: str
) -> None:
    (tmp_path / "t.h5").unlink()
    write_domain(tmp_path / "t.h5", **change)
    refused = tcon("adapt", *files)
    assert refused.exit_code == 2
    assert refused.output.startswith("Error: ") and refused.output.count("\n") == 1
    assert message in refused.output


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (["--method", "tcom"], "did you mean tcon"),
        (["--set", "tcon.taus=1"], "did you mean tcon.tau"),
        (["--modality", "flow"], "holds no flow features"),
        (["--device", "cuda:99"], "cannot be used here"),
        (["--task", "nowhere.csv"], "cannot read the task nowhere.csv: No such file"),
        (["--task", "jester_S2"], "did you mean jester_S2T"),
        (["--segments", "6:"], "write it as 6"),
        (["--preset", "oficial"], "no preset 'oficial': did you mean official"),
        (["--plan", "table9"], "no plan 'table9': did you mean table"),
        (["--method", "target_only,tcon"], "permit it by --oracle"),
        (["--bundle", "0"], "bundle must be auto or a number from 1 on"),
        (["--jobs", "9" * 5000], "jobs must be auto or a number from 1 on, not '99999"),
        (["--jobs", "foo", "--dry-run"], "jobs must be auto or a number from 1 on, not 'foo'"),
        (["--bundle", "-1", "--dry-run"], "bundle must be auto or a number from 1 on, not -1"),
    ],
)
def test_wrong_options(files: list[object], extra: list[str], message: str) -> None:
    refused = tcon("adapt", *with_option(files, *extra))
    assert refused.exit_code == 2
    assert refused.output.startswith("Error: ") and refused.output.count("\n") == 1
    assert message in refused.output


def test_unwritable_outputs(files: list[object], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    files[5] = tmp_path / "file"
    assert tcon("adapt", *files).exit_code == 2
    files[5] = tmp_path / "runs"
    assert tcon("adapt", *files).exit_code == 0
    refused = tcon("eval", tmp_path / "runs", "--csv", tmp_path / "file" / "out.csv")
    assert refused.exit_code == 2 and "cannot write" in refused.output


def test_names_with_brackets(files: list[object], tmp_path: Path) -> None:
    files[5] = tmp_path / "r[/b]"
    done = tcon("adapt", *files, "--method", "source_only", "--segments", 4)
    assert done.exit_code == 2 and "tcon is not among those to run" in done.output
    done = tcon("adapt", *files, "--method", "tcon", "--segments", 4)
    assert done.exit_code == 0 and "r[/b]" in done.output


def test_a_reader_that_has_seen_enough_is_no_wrong_input() -> None:
    """As ``tcon tasks | head -1``; here nobody reads at all."""
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-c", "from tcon.cli import main; main()", "tasks"]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert done.returncode != 2 and not done.stderr
