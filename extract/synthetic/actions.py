"""The classes: every action is one or two phases, and a phase is a path through a few poses."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from .pose import Pose, blend

REST = Pose()


@dataclass(frozen=True)
class Phase:
    """Named motion from REST through ``poses`` back to REST.

    The poses are evenly spaced over the middle 64 % of the phase; a pose given twice in a row is
    held. Starting and ending at REST lets any phase follow any other without a jump.
    """

    name: str
    poses: tuple[Pose, ...]

    def at(self, time: float) -> Pose:
        """The pose at ``time``, 0 (start) to 1 (end of the phase)."""
        count = len(self.poses)
        middle = [0.18 + 0.64 * i / max(count - 1, 1) for i in range(count)]
        keys = [(0.0, REST), *zip(middle, self.poses, strict=True), (1.0, REST)]
        for (start, first), (end, second) in pairwise(keys):
            if time <= end:
                share = (time - start) / (end - start)
                return blend(first, second, share * share * (3 - 2 * share))  # ease in and out
        return REST


@dataclass(frozen=True)
class Action:
    """One class: ``phases`` in the order in which a clip shows them, with idle time between."""

    name: str
    phases: tuple[Phase, ...]


def _swing(first: Pose, second: Pose, times: int) -> tuple[Pose, ...]:
    return (first, second) * times


def _action(name: str, *poses: Pose) -> Action:
    return Action(name, (Phase(name, poses),))


_WAVE = Pose(arm_right=165, elbow_right=-25)
_WAVE_OUT = Pose(arm_right=150, elbow_right=25)
_STAR = Pose(arm_right=135, arm_left=135, leg_right=38, leg_left=38, lift=0.12)
_STAR_LOW = Pose(arm_right=120, arm_left=120, leg_right=34, leg_left=34)
_SQUAT = Pose(
    arm_right=85, elbow_right=-130, arm_left=85, elbow_left=-130,
    leg_right=72, knee_right=-72, leg_left=72, knee_left=-72,
)  # fmt: skip
_SQUAT_HIGH = blend(REST, _SQUAT, 0.8)
_BOW = Pose(lean=88, head=10, arm_right=85, arm_left=-70, leg_right=6, leg_left=6)
_BOW_LOW = Pose(lean=105, head=15, arm_right=100, arm_left=-90, leg_right=6, leg_left=6)
_KICK = Pose(lean=-28, arm_right=60, arm_left=75, leg_right=100, leg_left=8)
_KICK_LOW = Pose(lean=-15, arm_right=50, arm_left=55, leg_right=65, leg_left=6)
_LIE = Pose(roll=88, arm_right=20, arm_left=20, leg_right=6, leg_left=8)
_LIE_STIR = Pose(roll=88, arm_right=20, arm_left=60, leg_right=6, leg_left=20)
_HANDSTAND = Pose(roll=180, arm_right=170, arm_left=170, leg_right=8, leg_left=8)
_HANDSTAND_OPEN = Pose(roll=180, arm_right=170, arm_left=170, leg_right=35, leg_left=35)
_LUNGE = Pose(lean=12, arm_right=92, arm_left=100, leg_right=75, knee_right=-75, leg_left=55)
_LUNGE_DEEP = Pose(lean=18, arm_right=98, arm_left=105, leg_right=82, knee_right=-82, leg_left=62)

MAIN: tuple[Action, ...] = (
    _action("wave", *_swing(_WAVE, _WAVE_OUT, 2)),
    _action("star_jump", *_swing(_STAR_LOW, _STAR, 2)),
    _action("squat", *_swing(_SQUAT, _SQUAT_HIGH, 2)),
    _action("bow", _BOW, _BOW_LOW),
    _action("kick", _KICK, _KICK_LOW, _KICK),
    _action("lie_down", *_swing(_LIE, _LIE_STIR, 2)),
    _action("handstand", *_swing(_HANDSTAND, _HANDSTAND_OPEN, 2)),
    _action("lunge", _LUNGE, _LUNGE_DEEP, _LUNGE),
)

# Two phases in both orders: only a method that knows the order of the segments tells them apart.
_RAISE = Phase("raise", (Pose(arm_right=172, arm_left=172),) * 2)
_CROUCH = Phase(
    "crouch",
    (
        Pose(
            head=20, arm_right=35, elbow_right=-75, arm_left=35, elbow_left=-75,
            leg_right=80, knee_right=-120, leg_left=80, knee_left=-120,
        ),
    ) * 2,
)  # fmt: skip
CONTROL: tuple[Action, ...] = (
    Action("raise_then_crouch", (_RAISE, _CROUCH)),
    Action("crouch_then_raise", (_CROUCH, _RAISE)),
)

_STEP_RIGHT = Pose(arm_right=25, elbow_right=-20, leg_right=24, knee_right=-40, lean=-4)
_STEP_LEFT = Pose(arm_left=25, elbow_left=-20, leg_left=24, knee_left=-40, lean=4)

# What every class does while it does nothing: activity that says nothing about the class.
IDLE: tuple[Phase, ...] = (
    Phase("stand", (REST,)),
    Phase("sway", (Pose(lean=6, head=4), Pose(lean=-6, head=-4))),
    Phase("walk", _swing(_STEP_RIGHT, _STEP_LEFT, 2)),
    Phase("shrug", (Pose(arm_right=40, elbow_right=55, arm_left=40, elbow_left=55),) * 2),
    Phase("look_aside", (Pose(lean=5, head=32), Pose(lean=-5, head=-32))),
    Phase("akimbo", (Pose(arm_right=48, elbow_right=-95, arm_left=48, elbow_left=-95),) * 2),
)
