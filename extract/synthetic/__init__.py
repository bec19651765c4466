"""Synthetic clips of two domains: a drawn figure performs eight actions, and two as a control.

``pose`` is the figure, ``actions`` are the classes, ``domains`` the two looks and timings. From
these ``timeline`` makes the script of a clip, ``scene`` its surroundings and ``render`` its pixels;
``videos`` writes the files and lists of the whole pair.
"""

from .actions import CONTROL, IDLE, MAIN, Action, Phase
from .domains import SOURCE, TARGET, Domain
from .render import render_clip
from .timeline import Timeline, clip_seed, clip_timeline
from .videos import Pair, write_pair

__all__ = [
    "CONTROL",
    "IDLE",
    "MAIN",
    "SOURCE",
    "TARGET",
    "Action",
    "Domain",
    "Pair",
    "Phase",
    "Timeline",
    "clip_seed",
    "clip_timeline",
    "render_clip",
    "write_pair",
]
