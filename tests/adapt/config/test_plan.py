"""Plans: keys, paths, overriding, missing files, and the shipped plans of the paper's tables."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import toy_methods as toy
from fuzz import damaged_text, ends_well
from hypothesis import given

from tcon.adapt.config.grid import make_grid
from tcon.adapt.config.plan_file import shipped
from tcon.adapt.config.plans import read_plan
from tcon.adapt.config.training import Segments
from tcon.adapt.methods import names
from tcon.adapt.tasks.task import read_task
from tcon.cache import InputError

PLAN = """
methods = ["source_only", "tcon"]
segments = "4,6:4"
seeds = 2
settings = ["train.lr=0.1"]

[files]
"b.h5" = "make b"

[[grid]]
name = "one"
source = "a.h5"
target = "b.h5"

[[grid]]
name = "two"
source = "b.h5"
target = "a.h5"
task = "ucf_hmdb_2_H2U"
methods = "tcon"
modality = ["rgb", "flow"]
segments = [8]
epochs = 3
oracle = true
settings = ["train.lr=0.2"]
"""


def write(folder: Path, text: str = PLAN) -> str:
    (folder / "plan.toml").write_text(text)
    return str(folder / "plan.toml")


def test_grids_take_what_they_do_not_say_from_the_top(tmp_path: Path) -> None:
    one, two = read_plan(write(tmp_path), {}).grids
    assert len(one.runs) == 2 * 2 * 2 and one.output == Path("runs/one") and one.task is None
    assert {run.train.lr for run in one.runs} == {0.1} and not one.oracle
    assert Counter((run.method, run.modality, run.segments) for run in two.runs) == {
        ("tcon", modality, Segments(8, 8)): 2 for modality in ("rgb", "flow")
    }
    assert {(run.train.lr, run.train.epochs) for run in two.runs} == {(0.2, 3)}
    assert two.oracle and two.task == "ucf_hmdb_2_H2U" and two.source == Path("b.h5")


def test_command_line_overrides(tmp_path: Path) -> None:
    given = {"seeds": 1, "methods": "tcon", "settings": ("train.lr=1",), "output": Path("o")}
    one, two = read_plan(write(tmp_path), given).grids
    assert len(one.runs) == 2 and len(two.runs) == 2
    assert {run.train.lr for run in (*one.runs, *two.runs)} == {1}
    assert (one.output, two.output) == (Path("o/one"), Path("o/two"))


def test_short_options_override_settings_of_the_places_before(tmp_path: Path) -> None:
    text = 'source = "a"\ntarget = "b"\nsettings = ["train.epochs=4", "train.normalise=none"]\n'
    plan = write(tmp_path, text)

    def train(given: dict[str, object], path: str = plan) -> tuple[int, str]:
        options = read_plan(path, given).grids[0].runs[0].train
        return options.epochs, options.normalise

    assert train({}) == (4, "none")
    assert train({"epochs": 2, "normalise": "source"}) == (2, "source")
    assert train({"epochs": 2, "settings": ("train.epochs=3",)}) == (3, "none")
    (tmp_path / "grid").mkdir()
    with_grid = write(tmp_path / "grid", text + '[[grid]]\nnormalise = "domain"\nepochs = 5\n')
    assert train({}, with_grid) == (5, "domain")
    assert make_grid({"source": "a", "target": "b", "normalise": "none"}).runs[
        0
    ].train.normalise == ("none")


def test_root_moves_every_path(tmp_path: Path) -> None:
    text = 'root = "data"\nsource = "a.h5"\ntarget = "/b.h5"\ntask = "t.csv"\noutput = "r"\n'
    (grid,) = read_plan(write(tmp_path, text), {}).grids
    data = tmp_path / "data"
    assert (grid.source, grid.target) == (data / "a.h5", Path("/b.h5"))
    assert (grid.task, grid.output) == (str(data / "t.csv"), data / "r")


def test_missing_files_are_named_with_their_commands(tmp_path: Path) -> None:
    text = PLAN.replace('"a.h5"', f'"{tmp_path}/a.h5"').replace('"b.h5"', f'"{tmp_path}/b.h5"')
    plan = read_plan(write(tmp_path, text), {})
    one = plan.grids[0]
    assert plan.missing(one) == (
        f"{tmp_path}/a.h5 is missing; make it with: tcon extract VIDEOS -o {tmp_path}/a.h5"
    )
    (tmp_path / "a.h5").touch()
    assert plan.missing(one) == f"{tmp_path}/b.h5 is missing; make it with: make b"
    (tmp_path / "b.h5").touch()
    assert plan.missing(one) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("method = 'tcon'", "no key 'method': did you mean methods"),
        ("[[grid]]\nsorce = 'a'", "no key 'sorce': did you mean source"),
        ("seeds = 2.5", "seeds = 2.5 has the wrong type"),
        ("seeds = true", "seeds = True has the wrong type"),
        (
            "source = 'a'\ntarget = 'b'\nnormalise = 'all'",
            "train.normalise=all: must be one of none, source or domain",
        ),
        ("seeds = 0", "seeds must be at least 1"),
        ("seeds = ", "cannot read the plan"),
        ("grid = 3", r"write grids as \[\[grid\]\]"),
        ("source = 'a.h5'", "grid 1: no target"),
        ("source = 'a'\ntarget = 'b'\nmethods = 'tcom'", "no method 'tcom': did you mean tcon"),
        (
            "source = 'a'\ntarget = 'b'\n[[grid]]\n[[grid]]\n",
            "two grids write runs/source_only_rgb_k6_seed0: give each",
        ),
    ],
)
def test_wrong_plans(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_plan(write(tmp_path, text), {})


def test_unknown_plans(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no plan 'tabel5': did you mean table5"):
        read_plan("tabel5", {})
    with pytest.raises(
        InputError, match=r"no plan .*nowhere\.toml: write it, or name one of table1"
    ):
        read_plan(str(tmp_path / "nowhere.toml"), {})
    with pytest.raises(InputError, match="cannot read the plan .*: it is not a regular file$"):
        read_plan(str(tmp_path), {})


def test_without_plan_source_and_target_are_needed() -> None:
    with pytest.raises(InputError, match="no source: name its feature file by --source"):
        make_grid({"target": "t.h5"})


# The rows and columns of the paper's tables, by what is run for each.
UO = ("ucf50_olympic_U2O", "ucf50_olympic_O2U")
JESTER, H2U, U2H = "jester_S2T", "ucf_hmdb_2_H2U", "ucf_hmdb_2_U2H"
TABLES = {
    "table1": (
        {"source_only", "cmfglr", "daaa", "cdan", "tcon"},
        {H2U, *UO, JESTER},
        {"rgb", "flow"},
    ),
    "table2": ({"source_only", "daaa", "tcon"}, {*UO}, {"rgb", "flow"}),
    "table3": ({"ta3n", "tcon-trn"}, {*UO, U2H, H2U, JESTER}, {"rgb"}),
    "table4": ({"source_only", "trn", "daaa", "tcon"}, {"hmdb_ucf_all_H2U"}, {"rgb"}),
    "table5": (
        {"tcon-sadnet", "tcon-tadnet", "tcon-coattn", "tcon-attn", "tcon"},
        {JESTER},
        {"rgb", "flow"},
    ),
}


@pytest.mark.parametrize("name", sorted(TABLES))
@pytest.mark.usefixtures("temporary_methods")
def test_shipped_plans_are_the_papers_tables(name: str) -> None:
    methods, tasks, modalities = TABLES[name]
    for method in methods - set(names()):
        toy.add(method, toy.Equal)
    plan = read_plan(name, {})
    got = Counter((run.method, grid.task, run.modality) for grid in plan.grids for run in grid.runs)
    assert got == {(m, t, k): 5 for m in methods for t in tasks for k in modalities}
    for grid in plan.grids:
        read_task(grid.task)
        why = plan.missing(grid)
        if why is not None:
            assert why.split(" is missing; make it with: ")[1].startswith("tcon extract")
            assert why.endswith(f"-o {why.split()[0]}") and "VIDEOS" not in why
    backbone = "c3d" if name == "table2" else "bninception"
    assert all(f"_{backbone}.h5" in str(grid.source) for grid in plan.grids)


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["matched", "official"])
@pytest.mark.parametrize("name", sorted(TABLES))
def test_both_presets_run_every_table(name: str, preset: str) -> None:
    plan = read_plan(name, {"preset": preset})
    assert {run.preset for grid in plan.grids for run in grid.runs} == {preset}


def test_all_tables_ship() -> None:
    assert shipped() == sorted(TABLES)


@pytest.mark.parametrize(
    "text",
    [
        "seeds = 99999999999",
        "source = 0x" + "f" * 5000,
        "epochs = " + "9" * 5000,
        "x = " + "[" * 5000,
    ],
)
def test_absurd_numbers_and_depth(tmp_path: Path, text: str) -> None:
    (tmp_path / "plan.toml").write_text(text)
    with pytest.raises(InputError, match="number too large|nested too deeply"):
        read_plan(str(tmp_path / "plan.toml"), {})


@given(content=damaged_text(PLAN.encode()))
def test_damaged_plan(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "plan.toml").write_bytes(content)
    with ends_well():
        for grid in read_plan(str(tmp_path / "plan.toml"), {}).grids:
            assert grid.runs
