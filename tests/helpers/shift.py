"""A feature-level shift between two domains of videos that are made of prototype segments.

Every class is an ordered sequence of four prototypes: two of its own, and two that it shares with
other classes and that tell little. A video shows them one after another, four snippets each, with
eight background snippets around them, 24 in all. Between source and target differ:

- *when* the action is: the source has a long lead-in (6 to 8 background snippets) and hardly a
  tail, the target the reverse. So of six segments the first four of a target video are, but for
  half a segment at most, the last four of a source video, as in the paper's Figure 6;
- *what* stands around it: lead-ins and tails show other prototypes, of no class;
- *where* features lie: a factor for each dimension and an additive offset, the same for all the
  target's snippets. Standardising each domain by itself undoes most of this, though not all, since
  the domains show lead-ins and tails unequally often;
- *how* each prototype looks: every one is changed in its own way in the target. No statistics of a
  whole domain undo this.

All features are non-negative, as after a ReLU, and share a common part, so that any two segments
are similar, as those of a CNN are. Every video has an appearance of its own, every snippet noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from feature_files import recipe

from tcon.cache import FeatureWriter, Snippets, Video
from tcon.cache.recipe import Sampling

CLASSES, DIM = 8, 128
OWN, SHARED = 2, 2  # prototypes of a class, and how many of the shared ones it shows
LASTS, BACKGROUND = 4, 8  # snippets that a prototype of an action lasts, and of background
SNIPPETS = (OWN + SHARED) * LASTS + BACKGROUND
_SHARED_POOL, _BACKGROUND_POOL = 4, 3  # prototypes to choose from
_APPEARANCE_RANK = 8


@dataclass(frozen=True, kw_only=True)
class ShiftConfig:
    """How far the domains are apart; standard deviations, where a prototype's own is 1.

    Args:
        offset: of the additive offset.
        scale: of the logarithm of each dimension's factor.
        change: of what is new in each prototype; as much of its variance is lost, so that
            prototypes are as far apart in the target as in the source. Below 1.
        appearance: of what all snippets of a video share.
        noise: of each snippet.
    """

    offset: float = 1.0
    scale: float = 0.2
    change: float = 0.8
    appearance: float = 0.5
    noise: float = 1.5


class World:
    """Prototypes, the classes' orders and both domains' looks; equal for equal seeds.

    Attributes:
        orders: prototypes of each class one after another, [C, 4]: indices into ``looks``.
        lead_ins, tails: background prototypes.
        looks: each domain's prototypes, [P, D].
    """

    def __init__(self, seed: int, config: ShiftConfig) -> None:
        self.config, self.seed = config, seed
        rng = np.random.default_rng((seed, 0))
        own = np.arange(CLASSES * OWN).reshape(CLASSES, OWN)
        first = own.size
        shared = first + np.stack(
            [rng.choice(_SHARED_POOL, SHARED, replace=False) for _ in range(CLASSES)]
        )
        self.orders = rng.permuted(np.concatenate([own, shared], 1), axis=1)
        first += _SHARED_POOL
        self.lead_ins = np.arange(first, first + _BACKGROUND_POOL)
        self.tails = self.lead_ins + _BACKGROUND_POOL
        total = self.tails[-1] + 1

        common = 2 + rng.normal(size=DIM)
        clean, new = rng.normal(size=(2, total, DIM))
        changed = (1 - config.change**2) ** 0.5 * clean + config.change * new
        factor = np.exp(config.scale * rng.normal(size=DIM))
        offset = config.offset * rng.normal(size=DIM)
        self.looks = {"source": common + clean, "target": factor * (common + changed) + offset}
        self._appearances = rng.normal(size=(_APPEARANCE_RANK, DIM)) / _APPEARANCE_RANK**0.5

    def shown(self, domain: str, label: int, rng: np.random.Generator) -> np.ndarray:
        """Which prototype each snippet of a new video shows, [SNIPPETS]."""
        short = rng.integers(3)  # 0 to 2 snippets
        lead = short if domain == "target" else BACKGROUND - short
        return np.concatenate(
            [
                np.repeat(rng.choice(self.lead_ins), lead),
                np.repeat(self.orders[label], LASTS),
                np.repeat(rng.choice(self.tails), BACKGROUND - lead),
            ]
        )

    def features(self, domain: str, shown: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Of one video, [SNIPPETS, D], non-negative."""
        appearance = rng.normal(size=_APPEARANCE_RANK) @ self._appearances
        noise = rng.normal(size=(len(shown), DIM))
        x = self.looks[domain][shown] + self.config.appearance * appearance
        return (x + self.config.noise * noise).clip(0)


def write_shift(
    folder: Path,
    *,
    seed: int,
    config: ShiftConfig | None = None,
    source: tuple[int, int] = (200, 100),
    target: tuple[int, int] = (160, 160),
) -> tuple[Path, Path]:
    """Write ``source.h5`` and ``target.h5``; classes come in turn.

    Args:
        folder: where to.
        seed: of the prototypes and of the videos.
        config: how far the domains are apart.
        source: training and validation videos.
        target: training and test videos.

    Returns:
        both files.
    """
    world = World(seed, config or ShiftConfig())
    splits = {"source": ("train", "val"), "target": ("train", "test")}
    made = recipe(dim=DIM, sampling=Sampling("uniform", SNIPPETS))
    for number, (domain, counts) in enumerate({"source": source, "target": target}.items()):
        rng = np.random.default_rng((seed, 1 + number))
        with FeatureWriter(folder / f"{domain}.h5", {"rgb": made}) as writer:
            for split, count in zip(splits[domain], counts, strict=True):
                for n in range(count):
                    label = n % CLASSES
                    features = world.features(domain, world.shown(domain, label, rng), rng)
                    video = Video(f"{split}{n:03d}", f"class{label}", split, "", SNIPPETS, 25.0)
                    snippets = Snippets(features.astype(np.float16), np.arange(SNIPPETS))
                    writer.add(video, {"rgb": snippets})
    return folder / "source.h5", folder / "target.h5"
