"""What looks wrong in a run's metrics, in words, and what to do about it.

Pure functions over the records of ``metrics.jsonl``; each finding is one line.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from ..config.settings import keys
from ..methods.tcon.warmup import WarmupConfig

T = TypeVar("T")
Records = Sequence[Mapping[str, float]]

_LATE = 0.25  # share of the evaluations, the last ones
_SEPARATED = 0.95  # balanced accuracy of a discriminator that the features never fool
_GUESSING = 0.55  # and of one that never learns
_COLLAPSED = 0.9  # share of alignment columns that choose one and the same source segment
_ALIKE = 0.1  # spread of features, as a share of their size; those of ImageNet have about 0.7
_ONE_CLASS = 0.95  # share of the target videos that get one and the same class
_DISCRIMINATOR = "_disc_accuracy"


class Diverged(RuntimeError):
    """The loss or a logit is not finite.

    Args:
        step: of the evaluation that saw it.
    """

    def __init__(self, step: int) -> None:
        super().__init__(
            f"diverged before step {step} (the loss or the logits are not finite): lower train.lr, "
            "or clip harder by a smaller train.clip_norm"
        )


@dataclass(frozen=True)
class Finding:
    """``kind`` groups equal findings of several runs; ``text`` says what and why it matters;
    ``remedy`` what to try."""

    kind: str
    text: str
    remedy: str


def findings(
    records: Records,
    *,
    method: str,
    longer: str = "train.epochs",
    source_segments: int = 2,
    options: object = None,
) -> list[Finding]:
    """Everything that looks wrong.

    Args:
        records: the lines of ``metrics.jsonl``.
        method: the name of the method, which is METHOD in the remedies below.
        longer: the setting to raise for more steps, which is LONGER in them.
        source_segments: with 1 every alignment chooses the same one.
        options: the method's: remedies name no setting that is not among them, and their
            ``warmup``, if any, says when attention starts by itself.
    """
    if not records:
        return []
    found = [
        *_features(records, options),
        *_predictions(records, options),
        *_discriminators(records, options),
        *_pairs(records, options),
    ]
    if source_segments > 1:
        found += _alignment(records)
    warmup = getattr(options, "warmup", None)
    if warmup is not None:
        found += _attention(records, warmup)
    return [
        replace(one, remedy=one.remedy.replace("METHOD", method).replace("LONGER", longer))
        for one in found
    ]


def by_kind(
    found: Iterable[tuple[T, Finding]],
) -> list[tuple[list[T], Finding]]:
    """What looks wrong in several runs, once per kind and remedy.

    Args:
        found: a run's name, whatever it is, and a finding of it.

    Returns:
        the names of the runs, and the finding of the first of them.
    """
    kinds: dict[tuple[str, str], tuple[list[T], Finding]] = {}
    for name, finding in found:
        names, _ = kinds.setdefault((finding.kind, finding.remedy), ([], finding))
        names.append(name)
    return list(kinds.values())


def _features(records: Records, options: object) -> Iterator[Finding]:
    if (
        "feature_spread" in records[-1]
        and (spread := _late_mean(records, "feature_spread")) < _ALIKE
    ):
        yield Finding(
            "features alike",
            "the backbone makes nearly the same features of all source clips (they differ by "
            f"{spread:.1%} of their size), so there is nothing to tell classes by",
            "lower e2e.backbone_lr"
            + _setting(options, ", or METHOD.lambda_d")
            + "; random weights need more steps",
        )


def _predictions(records: Records, options: object) -> Iterator[Finding]:
    if (share := _late_mean(records, "target_top_class")) > _ONE_CLASS:
        pseudo = " (pseudo-labels strengthen it)" if _late_mean(records, "pseudo_rate") else ""
        yield Finding(
            "one class",
            f"{share:.0%} of the target training videos get one and the same class{pseudo}: unless "
            "they are of one, the target's classes are not told apart",
            "train longer (LONGER), and cached features with train.normalise=domain"
            + _setting(options, "; a higher METHOD.pseudo.threshold")
            + _setting(options, "; a lower METHOD.lambda_d"),
        )


def _discriminators(records: Records, options: object) -> Iterator[Finding]:
    for key in (key for key in records[-1] if key.endswith(_DISCRIMINATOR)):
        name = key.removesuffix(_DISCRIMINATOR)
        accuracies = [record[key] for record in records]
        late = _late_mean(records, key)
        if late > _SEPARATED:
            yield Finding(
                f"{name} separated",
                f"the {name} discriminator still tells the domains apart at the end (accuracy "
                f"{late:.2f}): the features cannot fool it, so little is aligned",
                "train longer (LONGER)"
                + _setting(options, ", or a higher METHOD.lambda_d")
                + "; train.normalise=domain, where it is not set, brings the domains nearer first",
            )
        losses = [record.get(f"{name}_domain", math.nan) for record in records]
        if max(accuracies) < _GUESSING and all(map(_is_guess, losses)):
            yield Finding(
                f"{name} guesses",
                f"the {name} discriminator guessed from beginning to end (accuracy {late:.2f}, "
                f"loss {losses[-1]:.2f}): it learned nothing, so it aligned nothing",
                "raise train.lr or the discriminator's width; if the domains look alike already, "
                "there is nothing to align",
            )


def _setting(options: object, advice: str) -> str:
    """Advice that ends in a setting METHOD.KEY; nothing where the method's options have no KEY."""
    key = advice.partition("METHOD.")[2]
    return advice if options is not None and key in keys(options) else ""


def _is_guess(loss: float) -> bool:
    """Near ln 2, or twice that where a loss adds the terms of both domains."""
    return any(abs(loss - times * math.log(2)) < 0.03 * times for times in (1, 2))


def _pairs(records: Records, options: object) -> Iterator[Finding]:
    if "pairs" in records[-1] and _late_mean(records, "pairs") == 0:
        yield Finding(
            "no pairs",
            "no source and target video were similar enough to form a pair at the end: "
            "co-attention, alignment and discriminators stood still",
            "lower METHOD.pair.threshold, or choose METHOD.pair.rule=topk",
        )
    pseudo = getattr(options, "pseudo", None)
    wanted = pseudo is None or pseudo.threshold < 1
    if wanted and records[-1].get("pseudo_rate", 1) == 0:
        yield Finding(
            "no pseudo-labels",
            "no target video was confident enough for a pseudo-label at the end",
            "lower METHOD.pseudo.threshold, or train longer (LONGER)",
        )


def _alignment(records: Records) -> Iterator[Finding]:
    if "align_same_row" in records[-1]:
        rate = _late_mean(records, "align_same_row")
        if rate > _COLLAPSED:
            yield Finding(
                "alignment collapsed",
                f"{rate:.0%} of the target segments are aligned to one and the same source segment "
                "position: time is not matched",
                "METHOD.score_features=l2 and METHOD.align_norm=joint if they were changed, or a "
                "higher METHOD.tau",
            )


def _attention(records: Records, warmup: WarmupConfig) -> Iterator[Finding]:
    """The attention network counts as ready once its loss is below the threshold, or below the
    ratio of a uniform guess's."""

    def ready(record: Mapping[str, float]) -> bool:
        enough = warmup.threshold
        if enough is None:
            enough = warmup.ratio * record["attention_uniform"]
        return record["attention"] < enough

    until = next((n for n, r in enumerate(records) if r.get("attention_on", 0) > 0), None)
    if "attention_on" not in records[-1] or not any(r["attention_uniform"] for r in records):
        return  # no such network, or nothing to learn: no pairs, or a single segment
    seen = records if until is None else records[: until + 1]
    if not any(map(ready, seen)):
        yield Finding(
            "attention forced",
            "the target attention never passed the warm-up threshold: it was switched on at "
            "the latest moment, hardly better than uniform",
            "raise METHOD.lambda_a or METHOD.warmup.max_progress; a smaller METHOD.att_tau gives "
            "it more to learn",
        )


def _late_mean(records: Records, key: str) -> float:
    late = records[-max(1, round(_LATE * len(records))) :]
    values = [record[key] for record in late if key in record]
    return sum(values) / max(len(values), 1)
