"""Methods of one alignment loss: their losses by loops, and who receives which gradient."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from feature_files import write_domain
from prepared_runs import prepare
from torch import Tensor

from tcon.adapt.config.runs import default_options, make_runs
from tcon.adapt.config.settings import apply_settings
from tcon.adapt.grid import run_all
from tcon.adapt.layers.mmd import mk_mmd
from tcon.adapt.layers.networks import DiscriminatorConfig
from tcon.adapt.layers.schedules import dann_ramp
from tcon.adapt.methods import Losses, Sizes, SourceBatch, build, entry
from tcon.adapt.methods.alignment import Alignment

BS, BT, KS, KT, D_IN, C = 5, 4, 3, 2, 10, 3
LAM = 0.7 * dann_ramp(0.3)
ADVERSARIAL = {
    "dann": {},
    "daaa": {},
    "cdan": {},
    "cdan randomised": {"max_exact": 23, "random_dim": 6},
    "cdan per segment": {"loss_per": "segment"},
    "cdan+e": {"entropy_weights": True},
    "cdan+e per segment": {"entropy_weights": True, "loss_per": "segment"},
}
EVERY = {**ADVERSARIAL, "dan": {}, "coral": {}, "im": {}, "mcc": {}}
DISCRIMINATOR = {"dann": "disc_video", "daaa": "disc_segment", "cdan": "disc"}


def name_of(case: str) -> str:
    return case.split()[0].removesuffix("+e")


def make(case: str, *, ks: int = KS, kt: int = KT, **changes: object) -> Alignment:
    name = name_of(case)
    config = replace(entry(name).config, features=8, dropout=0.5, lambda_d=0.7, **EVERY[case])
    if name in DISCRIMINATOR:
        config = replace(config, disc=DiscriminatorConfig(hidden=7))
    config = replace(config, **changes)
    sizes = Sizes(in_features=D_IN, source_segments=ks, target_segments=kt, classes=C)
    torch.manual_seed(0)
    method = build(name, config, sizes).double()
    torch.nn.init.normal_(method.classifier.linear.weight)  # TSN's init is almost flat
    return method


def data(ks: int = KS, kt: int = KT) -> tuple[SourceBatch, Tensor]:
    generator = torch.Generator().manual_seed(1)
    source = torch.rand(BS, ks, D_IN, generator=generator, dtype=torch.float64)
    target = torch.rand(BT, kt, D_IN, generator=generator, dtype=torch.float64) + 0.3
    return SourceBatch(source, torch.arange(BS) % C), target


def draw(method: Alignment) -> dict[str, Tensor]:
    draws = method.draw(BS, BT, torch.Generator().manual_seed(2))
    return {name: value.double() for name, value in draws.items()}


def step(method: Alignment, draws: dict[str, Tensor], *, progress: float = 0.3) -> Losses:
    source, target = data(method.sizes.source_segments, method.sizes.target_segments)
    return method.losses(source, target, progress=progress, draws=draws, state={})[0]


def domain_loss_of(losses: Losses) -> float:
    names = {
        "video_domain",
        "segment_domain",
        "mmd",
        "coral",
        "target_prediction",
    } & losses.logs.keys()
    return float(losses.logs[names.pop()])


class Loops:
    """Everything once more in numpy, a segment at a time."""

    def __init__(self, method: Alignment, draws: dict[str, Tensor]) -> None:
        self.w = {name: value.numpy() for name, value in method.state_dict().items()}
        self.draws = {name: value.numpy() for name, value in draws.items()}
        (source, self.labels), target = data()
        self.fs = [[self.feature(x) for x in video] for video in source.numpy()]
        self.ft = [[self.feature(x) for x in video] for video in target.numpy()]

    def linear(self, name: str, x: np.ndarray) -> np.ndarray:
        return self.w[f"{name}.weight"] @ x + self.w[f"{name}.bias"]

    def feature(self, x: np.ndarray) -> np.ndarray:
        return np.maximum(self.linear("bottleneck.0", x), 0)

    def class_logits(self, f: np.ndarray, mask: np.ndarray) -> np.ndarray:
        return self.linear("classifier.linear", f * mask)

    def judge(self, disc: str, x: np.ndarray, masks: list[np.ndarray]) -> float:
        x = np.maximum(self.linear(f"{disc}.project", x), 0) * masks[0]
        x = np.maximum(self.linear(f"{disc}.second", x), 0) * masks[1]
        return self.linear(f"{disc}.out", x).item()

    def source_class(self) -> float:
        total = 0.0
        for i, video in enumerate(self.fs):
            masks = self.draws["class_source"][i]
            p = softmax(
                sum(self.class_logits(f, m) for f, m in zip(video, masks, strict=True)) / KS
            )
            total -= np.log(p[self.labels[i]])
        return total / BS

    def dann(self) -> float:
        total = 0.0
        for domain, videos in (("source", self.fs), ("target", self.ft)):
            for i, video in enumerate(videos):
                masks = self.draws[f"video_{domain}"][:, i]
                d = self.judge("disc_video", sum(video) / len(video), masks)
                total += cross_entropy(d, domain) / len(videos)
        return total

    def daaa(self) -> float:
        total = 0.0
        for domain, videos in (("source", self.fs), ("target", self.ft)):
            for i, video in enumerate(videos):
                for j, f in enumerate(video):
                    d = self.judge("disc_segment", f, self.draws[f"segment_{domain}"][:, i, j])
                    total += cross_entropy(d, domain) / (len(videos) * len(video))
        return total

    def cdan(self, **options: object) -> float:
        total = 0.0
        for domain, videos in (("source", self.fs), ("target", self.ft)):
            judged, logits = [], []
            for i, video in enumerate(videos):
                zs = [
                    self.class_logits(f, m)
                    for f, m in zip(video, self.draws[f"class_{domain}"][i], strict=True)
                ]
                ds = [
                    self.judge("disc", self.join(f, softmax(z)), masks)
                    for f, z, masks in zip(
                        video, zs, self.draws[f"disc_{domain}"][:, i].swapaxes(0, 1), strict=True
                    )
                ]
                per_segment = options.get("loss_per") == "segment"
                judged += ds if per_segment else [sum(ds) / len(ds)]
                logits += zs if per_segment else [sum(zs) / len(zs)]
            weights = [1.0] * len(judged)
            if options.get("entropy_weights"):
                weights = [1 + np.exp((softmax(z) * np.log(softmax(z))).sum()) for z in logits]
            terms = [w * cross_entropy(d, domain) for w, d in zip(weights, judged, strict=True)]
            total += sum(terms) / sum(weights)
        return total

    def join(self, f: np.ndarray, g: np.ndarray) -> np.ndarray:
        if "random_f" in self.w:
            return (f @ self.w["random_f"]) * (g @ self.w["random_g"]) / 6**0.5
        return np.outer(f, g).ravel()

    def dan(self) -> float:
        mean = [np.stack([sum(v) / len(v) for v in videos]) for videos in (self.fs, self.ft)]
        return float(mk_mmd(*map(torch.tensor, mean)))  # against loops in test_mmd.py

    def coral(self) -> float:
        covariances = [np.cov(np.concatenate(videos).T) for videos in (self.fs, self.ft)]
        total, width = 0.0, len(covariances[0])
        for i in range(width):
            for j in range(width):
                total += (covariances[0][i, j] - covariances[1][i, j]) ** 2
        return total / (4 * width**2)

    def target_predictions(self, temperature: float = 1) -> list[np.ndarray]:
        """Class probabilities of each target video."""
        masks = self.draws["class_target"]
        return [
            softmax(sum(map(self.class_logits, video, masks[i])) / KT / temperature)
            for i, video in enumerate(self.ft)
        ]

    def im(self) -> float:
        predictions = self.target_predictions()
        mean = sum(predictions) / BT
        certainty = sum((p * np.log(p)).sum() for p in predictions) / BT
        return (mean * np.log(mean)).sum() - certainty

    def mcc(self) -> float:
        """With the paper's weights, whose mean is 1."""
        predictions = self.target_predictions(temperature=2.5)
        weights = [1 + np.exp((p * np.log(p)).sum()) for p in predictions]
        total = 0.0
        for i in range(C):
            row = np.zeros(C)
            for w, p in zip(weights, predictions, strict=True):
                row += BT * w / sum(weights) * p[i] * p
            total += (sum(row) - row[i]) / sum(row)
        return total / C


def softmax(z: np.ndarray) -> np.ndarray:
    return np.exp(z) / np.exp(z).sum()


def cross_entropy(logit: float, domain: str) -> float:
    p = 1 / (1 + np.exp(-logit))
    return -np.log(p if domain == "source" else 1 - p)


@pytest.mark.parametrize("case", EVERY)
def test_losses_equal_loops(case: str) -> None:
    method = make(case)
    losses = step(method, draws := draw(method))
    loops = Loops(method, draws)
    expected = getattr(loops, name_of(case))(**EVERY[case])
    assert domain_loss_of(losses) == pytest.approx(expected, rel=1e-9)
    assert float(losses.logs["source_class"]) == pytest.approx(loops.source_class(), rel=1e-9)
    weight = 1.0 if case in ADVERSARIAL else LAM  # the adversarial weigh their gradient alone
    total = loops.source_class() + weight * expected
    assert losses.total.item() == pytest.approx(total, rel=1e-9)
    assert float(losses.logs["lambda_d"]) == pytest.approx(LAM)


def gradients(method: Alignment, *, progress: float) -> dict[str, Tensor]:
    method.zero_grad()
    step(method, draw(method), progress=progress).total.backward()
    return {name: p.grad.clone() for name, p in method.named_parameters()}


@pytest.mark.parametrize("case", ADVERSARIAL)
def test_features_receive_the_discriminators_gradient_times_minus_lambda(case: str) -> None:
    """``lambda_d`` = -1 undoes the reversal: both then descend the same loss."""
    start = gradients(make(case), progress=0.0)  # the ramp starts at 0
    reversed_ = gradients(make(case), progress=0.3)
    plain = gradients(make(case, lambda_d=-1.0, ramp=None), progress=0.3)
    for name, alone in start.items():
        if name.startswith("disc"):
            # The discriminator learns fully, whatever lambda is.
            assert alone.abs().sum() > 0
            torch.testing.assert_close(reversed_[name], alone)
            torch.testing.assert_close(plain[name], alone)
        else:
            torch.testing.assert_close(reversed_[name] - alone, -LAM * (plain[name] - alone))
    changed = {name for name in start if not torch.allclose(plain[name], start[name])}
    assert "bottleneck.0.weight" in changed
    # Only the weights of CDAN+E let the discriminator reach the classifier.
    assert ("classifier.linear.weight" in changed) == ("+e" in case)


@pytest.mark.parametrize("case", ADVERSARIAL)
def test_at_lambda_0_the_features_learn_from_source_labels_alone(case: str) -> None:
    method = make(case)
    source, _ = data()
    logits = method.classifier(method.bottleneck(source.features), draw(method)["class_source"])
    loss = torch.nn.functional.cross_entropy(logits.mean(1), source.labels)
    (expected,) = torch.autograd.grad(loss, method.bottleneck[0].weight)
    got = gradients(method, progress=0.0)["bottleneck.0.weight"]
    torch.testing.assert_close(got, expected)


@pytest.mark.parametrize("case", ADVERSARIAL)
@pytest.mark.parametrize("part", ["bottleneck", "disc"])
def test_features_raise_the_domain_loss_and_discriminators_lower_it(case: str, part: str) -> None:
    if part == "bottleneck" and "+e" in case:
        pytest.skip("what normalises the weights is constant to gradients, so the loss may fall")
    method = make(case)
    before = domain_loss_of(step(method, draw(method)))
    now, without = (gradients(method, progress=progress) for progress in (0.3, 0.0))
    with torch.no_grad():
        for name, p in method.named_parameters():
            if name.startswith("disc"):
                p -= 0.01 * now[name] * (part == "disc")
            elif name.startswith(part):
                p -= 0.01 * (now[name] - without[name])  # what the discriminator sends
    after = domain_loss_of(step(method, draw(method)))
    assert (after > before) if part == "bottleneck" else (after < before)


def test_entropy_weights_are_normalised_by_a_constant() -> None:
    """Where all videos have the same loss, a moving sum of weights would leave no gradient."""
    heard = []
    for case in ("cdan+e", "cdan"):
        method = make(case)
        with torch.no_grad():
            method.disc.out.weight.zero_()
        heard.append(gradients(method, progress=0.3)["classifier.linear.weight"])
    assert not torch.allclose(*heard)


def test_discrepancy_pulls_the_domains_together() -> None:
    method = make("dan", dropout=0.0)
    optimiser = torch.optim.SGD(method.parameters(), lr=0.1)
    values = []
    for _ in range(30):
        losses = step(method, draw(method), progress=1.0)
        values.append(float(losses.logs["mmd"]))
        optimiser.zero_grad()
        losses.total.backward()
        optimiser.step()
    assert values[-1] < 0.9 * values[0]


@pytest.mark.parametrize("case", EVERY)
def test_one_segment_is_finite(case: str) -> None:
    method = make(case, ks=1, kt=1)
    losses = step(method, draw(method))
    losses.total.backward()
    assert losses.total.isfinite()
    assert all(p.grad.isfinite().all() for p in method.parameters())


@pytest.mark.parametrize("case", EVERY)
def test_prediction_is_the_consensus_and_needs_no_discriminator(case: str) -> None:
    method, (_, target) = make(case), data()
    f = torch.relu(method.bottleneck[0](target))
    expected = torch.stack([method.classifier.linear(video).mean(0) for video in f])
    if name_of(case) in DISCRIMINATOR:
        delattr(method, DISCRIMINATOR[name_of(case)])
    torch.testing.assert_close(method.predict(target), expected)


def test_random_map_is_saved_and_not_trained() -> None:
    method = make("cdan randomised")
    assert {"random_f", "random_g"} <= set(method.state_dict())
    assert not {"random_f", "random_g"} & {name for name, _ in method.named_parameters()}
    # 24 dimensions against a limit of 23: the exact map is used up to the limit, inclusive.
    assert method.randomised and not make("cdan", max_exact=24).randomised


def test_weight_without_a_ramp_is_constant() -> None:
    config = replace(entry("dan").config, lambda_d=0.5, ramp=None)
    assert [config.weight(p) for p in (0.0, 0.4, 1.0)] == [0.5] * 3


@pytest.mark.parametrize("name", ["source_only", "dann", "daaa", "cdan", "dan"])
def test_official_presets_name_existing_options(name: str) -> None:
    own = [s for s in entry(name).presets["official"] if not s.startswith("train.")]
    options = apply_settings([f"{name}.{s}" for s in own], default_options([name]))
    assert (options[name] != entry(name).config) == bool(own)


@pytest.mark.slow
def test_whole_runs(tmp_path: Path) -> None:
    """Each method through the loop: it ends well above chance on an easy shift."""
    source = write_domain(tmp_path / "s.h5", videos=60)
    target = write_domain(tmp_path / "t.h5", videos=60, shift=0.3, seed=1)
    names = ["dann", "daaa", "cdan", "dan", "coral", "im", "mcc", "ema"]
    settings = ["train.epochs=1", "train.min_steps=120", "train.batch_size=16", "train.lr=3e-3"]
    settings += [f"{name}.features=32" for name in names] + ["cdan.max_exact=50"]
    settings += [f"{name}.disc.hidden=16" for name in names[:3]] + ["train.evaluations=2"]
    prepared = prepare(
        source, target, make_runs(names, settings, segments=4), tmp_path / "r", device="cpu"
    )
    run_all(prepared)
    for _, folder in prepared.runs:
        with h5py.File(folder.path / "logits.h5") as h5:
            ids = h5["target_test/id"].asstr()[()]
            predicted = h5["target_test/logits"][-1].argmax(1)
        truth = np.array([int(id_[1:4]) % 3 for id_ in ids])
        assert (predicted == truth).mean() > 0.8
