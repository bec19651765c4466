"""Labels that a file has in the place of a task's own: names of classes, and their numbers."""

from __future__ import annotations

from pathlib import Path

import pytest

from tcon.adapt.tasks.task import Task, read_task, shared_classes
from tcon.cache import InputError

ROWS = """class,source_label,target_label,class_index
climb,RockClimbing|RopeClimbing,climb,0
golf,GolfSwing,golf,1
cook,Cooking,,2
none,eat,rope,-1
"""


@pytest.fixture
def task(tmp_path: Path) -> Task:
    path = tmp_path / "task.csv"
    path.write_text(ROWS)
    return read_task(path)


def taken(task: Task, side: str, *labels: str) -> dict[str, int]:
    return {k: n for k, n in task.labels_in(side, labels).items() if k not in getattr(task, side)}


def test_names_of_classes(task: Task) -> None:
    assert taken(task, "source", "climb", "GolfSwing", "dive", "") == {"climb": 0}
    assert task.of_files({"climb"}, {"golf"}).source["climb"] == 0
    assert taken(task, "target", "cook", "climb") == {}  # without a label: never tested


def test_numbers_of_classes(task: Task) -> None:
    assert taken(task, "source", "0", "2") == {"0": 0, "2": 2}
    assert taken(task, "target", "1", "0", "") == {"1": 1, "0": 0}
    # all of UCF101's numbers are no numbers of this task
    assert taken(task, "source", "0", "1", "2", "3") == {}
    assert taken(task, "source", "1", "GolfSwing") == {}


def test_numbers_that_the_csv_does_not_give(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text("class,source_label,target_label\na,x,y\n")
    assert taken(read_task(path), "source", "0") == {}


def test_a_label_that_is_no_class(tmp_path: Path) -> None:
    path = tmp_path / "task.csv"
    path.write_text(ROWS.replace("none,eat", "none,climb"))
    assert taken(read_task(path), "source", "climb", "golf") == {"golf": 1}


def test_a_shipped_task_is_named_where_names_are_not_shared() -> None:
    with pytest.raises(InputError, match=r"or choose --task ucf_hmdb_2_U2H"):
        shared_classes(["Archery", "GolfSwing"], ["shoot_bow", "golf"])
    with pytest.raises(InputError, match=r"with --task FILE\.csv; where"):
        shared_classes(["a", "b"], ["c", "d"])
