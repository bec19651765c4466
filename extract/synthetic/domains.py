"""The two domains: how their clips look and where in a clip the action happens."""

from __future__ import annotations

from dataclasses import dataclass

Range = tuple[float, float]  # drawn from uniformly, once per clip


@dataclass(frozen=True)
class Timing:
    """When things happen in a clip.

    ``frames`` is the shortest and the longest clip. ``action`` is the share of the clip that the
    action's own phases fill, ``lead`` the share of the remaining idle time that comes before them.
    The motion is slower where ``action * frames / fps`` is larger.
    """

    fps: int
    frames: tuple[int, int]
    action: Range
    lead: Range


@dataclass(frozen=True)
class Look:
    """What a clip looks like before it is encoded.

    ``size`` is (width, height) in pixels and ``backdrop`` names a painter of ``scene``, whose
    picture is multiplied by ``daylight``. ``figure`` is the standing height as a share of the
    frame's height, ``girth`` a factor on the thickness of the limbs; a clip's clothes have one of
    the ``hues`` (0 to 1) and the brightness ``light``. The camera is turned by ``tilt`` degrees and
    swings by up to ``pan`` (a share of the frame) and ``zoom`` (of 1). ``blur`` is a radius in
    pixels, ``noise`` a standard deviation in grey levels.
    """

    size: tuple[int, int]
    backdrop: str
    figure: Range
    girth: Range
    hues: tuple[float, ...]
    light: Range
    daylight: Range
    tilt: Range = (0.0, 0.0)
    pan: float = 0.0
    zoom: float = 0.0
    blur: Range = (0.0, 0.0)
    noise: float = 0.0


@dataclass(frozen=True)
class Codec:
    """How a clip is written: file suffix, name of the encoder and its options.

    Every frame is to be encoded alone ("g": "1") and equally well. Otherwise how clean a frame is
    tells its time in the clip, and the order of the control classes can be read from single frames.
    """

    suffix: str
    name: str
    options: dict[str, str]


@dataclass(frozen=True)
class Domain:
    """One domain; ``name`` is also the name of its folder and list."""

    name: str
    timing: Timing
    look: Look
    codec: Codec


SOURCE = Domain(
    name="source",
    timing=Timing(fps=20, frames=(44, 56), action=(0.31, 0.37), lead=(0.08, 0.35)),
    look=Look(
        size=(160, 120),
        backdrop="studio",
        figure=(0.60, 0.72),
        girth=(0.95, 1.1),
        hues=(0.30, 0.60, 0.98),
        light=(0.45, 0.65),
        daylight=(0.85, 1.05),
        tilt=(-3.0, 3.0),
        blur=(0.0, 0.6),
        noise=4.0,
    ),
    codec=Codec(".avi", "mpeg4", {"g": "1", "qmin": "3", "qmax": "3"}),
)

TARGET = Domain(
    name="target",
    timing=Timing(fps=15, frames=(60, 78), action=(0.29, 0.35), lead=(0.65, 0.92)),
    look=Look(
        size=(192, 144),
        backdrop="outdoor",
        figure=(0.64, 0.70),
        girth=(0.95, 1.1),
        hues=(0.15,),
        light=(0.75, 0.95),
        daylight=(0.85, 1.2),
        tilt=(-5.0, 5.0),
        pan=0.03,
        zoom=0.04,
        blur=(0.6, 1.0),
        noise=5.0,
    ),
    codec=Codec(".mp4", "libx264", {"g": "1", "qp": "33", "preset": "veryfast"}),
)
