"""``tcon adapt`` and ``tcon eval`` by their exit codes and messages."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from feature_files import write_domain

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
    assert scored.exit_code == 0 and scored.output.count("| s -> t |") == 2
    assert (tmp_path / "out.csv").read_text().count("\n") == 1 + 2 * 3


def test_more_segments_than_snippets_is_a_warning(files: list[object]) -> None:
    done = tcon("adapt", *files, "--segments", 9, "--method", "tcon")
    assert done.exit_code == 0
    assert "Warning: 24 videos have fewer snippets than 9 segments" in done.output


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
    assert refused.exit_code == 2 and "another data.target_sha256" in refused.output


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
        (["--task", "nowhere.csv"], "cannot read the task nowhere.csv"),
    ],
)
def test_wrong_options(files: list[object], extra: list[str], message: str) -> None:
    refused = tcon("adapt", *files, *extra)
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
