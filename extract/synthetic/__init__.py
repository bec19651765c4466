"""Synthetic clips of two domains: a drawn figure performs eight actions, and two as a control.

``world`` has the knobs: how misaligned in time the domains are, how different they look, and more.
``pose`` is the figure, ``actions`` are the classes, ``domains`` says what a look and a timing are.
From these ``timeline`` makes the script of a clip, ``tints`` the colour of its background,
``scene`` its surroundings and ``render`` its pixels; ``videos`` writes the files and lists.
"""

from .actions import CONTROL, IDLE, MAIN, Action, Phase
from .domains import Domain
from .render import render_clip
from .timeline import Timeline, clip_seed, clip_timeline
from .videos import Pair, write_pair
from .world import World

__all__ = [
    "CONTROL",
    "IDLE",
    "MAIN",
    "Action",
    "Domain",
    "Pair",
    "Phase",
    "Timeline",
    "World",
    "clip_seed",
    "clip_timeline",
    "render_clip",
    "write_pair",
]
