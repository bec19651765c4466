"""How often labels that ``tcon eval`` trusts are right: ``trust_coverage.py RUNS...``.

Each RUNS is a folder of runs of several methods on one target whose test videos have labels, which
are read here alone: everything that is scored is what an unlabelled target gets. Of the method that
is recommended it prints, over all folders, how many labels each ground covers and how many of these
are right; and the area under the ROC curve by which each ground tells right from wrong labels (a
half is chance).
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score

from tcon.evaluate import evaluate
from tcon.evaluate.runs.embeddings import Loader
from tcon.evaluate.runs.truth import TrueClasses
from tcon.evaluate.scores.trust.labels import VideoLabel
from tcon.evaluate.scores.unlabelled import unlabelled_results

Grounds = Mapping[str, np.ndarray]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", type=Path)
    each = [_labels(folder) for folder in parser.parse_args().runs]
    labels = [label for found, *_ in each for label in found]
    right, mean_right = (np.concatenate([one[n] for one in each]) for n in (1, 2))
    print(f"{len(each)} targets, {len(labels)} videos, {right.mean():.1%} of the labels are right")
    grounds = _grounds(labels)
    for name, values in grounds.items():
        area = roc_auc_score(right, values) if np.isfinite(values).all() else float("nan")
        print(f"{name}: area under the ROC curve {area:.2f}")
        for least in (1.0, 0.9, 0.7, 0.5):
            _print_covered(f"  at least {least:.1f}", values >= least, right)
    _print_covered("not worth a look", ~np.array([label.look for label in labels]), right)
    scores = np.array([label.methods_score for label in labels], float)
    for least in (0.0, 0.9, 0.7):
        _print_covered(f"mean of all methods, at least {least:.1f}", scores >= least, mean_right)


def _labels(folder: Path) -> tuple[Sequence[VideoLabel], np.ndarray, np.ndarray]:
    """Of the recommended method's group, and which of them and of the mean's are right."""
    result = evaluate(folder, select="method", provenance=False)
    (recommendation,) = result.recommendations
    groups = unlabelled_results(result.groups, TrueClasses("source"), Loader())
    (taken,) = [one for one in groups if one.group is recommendation.group]
    classes = [taken.group.classes[n] for n in taken.group.truth]
    pairs = list(zip(taken.labels, classes, strict=True))
    right = np.array([label.label == truth for label, truth in pairs])
    mean_right = np.array([label.methods_label == truth for label, truth in pairs])
    print(
        f"{folder}: {taken.name}, {right.mean():.1%} right, mean score "
        f"{np.mean([label.score for label in taken.labels]):.2f}"
    )
    return taken.labels, right, mean_right


def _grounds(labels: Sequence[VideoLabel]) -> Grounds:
    """All rise from doubtful to sure."""

    def of(name: str) -> np.ndarray:
        return np.array([getattr(label, name) for label in labels], float)

    shares = {name: of(name) for name in ("score", "seeds_agree", "methods_agree")}
    return shares | {"near the source": 1 - of("source_distance")}


def _print_covered(name: str, chosen: np.ndarray, right: np.ndarray) -> None:
    share = f"{right[chosen].mean():.1%} of them right" if chosen.any() else ""
    print(f"{name}: {chosen.mean():.1%} of the labels, {share}")


if __name__ == "__main__":
    main()
