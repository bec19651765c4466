"""CMFGLR: collective matrix factorisation with graph-Laplacian regularisation (Tang et al. 2016).

A reconstruction (see `matrix_factorisation`), and a method without gradients: one latent space for
both domains, a projection into it from each and one linear classifier in it, on the mean segment
features of a trained `source_only`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ....cache.common.ranges import Count
from ....cache.errors import InputError
from ..base import FittedMethod, Method, MethodConfig, Sizes, SourceBatch
from ..registry import entry, register
from ..source_only import SourceOnly, SourceOnlyConfig
from .weights import Weights

if TYPE_CHECKING:
    from .matrix_factorisation import Data

_COMPONENTS = 256  # of the PCA before the factorisation, at most
_CHUNK = 1024  # videos that pass the base at once


@dataclass(frozen=True, kw_only=True)
class CmfglrConfig(Weights, MethodConfig):
    """``features`` and ``dropout`` are those of the `source_only` that it is fitted on.

    Args:
        r: latent dimensions.
        iterations: rounds of updates, with new pseudo-labels after each.
        neighbours: of each video in its own domain; mutual ones are tied in the graph.
        select: pick mu, beta and lambda_ around the given ones by cross-validation on the source.
    """

    r: Count = 64
    iterations: Count = 30
    neighbours: Count = 5
    select: bool = True


@register(
    "cmfglr",
    CmfglrConfig(),
    presets=entry("source_only").presets,  # of the base; the authors' own settings are not public
    title="cmfglr (reconstruction)",
    note="reconstructed, for the original's text is not public, only its abstract",
)
class Cmfglr(FittedMethod):
    """Shallow adaptation of fixed features. Scores estimate a one-hot label; they are no logits."""

    mean: Tensor  # [D]
    components: Tensor  # [p, D]
    projection: Tensor  # P_t, [p, r]
    classifier: Tensor  # W, [r, C]

    def __init__(self, config: CmfglrConfig, sizes: Sizes) -> None:
        super().__init__()
        self.config, self.classes = config, sizes.classes
        base = SourceOnlyConfig(features=config.features, dropout=config.dropout)
        self.base = SourceOnly(base, sizes)
        width = self.base.bottleneck.width
        components = min(_COMPONENTS, width)
        # Rows and columns that the data cannot fill stay 0.
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("components", torch.zeros(components, width))
        self.register_buffer("projection", torch.zeros(components, config.r))  # P_t
        self.register_buffer("classifier", torch.zeros(config.r, sizes.classes))  # W

    def predict(self, features: Tensor) -> Tensor:
        """Source videos, too, are predicted by the target's projection."""
        x = F.normalize(self.base.embed(features)) - self.mean  # [B, D]
        return x @ self.components.T @ self.projection @ self.classifier

    def fit(self, base: Method, source: SourceBatch, target: Tensor) -> Iterator[dict[str, float]]:
        # Here, for SciPy slows the start of all commands.
        from .cross_validation import select_weights
        from .matrix_factorisation import factorise, neighbour_graph

        config = self.config
        self._copy_base(base)
        data, pseudo_labels = self._reduce(source, target)
        weights: Weights = config
        if config.select:
            weights = select_weights(
                data, pseudo_labels, config, rank=config.r, neighbours=config.neighbours
            )
        chosen = {"mu": weights.mu, "beta": weights.beta, "lambda_": weights.lambda_}
        rounds = factorise(
            data,
            pseudo_labels,
            neighbour_graph(data, config.neighbours),
            weights,
            rank=config.r,
            iterations=config.iterations,
        )
        for factors, objective, changed in rounds:
            _fill(self.projection, factors.p[1])
            _fill(self.classifier, factors.w)
            yield {"objective": objective, "pseudo_changed": changed, **chosen}

    def _copy_base(self, base: Method) -> None:
        weights = base.state_dict()
        for name, mine in self.base.state_dict().items():
            if name not in weights or weights[name].shape != mine.shape:
                theirs = list(weights[name].shape) if name in weights else "nothing"
                raise InputError(
                    f"cmfglr needs the trained source_only's {name} as {list(mine.shape)}, not "
                    f"{theirs}: set cmfglr.features as source_only.features, and "
                    "source_only.head=tsn"
                )
        self.base.load_state_dict(weights)

    @torch.no_grad()
    def _reduce(self, source: SourceBatch, target: Tensor) -> tuple[Data, np.ndarray]:
        """Principal components of both domains together, and the target's labels by the base."""
        from sklearn.decomposition import PCA  # here, as in `fit`

        from .label_graph import one_hot
        from .matrix_factorisation import Data

        embedded = [
            torch.cat([F.normalize(self.base.embed(part)) for part in features.split(_CHUNK)])
            for features in (source.features, target)
        ]
        x = torch.cat(embedded).cpu().numpy()  # [n, D]
        # The last of n centred directions is 0.
        pca = PCA(min(len(self.components), len(x) - 1), svd_solver="full")
        x = pca.fit_transform(x).astype(float)  # [n, p]
        _fill(self.mean, pca.mean_)
        _fill(self.components, pca.components_)
        logits = torch.cat([self.base.predict(part) for part in target.split(_CHUNK)])
        labels = one_hot(source.labels.cpu().numpy(), self.classes)
        ns = len(source.labels)
        return Data(x[:ns], x[ns:], labels), logits.argmax(1).cpu().numpy()


def _fill(buffer: Tensor, values: np.ndarray) -> None:
    """Write ``values`` into the first rows and columns of ``buffer``, 0 elsewhere."""
    buffer.zero_()
    buffer[tuple(slice(size) for size in values.shape)] = torch.from_numpy(values).to(buffer)
