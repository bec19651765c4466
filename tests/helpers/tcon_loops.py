"""TCoN and its ablations as the paper prints them: one video, segment and pair at a time, in numpy
float64, without any of the tool's functions. Slow, and only values."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray


def softmax(x: Array) -> Array:
    e = np.exp(x - x.max())
    return e / e.sum()


def cross_entropy(logits: Array, label: int) -> float:
    return -float(np.log(softmax(logits)[label]))


def binary_cross_entropy(logit: float, label: int) -> float:
    p = 1 / (1 + np.exp(-logit))
    return -float(np.log(p if label else 1 - p))


def mlp(weights: dict[str, Array], name: str, x: Array, masks: Array) -> float:
    """Discriminator on one vector, its dropout masks [2, hidden]."""
    for layer, mask in zip(("project", "second"), masks, strict=True):
        w, b = weights[f"{name}.net.{layer}.weight"], weights[f"{name}.net.{layer}.bias"]
        x = np.maximum(w @ x + b, 0) * mask
    return float((weights[f"{name}.net.out.weight"] @ x + weights[f"{name}.net.out.bias"])[0])


def sum_to_one(x: Array, how: str) -> Array:
    if how == "softmax":
        return np.exp(x - x.max()) / np.exp(x - x.max()).sum()
    x = np.maximum(x, 0)
    return x / x.sum() if x.sum() > 0 else np.full(x.shape, 1 / x.size)


class Loops:
    """One step's losses.

    Args:
        variant: "tcon", or an ablation: "sadnet", "tadnet", "coattn", "attn".
        config: a `TconConfig`.
        weights: of the method, by name.
        source, labels, target: a batch.
        draws: of the step.
        on: is the target attention (the pseudo-labels, where there is none) in use?
    """

    def __init__(
        self,
        variant: str,
        config: Any,
        weights: dict[str, Array],
        source: Array,
        labels: Array,
        target: Array,
        draws: dict[str, Array],
        on: bool,
    ) -> None:
        self.variant, self.config, self.weights = variant, config, weights
        self.labels, self.draws, self.on = labels, draws, on
        self.fs = [self.features(video) for video in source]
        self.ft = [self.features(video) for video in target]
        self.zs = [self.logits(f, m) for f, m in zip(self.fs, draws["class_source"], strict=True)]
        self.zt = [self.logits(f, m) for f, m in zip(self.ft, draws["class_target"], strict=True)]

    # --- networks ---------------------------------------------------------------------------

    def features(self, video: Array) -> Array:
        w = self.weights
        if "bottleneck.0.weight" in w:
            lin, bias = w["bottleneck.0.weight"], w["bottleneck.0.bias"]
            return np.stack([np.maximum(lin @ x + bias, 0) for x in video])
        # TRN on the m = 3 snippets of each segment: scale 3 has one tuple, scale 2 has three.
        lin, bias = w["bottleneck.bottleneck.0.weight"], w["bottleneck.bottleneck.0.bias"]
        frames = [np.maximum(lin @ x + bias, 0) for x in video]
        segments = []
        for start in range(0, len(frames), 3):
            total = np.zeros(256)
            for scale, tuples in enumerate([[(0, 1, 2)], [(0, 1), (0, 2), (1, 2)]]):
                name = f"bottleneck.relations.scales.{scale}.linear"
                for members in tuples:
                    x = np.concatenate([frames[start + m] for m in members])
                    total += np.maximum(w[f"{name}.weight"] @ x + w[f"{name}.bias"], 0)
            segments.append(total)
        return np.stack(segments)

    def logits(self, f: Array, mask: Array) -> Array:
        w, b = self.weights["classifier.linear.weight"], self.weights["classifier.linear.bias"]
        return np.stack([w @ (x * m) + b for x, m in zip(f, mask, strict=True)])

    def predicted_attention(self, f: Array) -> Array:
        """(6)."""
        w = {key.removeprefix("attention."): x for key, x in self.weights.items()}
        hidden = [np.maximum(w["0.weight"] @ x + w["0.bias"], 0) for x in f]
        scores = np.array([(w["2.weight"] @ h + w["2.bias"])[0] for h in hidden])
        if self.config.att_output == "softmax":
            return softmax(scores)
        gates = 1 / (1 + np.exp(-scores))
        return gates / gates.sum()

    def attend(self, a: Array, z: Array) -> Array:
        if self.config.weigh == "logits":
            return np.sum([a[j] * z[j] for j in range(len(a))], axis=0)
        return np.log(np.sum([a[j] * softmax(z[j]) for j in range(len(a))], axis=0))

    # --- co-attention -----------------------------------------------------------------------

    def scored(self, f: Array) -> Array:
        if self.config.score_features == "raw":
            return f
        return np.stack([x / max(np.linalg.norm(x), 1e-12) for x in f])

    def attended(self, f: Array) -> Array:
        """What the scores behind attention are of."""
        if not self.deviates:
            return self.scored(f)
        (domain,) = (fs for fs in (self.fs, self.ft) if any(f is video for video in fs))
        mean = np.mean([segment for video in domain for segment in video], axis=0)
        return np.stack([x - mean for x in f])

    def self_attention(self, g: Array) -> Array:
        """(1), (2)."""
        if len(g) == 1:
            return np.ones(1)
        others = [[g[j] @ g[m] for m in range(len(g)) if m != j] for j in range(len(g))]
        return np.array([sum(products) / (len(g) - 1) for products in others])

    def normalised_self_attention(self, f: Array) -> Array:
        return sum_to_one(self.own(self.attended(f), self.deviates), self.config.att_simplex)

    @property
    def deviates(self) -> bool:
        return self.variant != "coattn" and self.config.attention_features == "deviation"

    def own(self, g: Array, deviates: bool) -> Array:
        """(1), (2), or the squared lengths of deviations."""
        return np.array([x @ x for x in g]) if deviates else self.self_attention(g)

    def matrix(self, gs: Array, gt: Array, deviates: bool = False) -> Array:
        """(3)."""
        a_ss, a_tt = self.own(gs, deviates), self.own(gt, deviates)
        a = np.zeros((len(gs), len(gt)))
        for j in range(len(gs)):
            for k in range(len(gt)):
                a[j, k] = a_ss[j] * a_tt[k] * (gs[j] @ gt[k])
        return a

    def attention(self, mine: list[Array], axis: int, without: Array) -> Array:
        """(4) with axis 1, (5) with axis 0, from the matrices of one video's pairs."""
        if not mine:
            return without
        how = self.config.att_simplex
        if self.config.att_norm == "joint":
            a = sum(sum_to_one(m, how).sum(axis) for m in mine) / len(mine)
        else:
            a = sum_to_one(sum(m.sum(axis) for m in mine) / len(mine), how)
        return self.sharpen(a)

    def sharpen(self, a: Array) -> Array:
        a = a ** (1 / self.config.att_tau)
        return a / a.sum()

    def aligned(self, i: int, t: int) -> Array:
        """(9)."""
        f = self.fs[i]
        a = self.matrix(self.scored(f), self.scored(self.ft[t]))
        if self.config.align_norm == "joint":
            a = sum_to_one(a, "l1") * a.size
        elif self.config.align_norm == "zscore":
            a = (a - a.mean()) / a.std()
        columns = [softmax(a[:, k] / self.config.tau) for k in range(a.shape[1])]
        return np.stack([sum(w[j] * f[j] for j in range(len(f))) for w in columns])

    def choose_pairs(self, out_t: list[Array]) -> list[tuple[int, int]]:
        rule, classes = self.config.pair, self.zs[0].shape[1]
        threshold = rule.threshold
        if threshold is None:
            threshold = max(0.5, 1 / classes**0.5 + 0.05)
        found = []
        for i, z in enumerate(self.zs):
            p = softmax(self.attend(np.full(len(z), 1 / len(z)), z))
            for t, out in enumerate(out_t):
                q = softmax(out)
                cosine = p @ q / np.linalg.norm(p) / np.linalg.norm(q)
                if rule.rule == "all" or cosine >= threshold:
                    found.append((self.draws["pair_order"][i, t], i, t))
        return [(i, t) for _, i, t in sorted(found)[: rule.max_pairs]]

    # --- losses -----------------------------------------------------------------------------

    def run(self) -> dict[str, float]:
        config, variant, on = self.config, self.variant, self.on
        uniform_s = [np.full(len(z), 1 / len(z)) for z in self.zs]
        uniform_t = [np.full(len(z), 1 / len(z)) for z in self.zt]
        out_t = self.target_logits()
        pairs = [] if variant == "coattn" else self.choose_pairs(out_t)
        matrices = {
            (i, t): self.matrix(self.attended(self.fs[i]), self.attended(self.ft[t]), self.deviates)
            for i, t in pairs
        }
        if variant == "coattn":
            a_s = [self.sharpen(self.normalised_self_attention(f)) for f in self.fs]
        elif variant == "attn" or (config.warmup.source and not on):
            a_s = uniform_s
        else:
            a_s = []
            for i, f in enumerate(self.fs):
                without = uniform_s[i]
                if config.unpaired == "self_attention":
                    without = self.sharpen(self.normalised_self_attention(f))
                mine = [m for (source, _), m in matrices.items() if source == i]
                a_s.append(self.attention(mine, 1, without))
        out_s = [self.attend(a, z) for a, z in zip(a_s, self.zs, strict=True)]

        found = {"source_class": np.mean(list(map(cross_entropy, out_s, self.labels)))}
        found["pseudo_class"] = self.pseudo(out_t) if on or not config.pseudo.wait else 0.0
        total = found["source_class"] + found["pseudo_class"]
        if variant not in ("coattn", "attn"):
            predicted = [self.predicted_attention(f) for f in self.ft]
            found["attention"] = self.attention_loss(predicted, matrices)
            found["attention_uniform"] = self.attention_loss(uniform_t, matrices)
            total += config.lambda_a * found["attention"]
        if variant in ("coattn", "tadnet"):
            found["video_domain"] = self.whole_videos()
        else:
            found["video_domain"] = self.aligned_videos(pairs)
        if variant in ("tcon", "attn"):
            found["segment_domain"] = self.aligned_segments(pairs)
        total += found["video_domain"] + found.get("segment_domain", 0.0)
        if variant != "coattn":
            found["pairs"] = len(pairs)
            differ = [self.labels[i] != out_t[t].argmax() for i, t in pairs]
            found["pairs_cross_class"] = np.mean(differ) if pairs else 0.0
        return found | {"total": total}

    def target_logits(self) -> list[Array]:
        """The target's sum in (8); what is predicted, where no dropout is drawn."""
        if self.variant == "coattn":
            a = [self.sharpen(self.normalised_self_attention(f)) for f in self.ft]
        elif self.variant == "attn" or not self.on:
            a = [np.full(len(f), 1 / len(f)) for f in self.ft]
        else:
            a = [self.predicted_attention(f) for f in self.ft]
        return [self.attend(weights, z) for weights, z in zip(a, self.zt, strict=True)]

    def pseudo(self, out_t: list[Array]) -> float:
        """The second term of (8)."""
        sure = [z for z in out_t if softmax(z).max() >= self.config.pseudo.threshold]
        loss = sum(cross_entropy(z, int(z.argmax())) for z in sure)
        return loss / (len(out_t) if self.config.pseudo.per == "batch" else max(len(sure), 1))

    def information_maximisation(self) -> float:
        """Mean entropy of the target videos' predictions, less that of their mean."""
        predictions = [softmax(z) for z in self.target_logits()]
        classes = range(len(predictions[0]))
        total = 0.0
        for p in predictions:
            total -= sum(p[c] * np.log(p[c]) for c in classes) / len(predictions)
        for c in classes:
            mean = sum(p[c] for p in predictions) / len(predictions)
            total += mean * np.log(mean)
        return float(total)

    def attention_loss(self, predicted: list[Array], matrices: dict[Any, Array]) -> float:
        """(7), over the targets that have a pair."""
        losses = []
        for t in range(len(self.ft)):
            mine = [m for (_, target), m in matrices.items() if target == t]
            if not mine:
                continue
            truth, guess = self.attention(mine, 0, np.empty(0)), predicted[t]
            d = np.abs(guess - truth)
            losses.append(
                {
                    "mse": sum(d**2),
                    "l1": sum(d),
                    "smooth_l1": sum(d**2 / 2),  # no difference is above 1
                    "kl": sum(x * np.log(x / y) for x, y in zip(truth, guess, strict=True) if x),
                }[self.config.att_loss]
            )
        return float(np.mean(losses)) if losses else 0.0

    def aligned_videos(self, pairs: list[tuple[int, int]]) -> float:
        """(10)."""
        if not pairs:
            return 0.0
        ones, zeros = [], []
        for t, f in enumerate(self.ft):
            masks = self.draws["video_target"][:, t]
            logit = mlp(self.weights, "discriminators.video", np.concatenate(f), masks)
            ones.append(binary_cross_entropy(logit, 1))
        for n, pair in enumerate(pairs):
            x, masks = np.concatenate(self.aligned(*pair)), self.draws["video_aligned"][:, n]
            logit = mlp(self.weights, "discriminators.video", x, masks)
            zeros.append(binary_cross_entropy(logit, 0))
        return float(np.mean(ones) + np.mean(zeros))

    def aligned_segments(self, pairs: list[tuple[int, int]]) -> float:
        """(11), the second term over a random subset."""
        if not pairs:
            return 0.0
        name, ones, zeros = "discriminators.segment", [], []
        for i, f in enumerate(self.fs if self.config.seg_against == "source" else self.ft):
            for j, x in enumerate(f):
                masks = self.draws["segment_real"][:, i, j]
                ones.append(binary_cross_entropy(mlp(self.weights, name, x, masks), 1))
        order = self.draws["segment_order"]
        kt = order.shape[1]
        rows = sorted((order[n, k], n, k) for n in range(len(pairs)) for k in range(kt))
        for r, (_, n, k) in enumerate(rows[: self.config.disc.max_segments]):
            x, masks = self.aligned(*pairs[n])[k], self.draws["segment_aligned"][:, r]
            zeros.append(binary_cross_entropy(mlp(self.weights, name, x, masks), 0))
        return float(np.mean(ones) + np.mean(zeros))

    def whole_videos(self) -> float:
        """Target against source without alignment."""
        means = []
        for domain, label, videos in (("target", 1, self.ft), ("source", 0, self.fs)):
            losses = []
            for n, f in enumerate(videos):
                masks = self.draws[f"video_{domain}"][:, n]
                logit = mlp(self.weights, "discriminators.video", np.concatenate(f), masks)
                losses.append(binary_cross_entropy(logit, label))
            means.append(np.mean(losses))
        return float(sum(means))
