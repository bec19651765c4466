"""What ``tcon eval`` prints."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from feature_files import write_domain
from handmade_runs import logits, write_run

from tcon.cli import main
from tcon.evaluate.report.markdown import blocks_markdown
from tcon.evaluate.tables.layout import Bullets, Commands, Heading, Table, Text, wrapped


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    source = write_domain(tmp_path / "clips.h5", videos=30)
    return source, write_domain(tmp_path / "cctv.h5", videos=30, seed=1)


def printed(*words: object) -> str:
    result = CliRunner().invoke(main, ["eval", *map(str, words)])
    assert result.exit_code == 0, result.output
    return result.stdout


def row(text: str, start: str) -> list[str]:
    """Cells of the first row that starts so."""
    line = next(line for line in text.splitlines() if line.startswith(f"| {start}"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_accuracies_and_comparison(files: tuple[Path, Path], tmp_path: Path) -> None:
    for method, right in (("source_only", (5, 5, 5)), ("tcon", (10, 11, 12))):
        for seed, count in enumerate(right):
            train = [logits(15, 15, 3), logits(15, count, 3)]
            write_run(tmp_path / "runs", files, train=train, method=method, seed=seed)
    out = printed(tmp_path / "runs", "--csv", tmp_path / "out.csv")
    assert out.startswith("clips -> cctv, toy: 15 test videos\n\n| method")
    assert all(len(line) <= 120 for line in out.splitlines() if line.startswith("|"))
    accuracies, comparison = out[: out.index("vs source_only")], out[out.index("vs source_only") :]
    cells = row(accuracies, "tcon")
    assert cells[:5] == ["tcon", "rgb", "4", "3", "73.3 ± 6.7"]
    assert cells[8] == "(100.0 ± 0.0)" and "not a result" in out
    cells = row(comparison, "tcon")
    assert cells[3] == "+40.0 = +6 of 15 clips" and cells[5] == "0.016 to 0.062"
    assert f"Wrote {tmp_path / 'out.csv'}." in out


def test_details(files: tuple[Path, Path], tmp_path: Path) -> None:
    for method, right in (("source_only", 9), ("tcon", 14)):
        write_run(tmp_path / "runs", files, train=[logits(15, right, 3)], method=method)
    out = printed(tmp_path / "runs", "--details")
    tcon = out[out.index("clips -> cctv, toy: tcon, rgb, K = 4") :]
    assert row(tcon, "0")[-4:] == ["+33.3", "5", "0", "0.062"]
    assert row(tcon, "sit")[:3] == ["sit", "5", "80.0"]
    assert row(tcon, "2 sit") == ["2 sit", "1", "0", "4"]


def test_predictions_of_an_unlabelled_target(tmp_path: Path) -> None:
    files = (
        write_domain(tmp_path / "clips.h5", videos=30),
        write_domain(tmp_path / "cctv.h5", videos=30, labels=[""] * 30),
    )
    write_run(tmp_path / "runs", files, train=[logits(30, 30, 3)], videos=range(30))
    out = printed(tmp_path / "runs")
    assert out.startswith("Labels by tcon (clips -> cctv, rgb, K = 4), mean over seeds\n")
    assert row(out, "v000.mp4")[1] == "jump" and "v025" not in out
    assert "The 20 most doubtful of 30 videos: --csv FILE gets all of them." in out
    assert "mutual information" in out and "there is no accuracy" in out


def test_runs_that_are_not_finished(files: tuple[Path, Path], tmp_path: Path) -> None:
    for seed in (0, 1):
        run = write_run(tmp_path / "runs", files, train=[logits(15, 9, 3)], seed=seed)
    (run / "logits.h5").unlink()
    out = printed(tmp_path / "runs", "--shared-classes")
    assert "Left out 1 unfinished run: repeat the tcon adapt command to finish it.\n" in out
    assert "Test videos are predicted among the classes that the target has labels for." in out


def test_blocks() -> None:
    blocks = [
        Heading("a\x1b[31m"),
        Table(["x", "y"], [["1|2", "long"], ["\n", "é"], ["跑", "\udcff"]]),
        Text("one\ntwo"),
        Bullets(["first", "second\r"]),
        Commands(["tcon eval 'my runs'"]),
    ]
    assert blocks_markdown(blocks).splitlines() == [
        "a\\x1b[31m",
        "",
        "| x    | y      |",
        "|------|--------|",
        "| 1\\|2 | long   |",
        "| \\n   | é      |",
        "| 跑   | \\udcff |",
        "",
        "one",
        "two",
        "",
        "- first",
        "- second\\r",
        "",
        "    tcon eval 'my runs'",
    ]


def test_a_wrapped_paragraph_keeps_words_and_percentages_whole() -> None:
    path = "/a-folder/" + "b" * 90
    text = f"{'x' * 89} on 75 % of the videos {path}."
    assert wrapped(text) == f"{'x' * 89} on\n75 % of the videos\n{path}."
