"""The figure: a pose as joint angles, and the points of its skeleton."""

from __future__ import annotations

import math
from dataclasses import dataclass

# Lengths as shares of the standing body height.
TORSO, NECK, HEAD = 0.30, 0.03, 0.085
UPPER_ARM, FOREARM = 0.19, 0.19
THIGH, SHIN = 0.23, 0.23
SHOULDER, HIP = 0.105, 0.065  # half widths
LIMB = 0.04  # radius of a limb: the points of the skeleton stay this far above the ground


@dataclass(frozen=True)
class Pose:
    """Joint angles in degrees; all are 0 in a soldier's stance, arms and legs straight down.

    ``right`` and ``left`` are the sides of the picture. An arm or leg angle grows outwards and up
    (90 is horizontal, 180 overhead); an elbow or knee angle adds to it, so a negative one folds
    the limb back in. ``lean`` tilts the torso and ``roll`` the whole body, clockwise. ``lift`` is
    the height above the ground in body heights.
    """

    lean: float = 0.0
    head: float = 0.0
    arm_right: float = 12.0
    elbow_right: float = 0.0
    arm_left: float = 12.0
    elbow_left: float = 0.0
    leg_right: float = 4.0
    knee_right: float = 0.0
    leg_left: float = 4.0
    knee_left: float = 0.0
    roll: float = 0.0
    lift: float = 0.0


@dataclass(frozen=True)
class Skeleton:
    """Points (x, y) in body heights: x to the right of the hips, y up from the ground.

    An arm is (shoulder, elbow, hand), a leg (hip, knee, foot), right one first.
    """

    head: tuple[float, float]
    arms: tuple[tuple[tuple[float, float], ...], ...]
    legs: tuple[tuple[tuple[float, float], ...], ...]


def blend(first: Pose, second: Pose, share: float) -> Pose:
    """The pose at ``share`` (0 to 1, beyond to exaggerate) of the way between two."""
    pairs = zip(vars(first).values(), vars(second).values(), strict=True)
    return Pose(*(a + (b - a) * share for a, b in pairs))


def skeleton(pose: Pose) -> Skeleton:
    """The figure's points, with its lowest one ``pose.lift`` above the ground."""
    body, torso = -pose.roll, -pose.roll - pose.lean
    chest = _step((0.0, 0.0), torso + 180, TORSO)
    head = _step(chest, torso - pose.head + 180, NECK + HEAD)
    arms, legs = [], []
    for side, arm, elbow, leg, knee in (
        (1, pose.arm_right, pose.elbow_right, pose.leg_right, pose.knee_right),
        (-1, pose.arm_left, pose.elbow_left, pose.leg_left, pose.knee_left),
    ):
        shoulder = _step(chest, torso + 90 * side, SHOULDER)
        hip = _step((0.0, 0.0), body + 90 * side, HIP)
        arms.append(_limb(shoulder, torso, side * arm, side * elbow, (UPPER_ARM, FOREARM)))
        legs.append(_limb(hip, body, side * leg, side * knee, (THIGH, SHIN)))
    lowest = min(y for limb in (*arms, *legs) for _, y in limb) - LIMB
    up = pose.lift - min(lowest, head[1] - HEAD)
    return Skeleton(
        head=_raised(head, up),
        arms=tuple(tuple(_raised(point, up) for point in arm) for arm in arms),
        legs=tuple(tuple(_raised(point, up) for point in leg) for leg in legs),
    )


def _step(start: tuple[float, float], angle: float, length: float) -> tuple[float, float]:
    """The point ``length`` away from ``start``; angle 0 is down, 90 right, 180 up."""
    turn = math.radians(angle)
    return start[0] + math.sin(turn) * length, start[1] - math.cos(turn) * length


def _limb(
    start: tuple[float, float], base: float, joint: float, bend: float, lengths: tuple[float, float]
) -> tuple[tuple[float, float], ...]:
    middle = _step(start, base + joint, lengths[0])
    return start, middle, _step(middle, base + joint + bend, lengths[1])


def _raised(point: tuple[float, float], up: float) -> tuple[float, float]:
    return point[0], point[1] + up
