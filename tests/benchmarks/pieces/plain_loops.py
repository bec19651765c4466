"""Training steps as one writes them by hand for a single method, to compare tcon's with.

Plain torch, and nothing of tcon: the same layers, products, dropout, clipping and optimiser,
without options, logs, records, or random numbers that can be repeated. Features are drawn from
memory at random, K segments of a video each.

Shapes: B videos of each domain in a batch, K segments, D_in and D features, H hidden units, N
pairs.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

B, K, D, H, CLASSES, DROPOUT = 64, 6, 512, 1024, 12, 0.8
PAIRS, SEGMENTS = 1024, 1024  # pairs of videos, and aligned segments, that a step of TCoN sees


class Reverse(torch.autograd.Function):
    """The identity, whose gradient is turned around."""

    @staticmethod
    def forward(context: object, x: Tensor) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def backward(context: object, gradient: Tensor) -> Tensor:
        return -gradient


def reverse(x: Tensor) -> Tensor:
    return Reverse.apply(x)


def domain_loss(source: Tensor, target: Tensor) -> Tensor:
    """Binary cross-entropy; source has label 1."""
    return F.softplus(-source.float()).mean() + F.softplus(target.float()).mean()


class Discriminator(nn.Module):
    """in - H - H - 1; `judge` starts from what `first` gives."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second, self.out = nn.Linear(width, H), nn.Linear(H, H), nn.Linear(H, 1)

    def judge(self, x: Tensor) -> Tensor:
        x = F.dropout(x.relu(), 0.5)
        x = F.dropout(self.second(x).relu(), 0.5)
        return self.out(x).squeeze(-1)

    def forward(self, x: Tensor) -> Tensor:
        return self.judge(self.first(x))


class SourceOnly(nn.Module):
    """Segment consensus on source labels."""

    def __init__(self, in_features: int) -> None:
        super().__init__()
        self.bottleneck = nn.Linear(in_features, D)
        self.classifier = nn.Linear(D, CLASSES)

    def features(self, x: Tensor) -> Tensor:
        return self.bottleneck(x).relu()

    def classify(self, f: Tensor) -> Tensor:
        """[B, K, D] to logits of segments [B, K, C]."""
        return self.classifier(F.dropout(f, DROPOUT)).float()

    def forward(self, xs: Tensor, labels: Tensor, xt: Tensor) -> Tensor:
        return F.cross_entropy(self.classify(self.features(xs)).mean(1), labels)


class Daaa(SourceOnly):
    """A discriminator on all segments."""

    def __init__(self, in_features: int) -> None:
        super().__init__(in_features)
        self.disc = Discriminator(D)

    def forward(self, xs: Tensor, labels: Tensor, xt: Tensor) -> Tensor:
        fs, ft = self.features(xs), self.features(xt)
        loss = F.cross_entropy(self.classify(fs).mean(1), labels)
        return loss + domain_loss(self.disc(reverse(fs)), self.disc(reverse(ft)))


class Cdan(SourceOnly):
    """A discriminator on random multilinear maps of features and predictions."""

    def __init__(self, in_features: int) -> None:
        super().__init__(in_features)
        self.register_buffer("of_f", torch.randn(D, H) / H**0.5)
        self.register_buffer("of_g", torch.randn(CLASSES, H))
        self.disc = Discriminator(H)

    def judge(self, f: Tensor, z: Tensor) -> Tensor:
        joined = (f @ self.of_f) * (z.detach().softmax(-1) @ self.of_g)  # [B, K, H]
        return self.disc(reverse(joined)).mean(1)  # [B]

    def forward(self, xs: Tensor, labels: Tensor, xt: Tensor) -> Tensor:
        fs, ft = self.features(xs), self.features(xt)
        zs, zt = self.classify(fs), self.classify(ft)
        loss = F.cross_entropy(zs.mean(1), labels)
        return loss + domain_loss(self.judge(fs, zs), self.judge(ft, zt))


class Ta3n(nn.Module):
    """Relations of all scales with domain branches, attention and attentive entropy."""

    def __init__(self, in_features: int) -> None:
        super().__init__()
        self.bottleneck = nn.Linear(in_features, D)
        self.tuples = [self.evenly(size) for size in range(K, 1, -1)]
        sizes = range(K, 1, -1)
        self.scales = nn.ModuleList(nn.Linear(size * D, 256) for size in sizes)
        self.of_relation = nn.ModuleList(self.branch(256) for _ in sizes)
        self.of_frame, self.of_video = self.branch(D), self.branch(256)
        self.classifier = nn.Linear(256, CLASSES)

    @staticmethod
    def evenly(size: int) -> list[tuple[int, ...]]:
        """At most three of the ordered tuples of ``size`` segments."""
        every = list(combinations(range(K), size))
        return every[:: -(-len(every) // 3)]

    @staticmethod
    def branch(width: int) -> nn.Module:
        return nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 1))

    def forward(self, xs: Tensor, labels: Tensor, xt: Tensor) -> Tensor:
        f = self.bottleneck(torch.cat([xs, xt])).relu()  # [2B, K, D]
        video: Tensor | float = 0.0
        domains = []
        for chosen, scale, branch in zip(self.tuples, self.scales, self.of_relation, strict=True):
            x = torch.stack([f[:, list(members)].flatten(1) for members in chosen], 1)
            relation = scale(x).relu().sum(1)  # [2B, 256]
            domain = branch(reverse(relation)).squeeze(-1).float()  # [2B]
            domains.append(domain)
            video = video + (2 - entropy_of(domain))[:, None] * relation
        assert isinstance(video, Tensor)
        logits = self.classifier(F.dropout(video, DROPOUT)).float()
        of_video = self.of_video(reverse(video)).squeeze(-1).float()
        of_frame = self.of_frame(reverse(f)).squeeze(-1)  # [2B, K]
        loss = F.cross_entropy(logits[:B], labels)
        for domain in (torch.stack(domains, 1), of_video, of_frame):
            loss = loss + domain_loss(domain[B:], domain[:B]) / 2
        certainty = -(logits.softmax(1) * logits.log_softmax(1)).sum(1)
        return loss + 0.003 * ((1 + entropy_of(of_video)) * certainty).mean()


def entropy_of(logit: Tensor) -> Tensor:
    """Of a domain's probability, in nats."""
    p = logit.sigmoid()
    return F.binary_cross_entropy_with_logits(logit, p, reduction="none")


class Tcon(SourceOnly):
    """Co-attention, aligned segments and videos, two discriminators, an attention network."""

    def __init__(self, in_features: int) -> None:
        super().__init__(in_features)
        self.attention = nn.Sequential(nn.Linear(D, 256), nn.ReLU(), nn.Linear(256, 1))
        self.of_video, self.of_segment = Discriminator(K * D), Discriminator(D)

    def forward(self, xs: Tensor, labels: Tensor, xt: Tensor) -> Tensor:
        fs, ft = self.features(xs), self.features(xt)  # [B, K, D]
        zs, zt = self.classify(fs), self.classify(ft)  # [B, K, C]
        a_t = self.attention(ft).squeeze(-1).float().softmax(1)  # [B, K]
        out_t = (a_t[..., None] * zt).sum(1)

        ps, pt = zs.detach().mean(1).softmax(1), out_t.detach().softmax(1)
        similar = F.normalize(ps, dim=1) @ F.normalize(pt, dim=1).T >= 0.5  # [B, B]
        order = torch.rand(B, B) + ~similar
        pairs = order.flatten().argsort()[:PAIRS]
        si, ti, real = pairs // B, pairs % B, similar.flatten()[pairs]  # [N]

        matrix = self.co_attention(fs, ft, si, ti)  # [N, K, K]
        joint = matrix.clamp(min=0)
        joint = joint / joint.sum((1, 2), keepdim=True).clamp(min=1e-12)
        a_s = mean_by(si, joint.sum(2), real)  # [B, K]
        truth = mean_by(ti, joint.sum(1), real).detach()
        weights = (joint * K * K / 0.02).softmax(1)  # [N, K, K]

        out_s = (a_s[..., None] * zs).sum(1)
        loss = F.cross_entropy(out_s, labels) + (a_t - truth).square().sum(1).mean()
        sure, pseudo = pt.max(1)
        loss = loss + (F.cross_entropy(out_t, pseudo, reduction="none") * (sure >= 0.9)).mean()
        loss = loss + self.videos(fs, ft, weights, si, ti, real)
        return loss + self.segments(fs, weights, si, real)

    @staticmethod
    def co_attention(fs: Tensor, ft: Tensor, si: Tensor, ti: Tensor) -> Tensor:
        with torch.autocast(fs.device.type, enabled=False):
            gs, gt = F.normalize(fs.float(), dim=-1), F.normalize(ft.float(), dim=-1)
            ass, att = (
                (g * (g.sum(1, keepdim=True) - g)).sum(-1) / (K - 1) for g in (gs, gt)
            )  # [B, K]
            products = torch.einsum("njd,nkd->njk", gs[si], gt[ti])
        return ass[si][:, :, None] * att[ti][:, None, :] * products

    def videos(
        self, fs: Tensor, ft: Tensor, weights: Tensor, si: Tensor, ti: Tensor, real: Tensor
    ) -> Tensor:
        """Target videos against aligned ones, which are mixed after the first layer."""
        net = self.of_video
        blocks = net.first.weight.unflatten(1, (K, D)).unbind(1)  # K x [H, D]
        projected = torch.stack([reverse(fs) @ block.T for block in blocks], 2)  # [B, K, K, H]
        every = weights.new_zeros(B, B, K * K)
        every = every.index_put((si, ti), reverse(weights).flatten(1))
        mixed = (every @ projected.flatten(1, 2))[si, ti]  # [N, H]
        aligned = net.judge(mixed + net.first.bias)
        return masked_domain_loss(net(reverse(ft).flatten(1)), aligned, real)

    def segments(self, fs: Tensor, weights: Tensor, si: Tensor, real: Tensor) -> Tensor:
        """Source segments against some of the aligned ones."""
        net, n = self.of_segment, len(si)
        chosen = torch.rand(n * K).argsort()[:SEGMENTS]
        projected = net.first(reverse(fs))  # [B, K, H]
        mixed = torch.einsum(
            "rj,rjh->rh",
            reverse(weights).mT.flatten(0, 1)[chosen],
            projected.index_select(0, si[chosen // K]),
        )
        return masked_domain_loss(net.judge(projected), net.judge(mixed), real[chosen // K])


def mean_by(index: Tensor, values: Tensor, real: Tensor) -> Tensor:
    """Mean over the pairs of each video, [N, K] to [B, K]."""
    total = values.new_zeros(B, K).index_add(0, index, values * real[:, None])
    return total / torch.bincount(index[real], minlength=B).clamp(min=1)[:, None]


def masked_domain_loss(ones: Tensor, zeros: Tensor, real: Tensor) -> Tensor:
    terms = F.softplus(zeros.float()) * real
    return F.softplus(-ones.float()).mean() + terms.sum() / real.sum().clamp(min=1)


METHODS: dict[str, type[nn.Module]] = {
    "source_only": SourceOnly,
    "daaa": Daaa,
    "cdan": Cdan,
    "ta3n": Ta3n,
    "tcon": Tcon,
}


def make_step(
    method: str, source: Tensor, labels: Tensor, target: Tensor, *, bf16: bool
) -> Callable[[], None]:
    """A function that trains ``method`` for one more step.

    Args:
        method: one of `METHODS`.
        source, target: features in half precision, [videos, snippets, D_in].
        labels: of the source's videos.
        bf16: under `torch.autocast`; else in float32.
    """
    device = source.device
    model = METHODS[method](source.shape[2]).to(device)
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-4, weight_decay=5e-4, fused=True)

    def batch(features: Tensor) -> tuple[Tensor, Tensor]:
        """One random snippet of each of K equal parts of B videos."""
        videos = torch.randint(len(features), (B,), device=device)
        each = features.shape[1] / K
        snippets = (
            (torch.arange(K, device=device) + torch.rand(B, K, device=device)) * each
        ).long()
        rows = videos[:, None] * features.shape[1] + snippets
        chosen = features.flatten(0, 1).index_select(0, rows.flatten())
        return videos, chosen.view(B, K, -1).float()

    def step() -> None:
        (videos, xs), (_, xt) = batch(source), batch(target)
        with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
            loss = model(xs, labels[videos], xt)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 20.0)
        optimiser.step()

    return step
