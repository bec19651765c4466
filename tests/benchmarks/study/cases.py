"""One case of the study: its rows are trained and scored."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from attention import attention_on_action
from outcomes import CaseOutcome, Outcome
from plan import Case, Part, Row, Training
from worlds import Features, world_of

from tcon.adapt import adapt
from tcon.adapt.config.recommended import METHODS
from tcon.adapt.run.read import read_health
from tcon.evaluate import evaluate
from tcon.evaluate.scores.results import Result


def run_case(
    part: Part, case: Case, training: Training, features: Features, folder: Path
) -> CaseOutcome:
    """Train every row of a case once and score it; finished runs are not trained again.

    A row with a run that fails, as one that diverges, has no outcome: the others go on.

    Args:
        part: says in which modalities, and what is asked for beyond accuracies.
        case: its world, seed and rows.
        training: what all runs have in common.
        features: of the world.
        folder: of the world's runs, each row in a folder of its own.

    Raises:
        InputError: rows cannot be trained on the features at all.
    """
    outcomes: list[Outcome] = []
    failed: dict[str, str] = {}
    for row in case.rows:
        trained = _train(row, part, case, training, features, folder)
        if trained.failure:
            failed[row.text] = trained.failure
            continue
        found = evaluate(folder / row.folder, fuse=len(part.modalities) > 1, provenance=False)
        for result in found.results:
            outcomes.append(_outcome(row, training, part, case, result, trained.seconds))
    among = recommended_rows(part, case)
    to_choose = [row for row in among if row.text not in failed]
    finished = [row for row in case.rows if row.text not in failed]
    if part.recommended and finished:
        scores = _validator_scores(finished, folder)
        outcomes = [replace(o, validators=scores[o.row]) for o in outcomes]
    return CaseOutcome(
        world=case.world,
        seed=case.seed,
        knobs=case.knobs,
        outcomes=tuple(outcomes),
        among=tuple(row.text for row in among),
        recommended=_recommended(to_choose, folder) if to_choose else "",
        failed=failed,
        segments=training.segments,
        snippets=training.snippets,
    )


def recommended_rows(part: Part, case: Case) -> tuple[Row, ...]:
    """The rows that ``--method recommended`` trains, if the part asks for a choice among them and
    the case has them all."""
    rows = tuple(row for row in case.rows if row.text in METHODS)
    return rows if part.recommended and len(rows) == len(METHODS) else ()


class _Trained(NamedTuple):
    """A row's processor seconds, 0 where not all of them were spent now; and why it failed, in a
    line, empty if it did not."""

    seconds: float
    failure: str


def _train(
    row: Row, part: Part, case: Case, training: Training, features: Features, folder: Path
) -> _Trained:
    """Train a row's runs.

    The runs' folder keeps them, for other parts that have the same row.
    """
    home = folder / row.folder
    kept, begun_before = home / "seconds.txt", home.exists()
    started = time.process_time()
    runs = adapt(
        features.source,
        features.target,
        methods=row.method,
        modality=part.modalities,
        segments=training.segments,
        seeds=[case.seed],
        settings=row.settings(training),
        task=features.task,
        output=home,
        device="cpu",
        jobs=1,
    )
    if runs.failed:
        return _Trained(0.0, runs.failed[0].why)
    if not begun_before:
        kept.write_text(f"{time.process_time() - started:.2f}")
    return _Trained(float(kept.read_text()) if kept.exists() else 0.0, "")


def _outcome(
    row: Row, training: Training, part: Part, case: Case, result: Result, seconds: float
) -> Outcome:
    runs = [run for part_ in result.group.parts for run in part_.runs]
    fused = result.group.fusion is not None
    assert result.epochs.label_free is not None  # no method of the study reads target labels
    return Outcome(
        row=row.text,
        modality=result.group.modality,
        settings=row.settings(training),
        correct="".join("01"[right] for right in result.scores.correct[0].astype(int)),
        label_free=float(result.epochs.label_free[0]),
        oracle=float(result.epochs.oracle[0]),
        health=tuple(sorted({f.kind for run in runs for f in read_health(run.path)})),
        attention=(
            attention_on_action(runs[0], world_of(case)) if part.attention and not fused else {}
        ),
        seconds=round(seconds / len(part.modalities), 2),
    )


def _validator_scores(rows: Sequence[Row], folder: Path) -> Mapping[str, Mapping[str, float]]:
    """Each row's score among all of them, by row and validator."""
    (selection,) = evaluate(
        [folder / row.folder for row in rows], select="method", provenance=False
    ).selections
    text_of = {row.folder: row.text for row in rows}
    return {
        text_of[candidate.runs[0].path.parent.name]: {
            name: round(float(scores[n]), 4) for name, scores in selection.scores.items()
        }
        for n, candidate in enumerate(selection.candidates)
    }


def _recommended(rows: Sequence[Row], folder: Path) -> str:
    """The row that is recommended among these."""
    (recommendation,) = evaluate(
        [folder / row.folder for row in rows], select="method", provenance=False
    ).recommendations
    text_of = {row.folder: row.text for row in rows}
    return text_of[recommendation.taken.runs[0].path.parent.name]
