"""The hue of a clip's background, which may tell its class."""

from __future__ import annotations

from .actions import MAIN, Action
from .domains import Tints
from .timeline import Seed, stream


def clip_tint(action: Action, tints: Tints, seed: Seed) -> float:
    """The hue (0 to 1) of one clip's background.

    Whether it is its action's is drawn once: with a greater bias the same clips have it, and more.
    The control's actions have none of their own.
    """
    rng = stream(seed, "tint")
    chosen = next(int(k) for k in rng.permutation(len(MAIN)) if k < tints.classes)
    if rng.random() < tints.bias and action in MAIN:
        chosen = MAIN.index(action)
    return chosen / len(MAIN)
