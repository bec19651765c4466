"""Recipes as older versions wrote them: flat texts in feature files, flow caches and runs.

Feature files up to version 2 and flow caches up to version 2 held them as attributes, runs as
``target_provenance`` in their config.json.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from .common.records import from_data
from .recipe import FlowParameters, FlowRecipe, Preprocessing, Recipe, Sampling, Views

OLD_COLUMNS = {"early_stopped": "bounded"}  # of the table of videos, up to version 2
_IMPORTED = "imported: "
_NUMBER = r"[-+.\de]+"
_PREPROCESSING = re.compile(
    rf"(?P<order>RGB|BGR|flow) 0-(?P<range>{_NUMBER}), "
    r"(?:short side (?P<short>\d+)|(?P<height>\d+)x(?P<width>\d+)) "
    r"\(bilinear(?P<antialias>, antialiased)?\), centre (?P<size>\d+)x(?P=size), "
    r"mean (?P<mean>\([^()]*\)), std (?P<std>\([^()]*\))"
)
_FLOW = re.compile(rf"tvl1 (\S+) at 340x256, bound ({_NUMBER}), (8 bit|float)")


def recipe_from_texts(values: Mapping[str, object]) -> Recipe:
    """The recipe of a modality from its flat fields; others are ignored.

    Raises:
        ValueError: a field is missing, or says what this version cannot read.
    """
    made: dict[str, Any] = {f.name: values[f.name] for f in fields(Recipe) if f.name in values}
    text = str(made.get("preprocessing", ""))
    made["preprocessing"] = _preprocessing(text)
    # A text that `extract` never wrote is of features that somebody else made.
    made["imported"] = "" if made["preprocessing"] else text.removeprefix(_IMPORTED)
    sampling = str(made.get("sampling", ""))
    made["sampling"] = None if sampling == "imported" else _sampling(sampling)
    made["views"] = _views(str(made.get("views", "centre")))
    made["flow"] = flow_from_text(str(made["flow"])) if made.get("flow") else None
    return from_data(Recipe, made)


def flow_from_text(text: str) -> FlowRecipe:
    """How flow was computed, from the text ``tvl1 NAME=VALUE,... at 340x256, bound 20, 8 bit``.

    Raises:
        ValueError: anything else.
    """
    match = _FLOW.fullmatch(text)
    if match is None:
        raise ValueError(f"its flow is described by '{text[:80]}', which no version of tcon writes")
    values = dict(part.split("=", 1) for part in match[1].split(",") if "=" in part)
    parameters = from_data(FlowParameters, values)
    return FlowRecipe(parameters=parameters, bound=float(match[2]), quantised=match[3] == "8 bit")


def _preprocessing(text: str) -> Preprocessing | None:
    match = _PREPROCESSING.fullmatch(text)
    if match is None:
        return None
    values = {
        "resize": match["short"] or (match["height"], match["width"]),
        "input_size": match["size"],
        "antialias": bool(match["antialias"]),
        "mean": ast.literal_eval(match["mean"]),
        "std": ast.literal_eval(match["std"]),
        "channel_order": "" if match["order"] == "flow" else match["order"],
        "value_range": match["range"],
    }
    return from_data(Preprocessing, values)


def _sampling(text: str) -> Sampling:
    rule, _, value = text.partition(":")
    return from_data(Sampling, {"rule": rule, "value": value})


def _views(text: str) -> Views:
    kind, _, draws = text.partition(":")
    return from_data(Views, {"kind": kind, "draws": draws or 0})
