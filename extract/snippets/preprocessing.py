"""How a decoded frame becomes a backbone's input."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """What a backbone's weights expect of an image.

    Args:
        resize: short side before the crop, pixels; or (height, width), whatever the frame's shape.
        input_size: side of the square crop, pixels.
        antialias: filter before scaling down, as Pillow does, or not, as OpenCV.
        mean, std: per channel, in ``channel_order`` and in units of ``value_range``.
        channel_order: RGB, BGR, or "" for flow.
        value_range: pixel values run from 0 to this.
    """

    resize: int | tuple[int, int] = 256
    input_size: int = 224
    antialias: bool = True
    mean: tuple[float, ...] = (0.485, 0.456, 0.406)
    std: tuple[float, ...] = (0.229, 0.224, 0.225)
    channel_order: str = "RGB"
    value_range: float = 1.0

    def __str__(self) -> str:
        """One line that tells another lab how to feed the backbone."""
        scale = (
            f"short side {self.resize}"
            if isinstance(self.resize, int)
            else f"{self.resize[0]}x{self.resize[1]}"
        )
        return (
            f"{self.channel_order or 'flow'} 0-{self.value_range:g}, {scale} (bilinear"
            f"{', antialiased' if self.antialias else ''}), "
            f"centre {self.input_size}x{self.input_size}, mean {self.mean}, std {self.std}"
        )
