"""Which epoch's accuracy stands in which column."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from feature_files import write_domain
from handmade_runs import logits, write_run

from tcon.evaluate.runs.groups import Group, group_runs
from tcon.evaluate.runs.read import find_runs
from tcon.evaluate.scores.choices.epochs import choose_epochs

# Right training videos of 15 at steps 10, 20 and 30. Of three such runs the middle count is what
# most epochs predict, so that `ensv` chooses it: step 10 of seed 0, step 20 of seed 1.
TRAIN = {0: (8, 15, 4), 1: (4, 9, 14)}
TEST = {0: (9, 12, 6), 1: (14, 5, 10)}


def group(folder: Path, method: str) -> Group:
    files = write_domain(folder / "a.h5", videos=30), write_domain(folder / "b.h5", videos=30)
    for seed in TRAIN:
        train, test = ([logits(15, n, 3) for n in right[seed]] for right in (TRAIN, TEST))
        write_run(folder / "runs", files, train=train, test=test, method=method, seed=seed)
    return group_runs(find_runs([folder / "runs"])[0])[0]


def test_label_free_oracle_and_last_are_three_accuracies(tmp_path: Path) -> None:
    tcon = group(tmp_path, "tcon")
    epochs = choose_epochs(tcon)
    assert epochs.label_free_steps == (10, 20)
    assert epochs.label_free == pytest.approx(np.array([9, 5]) / 15)
    assert epochs.oracle_steps == (20, 10)
    assert epochs.oracle == pytest.approx(np.array([12, 14]) / 15)
    assert tcon.scores.accuracy == pytest.approx(np.array([6, 10]) / 15)


def test_a_method_that_trains_on_target_labels_has_no_label_free_choice(tmp_path: Path) -> None:
    epochs = choose_epochs(group(tmp_path, "target_only"))
    assert epochs.label_free is None and epochs.label_free_steps is None
    assert epochs.oracle == pytest.approx(np.array([12, 14]) / 15)
