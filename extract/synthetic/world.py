"""The knobs of the synthetic pair, and the two domains that they make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from ...cache.common.ranges import Share, SomeShare, Whole
from ...cache.common.records import InvalidField, validate
from .actions import CONTROL, MAIN, Action
from .domains import Codec, Domain, Look, Range, Timing, Tints

_STUDIO = Look(
    size=(160, 120),
    park=0.0,
    figure=(0.60, 0.72),
    girth=(0.95, 1.1),
    hues=(0.30, 0.60, -0.02),
    light=(0.45, 0.65),
    daylight=(0.85, 1.05),
    tilt=(-3.0, 3.0),
    blur=(0.0, 0.6),
    noise=4.0,
)
_PARK = Look(
    size=(192, 144),
    park=1.0,
    figure=(0.64, 0.70),
    girth=(0.95, 1.1),
    hues=(0.15, 0.15, 0.15),
    light=(0.75, 0.95),
    daylight=(0.85, 1.2),
    tilt=(-5.0, 5.0),
    pan=0.03,
    zoom=0.04,
    blur=(0.6, 1.0),
    noise=5.0,
)
_EARLY, _LATE = (0.08, 0.35), (0.65, 0.92)  # leads
_SOURCE_CODEC = Codec(".avi", "mpeg4", {"g": "1", "qmin": "3", "qmax": "3"})
_QP = (25, 33)  # of x264: as close to the picture (in dB) as the source's codec, and the worst
_SPREAD = 0.09  # of the key share from clip to clip, to both sides and relative to it


@dataclass(frozen=True, kw_only=True)
class World:
    """What the pair of domains is like. Each knob turns one thing and leaves the rest as it was.

    With equal ``seed``, clips of two worlds differ in nothing but what the knobs say: the same
    actor, the same idle phases in the same order, the same camera.

    Args:
        misalign: where in the target's clips the action happens: 0 where it does in the source,
            which is early, 1 late. The target's clips are longer at any value, and slower.
        appearance: how different the target looks: 0 as the source, 1 a dark park, blurred and
            noisy, larger and badly compressed, filmed by a moving camera, people in other clothes.
            Numbers lie between both ends, and the backdrop blends two pictures.
        key_share: mean share of a clip that shows its action, in both domains; the rest is idle.
        bias: share of the source's clips whose background has the tint of their class. All others,
            and all of the target, have the tint of a random class. At 0 there are no tints.
        classes: how many of the main actions. The two of the control are always there.
        clips: of both domains and all classes together, the control's among them; rounded down to
            the same number for each class; at most 100,000.
        seed: of the clips.

    Raises:
        InvalidField: a value is out of its range, or there are too few clips for the classes.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")  # of a record: a knob of another version

    misalign: Share = 1.0
    appearance: Share = 1.0
    key_share: SomeShare = 0.28
    bias: Share = 0.0
    classes: Annotated[int, Field(ge=2, le=len(MAIN))] = len(MAIN)
    clips: Annotated[int, Field(ge=1, le=100_000)] = 260
    seed: Whole = 0

    def __post_init__(self) -> None:
        validate(self)
        if self.per_class < 4:
            count = len(self.actions)
            raise InvalidField(
                "clips",
                f"must be at least {4 * count}, not {self.clips}: {count} classes, the control's "
                "among them, need a train and a test clip in each domain",
            )

    @property
    def turned(self) -> dict[str, float]:
        """The knobs that are not at their defaults, and the seed if it is not."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {name: v for name, v in values.items() if v != getattr(World, name)}

    @property
    def main(self) -> Sequence[Action]:
        """The classes with a key pose of their own."""
        return MAIN[: self.classes]

    @property
    def actions(self) -> Sequence[Action]:
        """All classes: the main ones, and the control's."""
        return (*self.main, *CONTROL)

    @property
    def per_class(self) -> int:
        """Clips of each class, in both domains."""
        return self.clips // len(self.actions)

    @property
    def source(self) -> Domain:
        """The source: early actions before a bright and plain wall."""
        return Domain(
            name="source",
            timing=Timing(fps=20, frames=(44, 56), action=self._action, lead=_EARLY),
            look=_STUDIO,
            codec=_SOURCE_CODEC,
            tints=Tints(self.bias, self.classes) if self.bias else None,
        )

    @property
    def target(self) -> Domain:
        """The target, as far from the source as the knobs say."""
        share = self.appearance
        qp = round(_between(*_QP, share))
        encoded = Codec(".mp4", "libx264", {"g": "1", "qp": str(qp), "preset": "veryfast"})
        lead = _between(_EARLY, _LATE, self.misalign)
        return Domain(
            name="target",
            timing=Timing(fps=15, frames=(60, 78), action=self._action, lead=lead),
            look=_look(share),
            codec=encoded if share else _SOURCE_CODEC,
            tints=Tints(0.0, self.classes) if self.bias else None,
        )

    @property
    def _action(self) -> Range:
        spread = min(_SPREAD * self.key_share, 1 - self.key_share)
        return self.key_share - spread, self.key_share + spread


def _look(share: float) -> Look:
    """The look at ``share`` of the way from the source's to the target's far end."""
    names = [field.name for field in fields(Look)]
    look = {name: _between(getattr(_STUDIO, name), getattr(_PARK, name), share) for name in names}
    width, height = (2 * round(side / 2) for side in look["size"])  # encoders take even sides
    return Look(**{**look, "size": (width, height)})


def _between(first: Any, second: Any, share: float) -> Any:
    """The number, or tuple of numbers, at ``share`` of the way between two."""
    if isinstance(first, tuple):
        return tuple(_between(a, b, share) for a, b in zip(first, second, strict=True))
    return first * (1 - share) + second * share  # exact at both ends
