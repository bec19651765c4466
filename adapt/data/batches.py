"""Endless batches without state: the batch of a step follows from seed and step alone."""

from __future__ import annotations

import numpy as np
import torch


class EndlessBatches:
    """Batches of exactly ``batch_size`` from endless reshuffled permutations of ``videos``.

    Every video is drawn once before any is drawn again. A batch may span permutations, so a
    domain smaller than a batch works too.

    Args:
        videos: number of videos, at least 1.
        batch_size: B.
        seed: any integers; equal ones give equal batches.
    """

    def __init__(self, videos: int, batch_size: int, seed: tuple[int, ...]) -> None:
        self.videos, self.batch_size, self.seed = videos, batch_size, seed
        self._orders: dict[int, np.ndarray] = {}  # of the last batch: the next one needs them too

    def batch(self, step: int) -> np.ndarray:
        """Video indices of a step, [B]."""
        places = np.arange(step * self.batch_size, (step + 1) * self.batch_size)
        rounds = (places // self.videos).tolist()
        orders = self._orders = {round_: self._permutation(round_) for round_ in set(rounds)}
        return np.array([orders[r][p] for r, p in zip(rounds, places % self.videos, strict=True)])

    def _permutation(self, round_: int) -> np.ndarray:
        if round_ in self._orders:
            return self._orders[round_]
        return np.random.default_rng((*self.seed, round_)).permutation(self.videos)


def step_generator(seed: int, step: int, device: torch.device) -> torch.Generator:
    """The random generator of one step: a resumed run draws what an undisturbed one draws."""
    state = np.random.SeedSequence((seed, step)).generate_state(1, np.uint64)[0]
    return torch.Generator(device).manual_seed(int(state >> 1))
