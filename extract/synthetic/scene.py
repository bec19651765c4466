"""One clip's surroundings, drawn from its domain's look: backdrop, clothes and camera."""

from __future__ import annotations

import colorsys
import math
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageFilter

from .domains import Look
from .timeline import Seed, stream

Colour = tuple[int, int, int]
_PLACE = 7  # seeds the backdrops: a domain is filmed at one place, whatever the clip
MARGIN = 1.5  # the backdrop is larger than the frame by this factor, for the camera to move over
_GLASS = 0.5  # saturation of a tint
GROUND = 0.91  # where the figure stands, as a share of the frame's height


@dataclass(frozen=True)
class View:
    """The camera at one frame: turn in degrees, travel in pixels, magnification."""

    turn: float
    right: float
    down: float
    zoom: float


@dataclass(frozen=True)
class Scene:
    """Everything about a clip but its poses. Lengths in pixels of the finished frame."""

    size: tuple[int, int]
    backdrop: Image.Image
    height: float
    girth: float
    foot: tuple[float, float]
    mirror: bool
    skin: Colour
    shirt: Colour
    trousers: Colour
    views: tuple[View, ...]
    blur: float


def draw_scene(look: Look, frames: int, seed: Seed, *, tint: float | None = None) -> Scene:
    """The scene of one clip of ``frames`` frames, its backdrop in the hue ``tint`` if any."""
    rng = stream(seed, "scene")
    width, height = look.size
    hue = float(rng.choice(look.hues) + rng.uniform(-0.03, 0.03))
    light = rng.uniform(*look.light)
    return Scene(
        size=look.size,
        backdrop=_tinted(_place(look, rng), tint),
        height=height * rng.uniform(*look.figure),
        girth=rng.uniform(*look.girth),
        foot=(width * rng.uniform(0.44, 0.56), height * GROUND),
        mirror=bool(rng.random() < 0.5),
        skin=_colour(0.07, rng.uniform(0.35, 0.6), rng.uniform(0.6, 0.95)),
        shirt=_colour(hue, 0.75, light),
        trousers=_colour(hue + 0.45, 0.5, light * 0.7),
        views=_camera(look, frames, rng),
        blur=rng.uniform(*look.blur),
    )


def _camera(look: Look, frames: int, rng: np.random.Generator) -> tuple[View, ...]:
    """A slow swing whose phase is random, so that the view does not tell the time in the clip."""
    turn = rng.uniform(*look.tilt)
    phases = rng.uniform(0, 2 * math.pi, 3)
    speed = 2 * math.pi * rng.uniform(0.6, 1.2) / frames
    swings = np.sin(phases + speed * np.arange(frames)[:, None])
    width, height = look.size
    return tuple(
        View(
            turn=turn,
            right=look.pan * width * x,
            down=look.pan * height * y / 2,
            zoom=1 + look.zoom * z,
        )
        for x, y, z in swings
    )


def _place(look: Look, rng: np.random.Generator) -> Image.Image:
    """The domain's one place, in the light of the day."""
    studio, park = (paint(look.size, np.random.default_rng(_PLACE)) for paint in (_studio, _park))
    painted = Image.blend(studio, park, look.park)
    return ImageEnhance.Brightness(painted).enhance(rng.uniform(*look.daylight))


def _tinted(backdrop: Image.Image, hue: float | None) -> Image.Image:
    """The backdrop as through coloured glass."""
    if hue is None:
        return backdrop
    glass = Image.new("RGB", backdrop.size, _colour(hue, _GLASS, 1.0))
    return ImageChops.multiply(backdrop, glass)


def _colour(hue: float, saturation: float, value: float) -> Colour:
    red, green, blue = colorsys.hsv_to_rgb(hue % 1, saturation, value)
    return round(red * 255), round(green * 255), round(blue * 255)


def _studio(size: tuple[int, int], rng: np.random.Generator) -> Image.Image:
    """A bright, plain wall and floor."""
    width, height = (round(side * MARGIN) for side in size)
    hue = rng.uniform(0.5, 0.65)
    image = Image.new("RGB", (width, height), _colour(hue, 0.08, rng.uniform(0.88, 0.98)))
    horizon = round((height - size[1]) / 2 + size[1] * rng.uniform(0.70, 0.78))
    floor = _colour(hue + 0.5, 0.14, rng.uniform(0.76, 0.86))
    ImageDraw.Draw(image).rectangle((0, horizon, width, height), fill=floor)
    return image.filter(ImageFilter.GaussianBlur(1))


def _park(size: tuple[int, int], rng: np.random.Generator) -> Image.Image:
    """A dark park at dusk: mottled sky and grass, bushes, trunks, stones."""
    width, height = (round(side * MARGIN) for side in size)
    top = (height - size[1]) / 2
    horizon = round(top + size[1] * rng.uniform(0.60, 0.72))
    hue = rng.uniform(0.24, 0.36)
    image = Image.new("RGB", (width, height), _colour(rng.uniform(0.55, 0.7), 0.4, 0.35))
    draw = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(8, 13))):  # bushes along the horizon
        x, radius = rng.uniform(0, width), size[1] * rng.uniform(0.08, 0.22)
        box = (x - radius, horizon - radius, x + radius, horizon + radius)
        draw.ellipse(box, fill=_colour(hue + rng.uniform(-0.05, 0.05), 0.5, rng.uniform(0.15, 0.3)))
    for _ in range(int(rng.integers(3, 7))):  # trunks
        x, half = rng.uniform(0, width), size[0] * rng.uniform(0.012, 0.03)
        bark = _colour(0.08, 0.5, rng.uniform(0.15, 0.32))
        draw.rectangle((x - half, 0, x + half, horizon + half), fill=bark)
    draw.rectangle((0, horizon, width, height), fill=_colour(hue, 0.5, rng.uniform(0.2, 0.32)))
    for _ in range(int(rng.integers(10, 18))):  # stones and leaves on the grass
        x, y, radius = rng.uniform(0, width), rng.uniform(horizon, height), rng.uniform(1, 4)
        box = (x - 2 * radius, y - radius, x + 2 * radius, y + radius)
        draw.ellipse(box, fill=_colour(rng.uniform(0.05, 0.2), 0.3, rng.uniform(0.2, 0.45)))
    return _mottled(image, rng)


def _mottled(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """``image`` times smooth random patches of two sizes."""
    pixels = np.asarray(image, np.float32)
    for cell, depth in ((32, 0.2), (6, 0.08)):
        coarse = rng.uniform(1 - depth, 1 + depth, (image.height // cell, image.width // cell))
        patches = Image.fromarray(coarse.astype(np.float32))
        smooth = patches.resize(image.size, Image.Resampling.BICUBIC)
        pixels = pixels * np.asarray(smooth)[..., None]
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
