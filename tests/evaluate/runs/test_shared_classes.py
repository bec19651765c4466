"""Predictions among all classes, or among those that the target can show (ambiguity B27)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from feature_files import CLASSES, write_domain
from handmade_runs import write_run

from tcon.evaluate.runs.groups import group_runs
from tcon.evaluate.runs.read import find_runs


def test_only_shared_classes_are_predicted(tmp_path: Path) -> None:
    """The third class has no target label; it is the most probable for half of the videos."""
    labels = [CLASSES[n % 2] for n in range(30)]
    files = (
        write_domain(tmp_path / "a.h5", videos=30),
        write_domain(tmp_path / "b.h5", videos=30, labels=labels),
    )
    truth = np.arange(15) % 2
    z = np.eye(3)[truth]
    z[::2, 2] = 5
    shared = {name: n for n, name in enumerate(CLASSES[:2])}
    write_run(tmp_path / "runs", files, train=[z], target_map=shared)

    accuracies = []
    for shared_classes in (False, True):
        [run] = find_runs([tmp_path / "runs"], shared_classes=shared_classes)[0]
        [group] = group_runs([run])
        accuracies.append(group.scores.accuracy[0])
        predicted = run.test.logits[-1].argmax(1)
        assert (predicted == 2).any() != shared_classes
        np.testing.assert_array_equal(run.predictions["target_train"].logits[-1], z)
    assert accuracies == [7 / 15, 1.0]
