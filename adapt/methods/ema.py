"""EMA: a mean teacher (Tarvainen and Valpola 2017) labels the target videos for the student.

The teacher's weights are the exponential moving average of the student's. It sees another snippet
of each segment than the student, without dropout (French et al. 2018), and it predicts, from one
snippet of each segment as the other methods do. Its labels are chosen as AdaMatch's (Berthelot et
al. 2022): within a batch its target predictions are reweighted to the class distribution that it
predicts on the source, and they count where they are nearly as confident as on the source.

It averages the Linear-ReLU and the classifier. End to end, where the backbone takes the place of
the Linear-ReLU (``features=0``), it averages the classifier alone and has the student's backbone.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from ...cache.common.ranges import BelowOne, Count, NonNegative
from ..layers.losses import align_distribution
from ..layers.networks import Bottleneck, SegmentClassifier
from ..layers.schedules import Number
from .alignment import AlignmentConfig
from .base import Draws, Losses, Method, SegmentVotes, Sizes, SourceBatch, State
from .registry import register


@dataclass(frozen=True, kw_only=True)
class TeacherLabelConfig:
    """Pseudo-labels by the teacher.

    Args:
        threshold: share of its mean confidence on the source from which a target video takes part.
    """

    threshold: NonNegative = 0.9


@dataclass(frozen=True, kw_only=True)
class EmaConfig(AlignmentConfig):
    """Options of the mean teacher; ``lambda_d`` weighs the loss of its labels.

    Args:
        snippets: m of each segment; the student sees a random one, the teacher the next.
        decay: of the teacher's weights at each step. 0.95 averages over 20 steps, 3 % of the
            shortest run by default, about as much of it as 0.999 is of the authors' 40,000 steps.
    """

    snippets: Count = 2
    decay: BelowOne = 0.95
    pseudo: TeacherLabelConfig = field(default_factory=TeacherLabelConfig)


class Teacher(nn.Module):
    """Networks without gradients, whose weights a state carries from step to step."""

    def __init__(self, bottleneck: Bottleneck, classifier: SegmentClassifier) -> None:
        super().__init__()
        self.bottleneck, self.classifier = deepcopy(bottleneck), deepcopy(classifier)
        self.requires_grad_(False)

    def forward(self, features: Tensor) -> Tensor:
        """[B, K, D_in] to logits [B, K, C]."""
        return self.classifier(self.bottleneck(features))


@register("ema", EmaConfig())
class MeanTeacher(Method):
    """Cross-entropy of the student's target predictions against the teacher's labels."""

    def __init__(self, config: EmaConfig, sizes: Sizes) -> None:
        super().__init__()
        self.config, self.sizes, self.snippets = config, sizes, config.snippets
        self.bottleneck = Bottleneck(sizes.in_features, config.features)
        self.classifier = SegmentClassifier(
            self.bottleneck.width, sizes.classes, dropout=config.dropout
        )
        self.teacher = Teacher(self.bottleneck, self.classifier)

    def draw(self, source_videos: int, target_videos: int, generator: torch.Generator) -> Draws:
        sizes = self.sizes
        source = (source_videos, sizes.source_segments)
        target = (target_videos, sizes.target_segments)
        device = generator.device
        return {
            "class_source": self.classifier.draw(*source, generator),
            "class_target": self.classifier.draw(*target, generator),
            "seen_source": torch.randint(self.snippets, source, generator=generator, device=device),
            "seen_target": torch.randint(self.snippets, target, generator=generator, device=device),
        }

    def initial_state(self, device: torch.device) -> State:
        return {name: p.to(device, copy=True) for name, p in self.teacher.named_parameters()}

    def absorb(self, state: State) -> None:
        self.teacher.load_state_dict(state)

    def losses(
        self, source: SourceBatch, target: Tensor, *, progress: Number, draws: Draws, state: State
    ) -> tuple[Losses, State]:
        mine_s, other_s = self._views(source.features, draws["seen_source"])
        mine_t, other_t = self._views(target, draws["seen_target"])
        state = self._follow(state)
        label, accepted = self._teach(other_s, other_t, state)

        out_s = self.classifier(self.bottleneck(mine_s), draws["class_source"]).mean(1)  # [Bs, C]
        out_t = self.classifier(self.bottleneck(mine_t), draws["class_target"]).mean(1)  # [Bt, C]
        c_source = F.cross_entropy(out_s, source.labels)
        c_pseudo = (F.cross_entropy(out_t, label, reduction="none") * accepted).mean()
        lam = self.config.weight(progress)
        logs = {
            "source_class": c_source.detach(),
            "pseudo_class": c_pseudo.detach(),
            "pseudo_rate": accepted.float().mean(),
            "lambda_d": torch.as_tensor(lam),
        }
        return Losses(c_source + lam * c_pseudo, logs), state

    def vote(self, features: Tensor) -> SegmentVotes:
        snippets = features.unflatten(1, (-1, self.snippets))  # [B, K, m, D_in]
        return SegmentVotes(None, self.teacher(snippets[:, :, self.snippets // 2]))

    def predict(self, features: Tensor) -> Tensor:
        return self.vote(features).logits.mean(1)

    def _views(self, features: Tensor, seen: Tensor) -> tuple[Tensor, Tensor]:
        """The student's snippets and the teacher's: [B, K m, D_in] to twice [B, K, D_in]."""
        snippets = features.unflatten(1, (-1, self.snippets))  # [B, K, m, D_in]
        both = (seen, (seen + 1) % self.snippets)  # [B, K]
        mine, other = (snippets.take_along_dim(n[..., None, None], 2).squeeze(2) for n in both)
        return mine, other.detach()

    def _follow(self, state: State) -> State:
        """The teacher's weights, now with the student's after its last step."""
        student, decay = dict(self.named_parameters()), self.config.decay
        return {
            name: decay * old + (1 - decay) * student[name].detach() for name, old in state.items()
        }

    def _teach(self, source: Tensor, target: Tensor, weights: State) -> tuple[Tensor, Tensor]:
        """Labels of target videos and which take part, [Bt] each, from segments [B, K, D_in]."""
        p_source = functional_call(self.teacher, weights, source).mean(1).softmax(1)  # [Bs, C]
        p_target = functional_call(self.teacher, weights, target).mean(1).softmax(1)  # [Bt, C]
        aligned = align_distribution(p_target, p_target.mean(0), p_source.mean(0))
        confidence, label = aligned.max(1)
        enough = self.config.pseudo.threshold * p_source.max(1).values.mean()
        return label, confidence >= enough
