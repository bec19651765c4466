"""The row of class names as texts, against plain loops over features."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from feature_files import write_domain
from handmade_runs import logits, write_run

from tcon.cache import FeatureFile
from tcon.cache.prompts import Prompts, TextPrototypes, prototypes_path, write_prototypes
from tcon.evaluate import evaluate

CLASSES = ("jump", "run", "sit", "swim")  # the last is none of the task's


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A source and a target, and a run of 15 test videos."""
    source = write_domain(tmp_path / "clips.h5", videos=30)
    target = write_domain(tmp_path / "cctv.h5", videos=30, seed=1, snippets=3)
    write_run(tmp_path / "runs", (source, target), train=[logits(15, 9, 3.0)])
    return source, target


def texts(*, classes: tuple[str, ...] = CLASSES, sha256: str = "0") -> TextPrototypes:
    """Directions near those of the classes, so that some videos are wrong."""
    rng = np.random.default_rng(99)
    vectors = np.abs(rng.normal(size=(3, 12)))  # of `write_domain`
    vectors = np.concatenate([vectors + 1.5 * rng.normal(size=vectors.shape), vectors[:1]])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    prompts = Prompts(
        classes=classes,
        templates=("a {label}",),
        scale=50.0,
        bias=-2.0,
        layer="pool",
        weights_sha256=sha256,
    )
    return TextPrototypes(prompts, torch.from_numpy(vectors[: len(classes)]).float())


def by_hand(target: Path, prototypes: TextPrototypes) -> list[bool]:
    """Which of the first 15 videos get their class from the mean of their snippets' softmax."""
    packed = FeatureFile(target).packed("rgb")
    right = []
    for n in range(15):
        mean = np.zeros(3)
        for s in range(packed.start[n], packed.start[n] + packed.count[n]):
            x = packed.features[s].astype(float)
            z = [50 * float(v.double().numpy() @ x) / np.sqrt(x @ x) for v in prototypes.vectors]
            weights = [np.exp(z[c]) for c in range(3)]
            mean += np.array(weights) / sum(weights)
        right.append(int(mean.argmax()) == n % 3)
    return right


@pytest.mark.slow
def test_accuracy_is_that_of_plain_loops(files: tuple[Path, Path], tmp_path: Path) -> None:
    source, target = files
    write_prototypes(source, texts())
    result = evaluate(tmp_path / "runs")
    [row] = result.zero_shot
    right = by_hand(target, texts())
    assert 0 < sum(right) < 15
    assert row.accuracy == pytest.approx(sum(right) / 15)
    assert row.mean_class == pytest.approx(np.mean([np.mean(right[c::3]) for c in range(3)]))
    assert row.interval[0] < row.accuracy < row.interval[1]
    shown = result.to_markdown()
    assert "| zero_shot |" in " ".join(shown.split())
    assert "class names as 'a {label}' by toy; nothing was trained" in " ".join(shown.split())
    result.to_csv(tmp_path / "a.csv")
    *_, last = csv.DictReader((tmp_path / "a.csv").open())
    assert last["method"] == "zero_shot" and float(last["accuracy"]) == row.accuracy
    result.to_json(tmp_path / "a.json")
    [stored] = json.loads((tmp_path / "a.json").read_text())["zero_shot"]
    assert stored["accuracy"] == row.accuracy and stored["templates"] == ["a {label}"]


@pytest.mark.slow
def test_there_is_no_row_without_texts(files: tuple[Path, Path], tmp_path: Path) -> None:
    result = evaluate(tmp_path / "runs")
    assert result.zero_shot == () and "zero_shot" not in result.to_markdown()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("prototypes", "why"),
    [
        (texts(sha256="1"), "is of other features than"),
        (texts(classes=("jump", "run")), "has no text of sit"),
        (None, "is damaged"),
    ],
)
def test_texts_that_do_not_fit_are_named(
    files: tuple[Path, Path], tmp_path: Path, prototypes: TextPrototypes | None, why: str
) -> None:
    source, _ = files
    if prototypes is None:
        prototypes_path(source).write_bytes(b"\0" * 100)
    else:
        write_prototypes(source, prototypes)
    result = evaluate(tmp_path / "runs")
    assert result.zero_shot == () and len(result.results) == 1
    [note] = [note for note in result.notes if "zero_shot" in note]
    assert why in note and "repeat tcon extract --prompts" in note and "\n" not in note
