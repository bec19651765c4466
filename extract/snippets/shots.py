"""Hard cuts of a recording, by how much neighbouring frames differ.

As in PySceneDetect's AdaptiveDetector, a frame begins a shot if it differs from the one before by
enough, and by more than the frames around it do, as those of a moving camera. Here differences are
of RGB in place of HSV, and the median of those around takes the place of their mean, which one jerk
raises.
"""

from __future__ import annotations

import numpy as np

from ..decoding import ForwardVideo

_LEAST = 15.0  # mean difference of a cut, of levels 0 to 255
_RATIO = 3.0  # to the median difference of the frames around it
_AROUND = 2  # of these before and after it
_SHORTEST = 15  # frames of a shot: of changes that are nearer, as of a flash, the largest counts
_SIDE = 64  # pixels of a frame that are compared, at least, along each side


def find_cuts(video: ForwardVideo) -> np.ndarray:
    """Decode a video to its end and find where shots begin.

    Fades and dissolves are not found.

    Args:
        video: opened, not read yet.

    Returns:
        the first frame of every shot but the first one, increasing, [m].
    """
    differences: list[float] = []
    before = np.empty(0, np.int16)
    for image in video.frames(None):
        height, width, _ = image.shape
        small = image[:: max(1, height // _SIDE), :: max(1, width // _SIDE)].astype(np.int16)
        same_size = small.shape == before.shape  # else, as in a folder, another shot
        differences.append(float(np.abs(small - before).mean()) if same_size else 255.0)
        before = small
    return _cuts(np.array(differences[1:])) + 1


def _cuts(differences: np.ndarray) -> np.ndarray:
    """Which differences [n - 1] of neighbouring frames are cuts, [m]."""
    padded, n = np.pad(differences, _AROUND), len(differences)
    beside = [padded[k : k + n] for k in range(2 * _AROUND + 1) if k != _AROUND]
    around = np.median(beside, axis=0)  # [n - 1]
    cuts = np.flatnonzero((differences >= _LEAST) & (differences >= _RATIO * around))
    near = _SHORTEST - 1
    inside = cuts[(cuts >= near) & (cuts < n - near)]
    largest = [differences[k - near : k + near + 1].argmax() == near for k in inside.tolist()]
    return inside[np.array(largest, bool)]
