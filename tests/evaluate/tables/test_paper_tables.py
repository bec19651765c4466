"""The paper's tables: shipped numbers, which run fills which cell, what is said of it."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from feature_files import write_domain
from handmade_runs import logits, write_run

from tcon.adapt.config.plan_file import shipped
from tcon.adapt.tasks.task import read_task
from tcon.cache import InputError
from tcon.cli import main
from tcon.evaluate import evaluate
from tcon.evaluate.report.latex_file import to_latex
from tcon.evaluate.tables.paper import Fill, TaskTable
from tcon.evaluate.tables.paper_page import paper_page, paper_table
from tcon.evaluate.tables.published import CLASS_LISTS, MODALITIES, PROXIES, published

OLYMPIC = "UCF50->Olympic_Sports"


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    both = {"videos": 30, "modalities": ("rgb", "flow")}
    return write_domain(tmp_path / "clips.h5", **both), write_domain(tmp_path / "b.h5", **both)


def rows_of(tables: Sequence[TaskTable], task: str) -> dict[str, list[str]]:
    """Cells by method, of the only table with a task."""
    [table] = [paper_table(table) for table in tables if table.task == task]
    return {row[0]: list(row[1:]) for row in (table.head, *table.rows)}


def test_published_numbers() -> None:
    assert [len(published(table)) for table in "12345"] == [60, 18, 10, 4, 15]
    cells = {(n.method, n.modality): n for n in published("5")}
    assert cells["TCoN", "R+F"].mean == 72.24 and cells["TCoN-CoAttn", "Flow"].mean == 56.93
    of_table_2 = {(n.method, n.task, n.modality): n for n in published("2")}
    assert of_table_2["C3D", "Olympic_Sports->UCF50", "Flow"].text == "81.02 ± 0.97"
    for table in "12345":
        numbers = published(table)
        keys = [(n.method, n.task, n.modality) for n in numbers]
        assert len(set(keys)) == len(keys) and all("1912.10405" in n.source for n in numbers)
        assert {n.modality for n in numbers} <= set(MODALITIES)


def test_csv_is_in_percent(files: tuple[Path, Path], tmp_path: Path) -> None:
    options = {"task": "Olympic_Sports->UCF50", "modality": "flow", "method": "source_only"}
    write_run(tmp_path / "runs", files, train=[logits(15, 9, 3)], **options)
    evaluate(tmp_path / "runs", table="2").to_csv(tmp_path / "out.csv")
    rows = csv.DictReader((tmp_path / "out.csv").open())
    key = ("C3D", "Olympic_Sports->UCF50", "Flow")
    [cell] = [row for row in rows if (row["method"], row["task"], row["modality"]) == key]
    assert (cell["published_mean"], cell["published_std"]) == ("81.02", "0.97")
    numbers = [float(cell[column]) for column in ("mean", "low", "high")]
    assert numbers == pytest.approx([60, 35.75, 80.18], abs=0.01)  # Wilson's of 9 of 15


def test_every_cell_is_filled_by_its_plan() -> None:
    """The plan that a table names trains every method of it, on every task of it."""
    for table in "12345":
        assert f"table{table}" in shipped()
        plans = Path(__file__).parents[3] / "adapt" / "config" / "plans"
        text = (plans / f"table{table}.toml").read_text()
        methods = re.search(r"^methods = \[(.*)\]", text, re.M)[1].replace('"', "").split(", ")
        assert {n.ours for n in published(table)} == set(methods)
        tasks = {read_task(name).name for name in re.findall(r'^task = "(.*)"', text, re.M)}
        assert {PROXIES.get(n.task, (n.task,))[0] for n in published(table)} == tasks
    assert set(PROXIES) <= set(CLASS_LISTS)


def test_cells_by_task_method_and_modality(files: tuple[Path, Path], tmp_path: Path) -> None:
    for modality, right in (("rgb", 9), ("flow", 12)):
        for seed in (0, 1):
            options = {"task": OLYMPIC, "modality": modality, "seed": seed}
            write_run(tmp_path / "runs", files, train=[logits(15, right + seed, 3)], **options)
    csv_path, latex = tmp_path / "out.csv", tmp_path / "out.tex"
    result = evaluate(tmp_path / "runs", table="1")
    result.to_csv(csv_path)
    result.to_latex(latex)
    rows = rows_of(result.paper, OLYMPIC)
    assert rows["method"] == ["paper: RGB", "Flow", "R+F", "ours: RGB", "Flow", "R+F"]
    ours = ["63.3 ± 4.7 (2)", "83.3 ± 4.7 (2)", "no --fuse"]
    assert rows["TCoN"] == ["93.91", "95.46", "95.77", *ours]
    assert rows["DAAA"][3:] == ["no run"] * 3
    assert rows_of(result.paper, "Olympic_Sports->UCF50")["TCoN"][3:] == ["no run"] * 3
    [olympic] = [table for table in result.paper if table.task == OLYMPIC]
    assert olympic.fills == {
        "no run": Fill(
            "no run: fill the cells by the plan of the table:", "tcon adapt --plan table1"
        ),
        "no --fuse": Fill(
            "no --fuse: fill the cells by", f"tcon eval {tmp_path / 'runs'} --table 1 --fuse"
        ),
    }
    commands = [block.lines for block in paper_page(result.paper) if block.kind == "commands"]
    assert commands.count(["tcon adapt --plan table1"]) == 4
    assert "Ours: mean ± std (seeds) at the last epoch, in percent; K = 4." in olympic.notes
    assert any(note.startswith("Backbone toy, cached features") for note in olympic.notes)

    cells = {(r["task"], r["method"], r["modality"]): r for r in csv.DictReader(csv_path.open())}
    assert len(cells) == 60
    cell = cells[OLYMPIC, "TCoN", "Flow"]
    assert float(cell["mean"]) == pytest.approx(100 * 12.5 / 15) and cell["seeds"] == "2"
    assert cell["published_mean"] == "95.46" and cell["backbone"] == "toy"
    empty = cells[OLYMPIC, "DAAA", "RGB"]
    assert (empty["missing"], empty["command"]) == ("no run", "tcon adapt --plan table1")
    assert (cell["missing"], cell["command"]) == ("", "")
    assert cells[OLYMPIC, "TCoN", "R+F"]["command"].endswith("--table 1 --fuse")

    text = latex.read_text()
    assert text.count("\\begin{tabular}") == text.count("\\end{tabular}") == 4
    assert "Olympic\\_Sports" in text and "63.3 $\\pm$ 4.7 (2)" in text
    body = [line for line in text.splitlines() if line.endswith("\\\\") and "multi" not in line]
    assert {line.count(" & ") for line in body} == {6}
    for line in text.splitlines():  # nothing that LaTeX would read as a command
        assert line.startswith("%") or not re.search(r"(?<!\\)[%#]|(?<![\\])_|±|->", line)
    fills = {"no run": Fill("", "tcon eval 'a\n\\input{b}'")}
    nasty = replace(olympic, task="[a]\n\n$\x1b\\b$ 50%", fills=fills)
    text = to_latex(SimpleNamespace(paper=[nasty]))
    a, b = "{[}a]\\textbackslash{}n\\textbackslash{}n", "\\$\\textbackslash{}x1b"
    assert f"{a}{b}\\textbackslash{{}}b\\$ 50\\%" in text
    assert "% no run: tcon eval 'a\\n\\input{b}'\n" in text  # all in the comment

    rows = rows_of(evaluate(tmp_path / "runs", table="1", fuse="1:1").paper, OLYMPIC)
    assert re.fullmatch(r"[\d.]+ ± [\d.]+ \(2\)", rows["TCoN"][5])


@pytest.mark.parametrize("task", ["ucf_hmdb_2_H2U", "hmdb_ucf_1_guess"])
def test_a_list_that_is_not_public_is_a_proxy(
    files: tuple[Path, Path], tmp_path: Path, task: str
) -> None:
    write_run(tmp_path / "runs", files, train=[logits(15, 9, 3)], task=read_task(task).name)
    tables = evaluate(tmp_path / "runs", table="1").paper
    rows = rows_of(tables, "(HMDB51->UCF101)_1")
    assert rows["method"][3] == "ours (proxy): RGB" and rows["TCoN"][3] == "60.0 (1)"
    assert any("of (HMDB51->UCF101)_1 is not public" in n for t in tables for n in t.notes)


def test_the_proxy_is_no_proxy_of_itself(files: tuple[Path, Path], tmp_path: Path) -> None:
    write_run(tmp_path / "runs", files, train=[logits(15, 9, 3)], task="(HMDB51->UCF101)_2")
    rows = rows_of(evaluate(tmp_path / "runs", table="3").paper, "(HMDB51->UCF101)_2")
    assert rows["method"][1] == "ours: RGB" and rows["tcon"] == ["", "60.0 (1)"]


def test_a_reconstruction_is_no_reproduction(files: tuple[Path, Path], tmp_path: Path) -> None:
    train = [logits(15, 9, 3)]
    write_run(tmp_path / "runs", files, train=train, task=OLYMPIC, method="cmfglr")
    tables = evaluate(tmp_path / "runs", table="1").paper
    rows = rows_of(tables, OLYMPIC)
    assert rows["CMFGLR, ours cmfglr (reconstruction)"][3] == "60.0 (1)"
    assert any("the original's text is not public" in n for t in tables for n in t.notes)


def test_other_data_in_the_layout_of_a_table(files: tuple[Path, Path], tmp_path: Path) -> None:
    write_run(tmp_path / "runs", files, train=[logits(15, 12, 3)], task="shared classes")
    result = evaluate(tmp_path / "runs", table="5")
    rows = rows_of(result.paper, "Jester(S)->Jester(T)")
    assert rows["method"][::3] == ["Jester(S)->Jester(T): RGB", "clips -> b: RGB"]
    assert rows["TCoN"] == ["61.78", "71.11", "72.24", "80.0 (1)", "no run", "no run"]
    [table] = result.paper
    assert table.notes[0].startswith("Ours is clips -> b, not Jester(S)->Jester(T)")
    # TCoN has its RGB runs, and lacks those on flow.
    methods = "tcon-sadnet,tcon-tadnet,tcon-coattn,tcon-attn,tcon"
    fill = table.fills["no run"]
    assert f"on clips -> b with --method {methods} --modality rgb,flow;" in fill.sentence
    assert fill.command == "tcon adapt --plan table5"
    printed = result.to_markdown().splitlines()
    assert all(len(line) <= 120 for line in printed if line.startswith("|"))


def test_a_method_that_the_table_lacks_has_no_command(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    """The table's plan does not train it."""
    write_run(tmp_path / "runs", files, train=[logits(15, 12, 3)], method="dann", task="Jester")
    for method in ("tcon-sadnet", "tcon-tadnet", "tcon-coattn", "tcon-attn", "tcon"):
        for modality in ("rgb", "flow"):
            options = {"method": method, "modality": modality, "task": "Jester"}
            write_run(tmp_path / "runs", files, train=[logits(15, 12, 3)], **options)
    [table] = evaluate(tmp_path / "runs", table="5").paper
    [cells] = [row for row in table.rows if row[0].method == "dann"]
    assert [(cell.missing, cell.command) for cell in cells] == [
        ("", ""),
        ("no run", ""),
        ("no run", ""),
    ]
    assert list(table.fills) == ["no --fuse"]


def test_own_data_with_a_file_per_modality_shares_a_table_where_it_is_fused(
    tmp_path: Path,
) -> None:
    for modality, right in (("rgb", 9), ("flow", 12)):
        files = (
            write_domain(tmp_path / f"a_{modality}.h5", videos=30, modalities=(modality,)),
            write_domain(tmp_path / f"b_{modality}.h5", videos=30, modalities=(modality,)),
        )
        options = {"modality": modality, "task": "shared classes"}
        write_run(tmp_path / "my runs", files, train=[logits(15, right, 3)], **options)
    tables = evaluate(tmp_path / "my runs", table="5").paper
    assert {table.ours for table in tables} == {"a_rgb -> b_rgb", "a_flow -> b_flow"}
    [table] = evaluate(tmp_path / "my runs", table="5", fuse="1:1").paper
    rows = rows_of([table], "Jester(S)->Jester(T)")
    assert rows["method"][3] == "a_rgb -> b_rgb: RGB"
    assert rows["TCoN"][3:5] == ["60.0 (1)", "80.0 (1)"]
    assert re.fullmatch(r"[\d.]+ \(1\)", rows["TCoN"][5])


def test_errors(files: tuple[Path, Path], tmp_path: Path) -> None:
    for k in (4, 6):
        run = write_run(tmp_path / "runs", files, train=[logits(15, 9, 3)], segments=k)
    with pytest.raises(InputError, match="different settings of tcon, rgb"):
        evaluate(tmp_path / "runs", table="5")
    with pytest.raises(InputError, match="cannot write"):
        evaluate(run, table="5").to_latex(tmp_path / "no" / "out.tex")
    for options in (
        ["--table", "6"],
        ["--table", "5", "--details"],
        ["--table", "5", "--select", "epoch"],
        ["--latex", str(tmp_path / "out.tex")],
        ["--fuse"],
    ):
        refused = CliRunner().invoke(main, ["eval", str(run), *options])
        assert refused.exit_code == 2 and "Error" in refused.output


def test_an_unlabelled_target_has_no_table(tmp_path: Path) -> None:
    files = (
        write_domain(tmp_path / "a.h5", videos=30),
        write_domain(tmp_path / "b.h5", videos=30, labels=[""] * 30),
    )
    run = write_run(tmp_path, files, train=[logits(15, 9, 3)])
    with pytest.raises(InputError, match="the target has no labels.*table=, --table"):
        evaluate(run, table="5")
