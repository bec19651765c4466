"""Poses to pixels."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from .actions import REST, Action
from .domains import Domain, Look
from .pose import HEAD, Pose, Skeleton, blend, skeleton
from .scene import Colour, Scene, View, draw_scene
from .timeline import Seed, clip_timeline, stream
from .tints import clip_tint

_OVERSAMPLE = 2  # the figure is drawn this much larger and averaged down, for smooth edges


def render_clip(action: Action, domain: Domain, seed: Seed) -> np.ndarray:
    """One clip as uint8 RGB frames [T, H, W, 3]; the same arguments give the same pixels."""
    timeline = clip_timeline(action, domain, seed)
    tint = None if domain.tints is None else clip_tint(action, domain.tints, seed)
    scene = draw_scene(domain.look, len(timeline.poses), seed, tint=tint)
    poses = _lifelike(timeline.poses, stream(seed, "sway"))
    grain = _Grain(domain.look, stream(seed, "grain"))
    return np.stack(
        [
            grain.on(render_frame(pose, scene, view))
            for pose, view in zip(poses, scene.views, strict=True)
        ]
    )


def render_frame(pose: Pose, scene: Scene, view: View) -> np.ndarray:
    """The figure in ``pose`` before the scene's backdrop, uint8 RGB [H, W, 3], without noise."""
    image = _backdrop(scene, view).resize(
        (scene.size[0] * _OVERSAMPLE, scene.size[1] * _OVERSAMPLE), Image.Resampling.NEAREST
    )
    _draw_figure(ImageDraw.Draw(image), skeleton(pose), scene, view)
    image = image.reduce(_OVERSAMPLE)
    if scene.blur > 0:
        image = image.filter(ImageFilter.BoxBlur(scene.blur))
    return np.asarray(image)


class _Grain:
    """Sensor noise: one sheet of it, laid on every frame at another place (fresh noise is slow)."""

    def __init__(self, look: Look, rng: np.random.Generator) -> None:
        shape = (2 * look.size[1], 2 * look.size[0], 3)
        self._sheet = (rng.standard_normal(shape) * look.noise).round().astype(np.int16)
        self._rng = rng

    def on(self, frame: np.ndarray) -> np.ndarray:
        height, width, _ = frame.shape
        top, left = self._rng.integers((height, width), endpoint=True)
        grain = self._sheet[top : top + height, left : left + width]
        return (frame + grain).clip(0, 255).astype(np.uint8)


def _lifelike(poses: tuple[Pose, ...], rng: np.random.Generator) -> list[Pose]:
    """The clean poses as one actor performs them: his own vigour, and never quite still."""
    vigour = rng.uniform(0.9, 1.06)
    phases, rates = rng.uniform(0, 2 * math.pi, 5), rng.uniform(0.1, 0.3, 5)
    alive = []
    for i, pose in enumerate(poses):
        lean, head, right, left, leg = np.sin(phases + rates * i)
        pose = blend(REST, pose, vigour)
        alive.append(
            replace(
                pose,
                lean=pose.lean + 2 * lean,
                head=pose.head + 4 * head,
                arm_right=pose.arm_right + 4 * right,
                arm_left=pose.arm_left + 4 * left,
                leg_right=pose.leg_right + 2 * leg,
            )
        )
    return alive


def _backdrop(scene: Scene, view: View) -> Image.Image:
    """The part of the backdrop that the camera sees."""
    turn = math.radians(view.turn)
    cos, sin = math.cos(turn) / view.zoom, math.sin(turn) / view.zoom
    (width, height), (full_width, full_height) = scene.size, scene.backdrop.size
    x, y = width / 2 + view.right, height / 2 + view.down
    inverse = (
        cos, sin, full_width / 2 - cos * x - sin * y,
        -sin, cos, full_height / 2 + sin * x - cos * y,
    )  # fmt: skip
    return scene.backdrop.transform(
        scene.size, Image.Transform.AFFINE, inverse, Image.Resampling.BILINEAR
    )


def _draw_figure(draw: ImageDraw.ImageDraw, figure: Skeleton, scene: Scene, view: View) -> None:
    def place(point: tuple[float, float]) -> tuple[float, float]:
        """A point of the skeleton in pixels of the oversampled frame."""
        side = -1 if scene.mirror else 1
        x = scene.foot[0] + side * point[0] * scene.height - scene.size[0] / 2
        y = scene.foot[1] - point[1] * scene.height - scene.size[1] / 2
        turn = math.radians(view.turn)
        cos, sin = math.cos(turn) * view.zoom, math.sin(turn) * view.zoom
        right = cos * x - sin * y + scene.size[0] / 2 + view.right
        down = sin * x + cos * y + scene.size[1] / 2 + view.down
        return right * _OVERSAMPLE, down * _OVERSAMPLE

    unit = scene.height * view.zoom * _OVERSAMPLE
    limb = 0.075 * scene.girth * unit
    for leg in figure.legs:
        _stroke(draw, [place(point) for point in leg], limb * 1.15, scene.trousers)
    shoulders = [place(arm[0]) for arm in figure.arms]
    hips = [place(leg[0]) for leg in figure.legs]
    trunk = [shoulders[0], shoulders[1], hips[1], hips[0], shoulders[0]]
    draw.polygon(trunk, fill=scene.shirt)
    _stroke(draw, trunk, limb * 0.9, scene.shirt)
    for arm in figure.arms:
        points = [place(point) for point in arm]
        _stroke(draw, points, limb, scene.shirt)
        _dot(draw, points[-1], limb * 0.6, scene.skin)
    _dot(draw, place(figure.head), HEAD * unit, scene.skin)


def _stroke(
    draw: ImageDraw.ImageDraw, points: list[tuple[float, float]], width: float, colour: Colour
) -> None:
    """A thick line through ``points`` with round joints and ends."""
    draw.line(points, fill=colour, width=round(width))
    for point in points:
        _dot(draw, point, width / 2, colour)


def _dot(
    draw: ImageDraw.ImageDraw, centre: tuple[float, float], radius: float, colour: Colour
) -> None:
    x, y = centre
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
