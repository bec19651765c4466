"""The paper's tables: shipped numbers, which run fills which cell, what is said of it."""

from __future__ import annotations

import csv
import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner
from feature_files import write_domain
from handmade_runs import logits, write_run

from tcon.adapt.config.plans import shipped
from tcon.adapt.tasks.task import read_task
from tcon.cache import InputError
from tcon.cli import main
from tcon.evaluate.report.report import report
from tcon.evaluate.tables.published import CLASS_LISTS, MODALITIES, PROXIES, published

OLYMPIC = "UCF50->Olympic_Sports"


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    both = {"videos": 30, "modalities": ("rgb", "flow")}
    return write_domain(tmp_path / "clips.h5", **both), write_domain(tmp_path / "b.h5", **both)


def rows_of(text: str, title: str) -> dict[str, list[str]]:
    """Cells by method, of the block with a title."""
    block = text[text.index(title) :].split("\n\n")[1]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines()]
    return {row[0]: row[1:] for row in rows}


def commands_of(text: str) -> list[str]:
    """That fill empty cells."""
    return re.findall("^    (tcon .*)$", text, re.M)


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
    report([tmp_path / "runs"], table="2", csv_path=tmp_path / "out.csv")
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


def test_cells_by_task_method_and_modality(
    files: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for modality, right in (("rgb", 9), ("flow", 12)):
        for seed in (0, 1):
            options = {"task": OLYMPIC, "modality": modality, "seed": seed}
            write_run(tmp_path / "runs", files, train=[logits(15, right + seed, 3)], **options)
    csv_path, latex = tmp_path / "out.csv", tmp_path / "out.tex"
    report([tmp_path / "runs"], table="1", csv_path=csv_path, latex_path=latex)
    out = capsys.readouterr().out
    rows = rows_of(out, f"Table 1, {OLYMPIC}")
    assert rows["method"] == ["paper: RGB", "Flow", "R+F", "ours: RGB", "Flow", "R+F"]
    ours = ["63.3 ± 4.7 (2)", "83.3 ± 4.7 (2)", "no --fuse"]
    assert rows["TCoN"] == ["93.91", "95.46", "95.77", *ours]
    assert rows["DAAA"][3:] == ["no run"] * 3
    assert rows_of(out, "Table 1, Olympic_Sports->UCF50")["TCoN"][3:] == ["no run"] * 3
    assert sorted(commands_of(out)) == [
        *["tcon adapt --plan table1"] * 4,
        f"tcon eval {tmp_path / 'runs'} --table 1 --fuse",
    ]
    assert "Backbone toy, cached features" in out and "K = 4" in out

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

    report([tmp_path / "runs"], table="1", fuse="1:1")
    rows = rows_of(capsys.readouterr().out, f"Table 1, {OLYMPIC}")
    assert re.fullmatch(r"[\d.]+ ± [\d.]+ \(2\)", rows["TCoN"][5])


@pytest.mark.parametrize("task", ["ucf_hmdb_2_H2U", "hmdb_ucf_1_guess"])
def test_a_list_that_is_not_public_is_a_proxy(
    files: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], task: str
) -> None:
    write_run(tmp_path / "runs", files, train=[logits(15, 9, 3)], task=read_task(task).name)
    report([tmp_path / "runs"], table="1")
    out = capsys.readouterr().out
    rows = rows_of(out, "Table 1, (HMDB51->UCF101)_1")
    assert rows["method"][3] == "ours (proxy): RGB" and rows["TCoN"][3] == "60.0 (1)"
    assert "the class list of (HMDB51->UCF101)_1 is not public" in out


def test_the_proxy_is_no_proxy_of_itself(
    files: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run(tmp_path / "runs", files, train=[logits(15, 9, 3)], task="(HMDB51->UCF101)_2")
    report([tmp_path / "runs"], table="3")
    rows = rows_of(capsys.readouterr().out, "Table 3, (HMDB51->UCF101)_2")
    assert rows["method"][1] == "ours: RGB" and rows["tcon"] == ["", "60.0 (1)"]


def test_a_reconstruction_is_no_reproduction(
    files: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train = [logits(15, 9, 3)]
    write_run(tmp_path / "runs", files, train=train, task=OLYMPIC, method="cmfglr")
    report([tmp_path / "runs"], table="1")
    out = capsys.readouterr().out
    rows = rows_of(out, f"Table 1, {OLYMPIC}")
    assert rows["CMFGLR, ours cmfglr (reconstruction)"][3] == "60.0 (1)"
    assert "the original's text is not public" in out


def test_other_data_in_the_layout_of_a_table(
    files: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run(tmp_path / "runs", files, train=[logits(15, 12, 3)], task="shared classes")
    report([tmp_path / "runs"], table="5")
    out = capsys.readouterr().out
    rows = rows_of(out, "Table 5, Jester(S)->Jester(T)")
    assert rows["method"][::3] == ["Jester(S)->Jester(T): RGB", "clips -> b: RGB"]
    assert rows["TCoN"] == ["61.78", "71.11", "72.24", "80.0 (1)", "no run", "no run"]
    assert "Ours is clips -> b, not Jester(S)->Jester(T)" in out
    made = {}
    for command in commands_of(out):
        words = shlex.split(command)
        options = main.get_command(None, "adapt").make_context("adapt", words[2:]).params
        assert (options["source"], options["target"]) == files
        assert options["output"] == tmp_path / "runs" and options["segments"] == "4"
        made[options["modality"] or "rgb"] = options["methods"].split(",")
    # TCoN has its RGB runs.
    ablations = ["tcon-sadnet", "tcon-tadnet", "tcon-coattn", "tcon-attn"]
    assert made == {"rgb": ablations, "flow": [*ablations, "tcon"]}
    assert all(len(line) <= 120 for line in out.splitlines() if line.startswith("|"))


@pytest.mark.parametrize("names", [("a_rgb", "b-rgb", "a_flow", "b-flow"), ("a", "b", "c", "d")])
def test_own_data_with_a_file_per_modality(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], names: tuple[str, ...]
) -> None:
    paths = [tmp_path / f"{name}.h5" for name in names]
    for n, modality in enumerate(("rgb", "flow")):
        for path in paths[2 * n : 2 * n + 2]:
            write_domain(path, videos=30, modalities=(modality,), seed=n)
        files = paths[2 * n], paths[2 * n + 1]
        options = {"modality": modality, "task": "shared classes"}
        write_run(tmp_path / "my runs", files, train=[logits(15, 9 + 3 * n, 3)], **options)
    report([tmp_path / "my runs"], table="5", fuse="1:1")
    out = capsys.readouterr().out
    assert out.count("Table 5, Jester(S)->Jester(T)") == 1  # block
    rows = rows_of(out, "Table 5, Jester(S)->Jester(T)")
    assert rows["method"][3] == "a -> b: RGB" and rows["TCoN"][3:5] == ["60.0 (1)", "80.0 (1)"]
    assert re.fullmatch(r"[\d.]+ \(1\)", rows["TCoN"][5])
    of_modality = {}
    for command in commands_of(out):
        words = shlex.split(command)[2:]
        options = main.get_command(None, "adapt").make_context("adapt", words).params
        of_modality[options["modality"] or "rgb"] = [options["source"], options["target"]]
        assert options["output"] == tmp_path / "my runs"
    assert of_modality == {"rgb": paths[:2], "flow": paths[2:]}


def test_errors(files: tuple[Path, Path], tmp_path: Path) -> None:
    for k in (4, 6):
        run = write_run(tmp_path / "runs", files, train=[logits(15, 9, 3)], segments=k)
    with pytest.raises(InputError, match="different settings of tcon, rgb"):
        report([tmp_path / "runs"], table="5")
    with pytest.raises(InputError, match="--latex .* give --table"):
        report([run], latex_path=tmp_path / "out.tex")
    with pytest.raises(InputError, match="cannot write"):
        report([run], table="5", latex_path=tmp_path / "no" / "out.tex")
    for options in (
        ["--table", "6"],
        ["--table", "5", "--details"],
        ["--table", "5", "--select", "epoch"],
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
    with pytest.raises(InputError, match="--table: the target has no labels"):
        report([run], table="5")
    with pytest.raises(InputError, match="--json: the target has no labels"):
        report([run], json_path=tmp_path / "out.json")
