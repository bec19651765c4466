"""``--method recommended``: what it stands for, and what is said when it has run."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from feature_files import write_domain

from tcon.adapt.config.grid import make_grid
from tcon.adapt.config.recommended import BASELINE, METHODS, VALIDATOR, expand
from tcon.adapt.events import Event, GridReady
from tcon.adapt.jobs.here import prepare_each
from tcon.adapt.methods import entry, names
from tcon.adapt.progress.display import Display
from tcon.adapt.run.finished import FinishedRun, Runs
from tcon.cache import InputError
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


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"methods": "DANN"}, "no method 'DANN': did you mean dann?"),
        ({"methods": "recomended"}, "no method 'recomended': did you mean recommended?"),
        (
            {"methods": "x"},
            f"no method 'x': there are {', '.join(sorted([*names(), 'recommended']))}",
        ),
        (
            {"methods": "dann,recommended", "preset": "official"},
            "recommended runs with the preset matched: im has no preset 'official'; name the "
            "methods that have it instead",
        ),
    ],
)
def test_what_is_refused_names_it(given: dict[str, str], said: str) -> None:
    with pytest.raises(InputError) as caught:
        make_grid({**PAIR, **given})
    assert str(caught.value) == said


def test_a_single_seed_is_warned_of_before_training(tmp_path: Path) -> None:
    files = write_domain(tmp_path / "a.h5"), write_domain(tmp_path / "b.h5", seed=1)
    settings = ["train.precision=fp32"]
    for name, seeds, said in (
        ("recommended", 1, True),
        ("recommended", 2, False),
        ("tcon", 1, False),
    ):
        grid = make_grid(
            {
                **{"source": files[0], "target": files[1], "methods": name, "segments": 4},
                **{"seeds": seeds, "settings": settings, "output": tmp_path / f"{name}{seeds}"},
            }
        )
        events: list[Event] = []
        next(prepare_each([grid], torch.device("cpu"), alone=True, on_event=events.append))
        [ready] = [event for event in events if isinstance(event, GridReady)]
        warned = [text for text in ready.briefing.warnings if "single seed" in text]
        assert len(warned) == said and all("--seeds 3" in text for text in warned)


def test_the_last_line_says_how_to_see_the_choice(capsys: pytest.CaptureFixture[str]) -> None:
    for methods, ending in ((["recommended"], " --select method"), (["dann"], "")):
        grid = make_grid({**PAIR, "methods": methods, "output": "runs"})
        paths = [FinishedRun(Path("runs", run.name)) for run in grid.runs]
        Display([grid]).summarise(Runs(tuple(paths)))
        assert capsys.readouterr().out.rstrip().endswith(f" Next: tcon eval runs{ending}")
