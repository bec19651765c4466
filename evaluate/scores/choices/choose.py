"""All choices without target labels that an evaluation is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ....adapt.config import recommended
from ....cache import InputError
from ...runs.groups import Group
from ...runs.truth import TrueClasses
from .methods import select_methods
from .outcomes import Outcome, outcomes_of
from .recommend import findings_of, recommend
from .recommendation import Recommendation
from .selection import Selection, select_epochs, select_setting
from .validators import DEFAULT


@dataclass(frozen=True)
class Choices:
    """What validators choose.

    Args:
        selections: what they choose among.
        outcomes: what the choices reach where the target has labels.
        recommendations: of a method, in the order of the selections; empty where other things are
            chosen.
        left_out: what chooses nothing or is not chosen among, and why, in sentences.
    """

    selections: tuple[Selection, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    recommendations: tuple[Recommendation, ...] = ()
    left_out: tuple[str, ...] = ()


def default_validator(select: str | None) -> str:
    """What chooses where no validator is named: methods are chosen by the one that the recommended
    methods were studied with."""
    return recommended.VALIDATOR if select == "method" else DEFAULT


def choose(
    groups: Sequence[Group], select: str, validators: Sequence[str], source: TrueClasses
) -> Choices:
    """Choose what was asked for.

    Args:
        groups: of runs.
        select: "epoch", "method", "segments" or a setting.
        validators: whose choices are scored; the first of them recommends a method.
        source: the source's true classes.

    Raises:
        InputError: there is nothing to choose among, or a validator cannot choose.
    """
    oracles = {group.method for group in groups if group.reads_target_labels}
    left_out = [
        f"{method} is left out: it trains on target labels, so no choice would be label-free."
        for method in sorted(oracles)
    ]
    groups = [group for group in groups if group.method not in oracles]
    if not groups:
        raise InputError(f"{left_out[0]} No other run is left to choose from: name some")
    if select == "epoch":
        selections = select_epochs(groups, source)
    elif select == "method":
        selections, others = select_methods(groups, source)
        if not selections:
            raise InputError(
                f"{others[0].removesuffix('.')} (tcon adapt --method {recommended.NAME} makes runs "
                "to choose among)"
            )
        left_out += others
    else:
        selections = select_setting(groups, select, source)
    for selection in selections:
        for name in validators:
            if name in selection.left_out:
                raise InputError(f"the validator {name} cannot choose: {selection.left_out[name]}")
    reasons = {f"{n} is left out: {why}." for s in selections for n, why in s.left_out.items()}
    advice = _recommendations(selections, validators[0]) if select == "method" else ()
    return Choices(
        selections=tuple(selections),
        outcomes=tuple(outcomes_of(selections, validators, advice)),
        recommendations=advice,
        left_out=(*left_out, *sorted(reasons)),
    )


def recommend_unasked(groups: Sequence[Group], source: TrueClasses) -> Choices:
    """Recommend a method to whoever evaluates several on an unlabelled target.

    Args:
        groups: whose target is unlabelled.
        source: the source's true classes.

    Returns:
        recommendations, and why there are none of some groups; nothing of a single method.
    """
    if len({group.method for group in groups}) < 2:
        return Choices()
    name = recommended.VALIDATOR
    selections, others = select_methods(groups, source, (name,))
    return Choices(recommendations=_recommendations(selections, name), left_out=tuple(others))


def _recommendations(selections: Sequence[Selection], validator: str) -> tuple[Recommendation, ...]:
    return tuple(recommend(one, validator, findings_of(one)) for one in selections)
