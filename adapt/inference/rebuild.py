"""A run's options and trained weights, read back from its folder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from ..config.runs import RunConfig, default_options
from ..config.settings import apply_settings
from ..run_folder import flatten

Statistics = Mapping[str, Mapping[str, Tensor]]


def run_config(config: Mapping[str, Any]) -> RunConfig:
    """The options of a run from its ``config.json``.

    Raises:
        InputError: options that this version does not know.
    """
    method, end_to_end = config["method"], bool(config.get("end_to_end"))
    parts = {"train": "train", method: "options"} | ({"e2e": "end_to_end"} if end_to_end else {})
    settings = [
        f"{root}.{key}={value}"
        for root, part in parts.items()
        for key, value in flatten(config[part]).items()
    ]
    options = apply_settings(settings, default_options([method], end_to_end=end_to_end))
    return RunConfig(
        method=method,
        modality=config["modality"],
        segments=config["segments"],
        seed=config["seed"],
        preset=config["preset"],
        train=options["train"],
        options=options[method],
        end_to_end=options.get("e2e"),
    )
