"""What makes a domain: how its clips look, and where in a clip the action happens."""

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

    ``size`` is (width, height) in pixels. The backdrop blends the pictures of a studio and, by the
    share ``park``, of a park, and is multiplied by ``daylight``. ``figure`` is the standing height
    as a share of the frame's height, ``girth`` a factor on the thickness of the limbs; a clip's
    clothes have one of the ``hues`` (a turn around the colour circle is 1) and the brightness
    ``light``. The camera is turned by ``tilt`` degrees and swings by up to ``pan`` (a share of the
    frame) and ``zoom`` (of 1). ``blur`` is a radius in pixels, ``noise`` a standard deviation in
    grey levels.
    """

    size: tuple[int, int]
    park: float
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
class Tints:
    """Colours laid over the backdrops, one for each of the first ``classes`` main actions.

    The share ``bias`` of a main action's clips has that action's tint, all others a random one.
    """

    bias: float
    classes: int


@dataclass(frozen=True)
class Domain:
    """One domain; ``name`` is also the name of its folder and list.

    Without ``tints`` its backdrop has its own colours in every clip.
    """

    name: str
    timing: Timing
    look: Look
    codec: Codec
    tints: Tints | None = None
