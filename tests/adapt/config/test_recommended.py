"""``--method recommended``: what it stands for, and what is said when it has run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tcon.adapt.config.grid import make_grid
from tcon.adapt.config.recommended import BASELINE, METHODS, VALIDATOR, expand
from tcon.adapt.methods import entry
from tcon.adapt.progress.display import Display
from tcon.adapt.run.finished import FinishedRun, Runs
from tcon.evaluate.scores.choices.validators import VALIDATORS

PAIR = {"source": "s.h5", "target": "t.h5"}


def test_it_stands_for_methods_that_need_no_target_label() -> None:
    assert BASELINE in METHODS and len(METHODS) > 1 and VALIDATOR in VALIDATORS
    assert not any(entry(name).method.reads_target_labels for name in METHODS)


def test_the_docs_name_the_same_methods() -> None:
    page = (Path(__file__).parents[3] / "docs/adaptation.md").read_text()
    section = page.partition("### Which methods\n")[2].partition("\n### ")[0]
    listed = section.partition("It stands for ")[2].partition("(`METHODS`")[0]
    assert listed.split("`")[1::2] == list(METHODS)


def test_it_is_expanded_among_others() -> None:
    others = [name for name in METHODS if name != METHODS[-1]]
    assert expand(["dann", "recommended"]) == ["dann", *METHODS]
    assert expand([METHODS[-1], "recommended"]) == [METHODS[-1], *others]
    grid = make_grid({**PAIR, "methods": "recommended,dann", "seeds": 2})
    assert [run.method for run in grid.runs] == [m for m in (*METHODS, "dann") for _ in range(2)]
    assert grid.recommended and not make_grid({**PAIR, "methods": list(METHODS)}).recommended


def test_the_last_line_says_how_to_see_the_choice(capsys: pytest.CaptureFixture[str]) -> None:
    for methods, ending in ((["recommended"], " --select method"), (["dann"], "")):
        grid = make_grid({**PAIR, "methods": methods, "output": "runs"})
        paths = [FinishedRun(Path("runs", run.name)) for run in grid.runs]
        Display([grid]).summarise(Runs(tuple(paths)))
        assert capsys.readouterr().out.rstrip().endswith(f" Next: tcon eval runs{ending}")
