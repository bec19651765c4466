"""End-to-end runs: their gradients, where they continue, and what their backbone is good for."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from click.testing import CliRunner
from extraction import extract
from prepared_runs import prepare
from still_videos import write_still_videos
from tiny_backbones import MACHINE, tiny_backbones
from torch import Tensor, nn

from tcon.adapt.config.options import RunConfig
from tcon.adapt.config.runs import make_runs
from tcon.adapt.end_to_end import store
from tcon.adapt.end_to_end.decoding import Decoding
from tcon.adapt.end_to_end.gradient_cache import GradientCache
from tcon.adapt.end_to_end.lists import videos_file
from tcon.adapt.end_to_end.memory import step as step_memory
from tcon.adapt.grid import Prepared, run_all
from tcon.adapt.inference.ensemble import load_ensemble
from tcon.adapt.inference.features import plan_features
from tcon.adapt.inference.stream import predict_videos
from tcon.adapt.methods import Sizes, SourceBatch, build
from tcon.adapt.run.folder import RunFolder
from tcon.adapt.run.record import read_record
from tcon.adapt.training.new_method import new_method
from tcon.adapt.training.processes import Processes
from tcon.cache import FeatureFile, InputError
from tcon.cli import main
from tcon.extract.backbones import register
from tcon.extract.lists.videos import read_videos

SHORT = ("train.epochs=1", "train.min_steps=6", "train.batch_size=4", "train.evaluations=2")
TINY = ("e2e.backbone=tiny", "e2e.weights=random", "e2e.precision=fp32")
# Nothing random that differs between the modes, or that depends on how a batch is divided.
CERTAIN = (
    *("tcon.dropout=0", "tcon.disc.dropout=0", "tcon.disc.hidden=8", "tcon.pair.max_pairs=64"),
    *("tcon.disc.max_segments=64", "e2e.crops=centre", "e2e.batch_norm=frozen"),
)


@pytest.fixture(autouse=True, scope="module")
def _backbones() -> Iterator[None]:
    with tiny_backbones():
        yield


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("still")
    return tuple(write_still_videos(folder / name, seed=n) for n, name in enumerate(("s", "t")))


@pytest.fixture(scope="module")
def files(folders: tuple[Path, Path]) -> tuple[Path, Path]:
    """Both domains with their features at the start, which end-to-end runs do not look at."""
    made = tuple(folder.with_suffix(".h5") for folder in folders)
    config = replace(MACHINE, backbone="tiny", weights="random", precision="fp32", batch_size=4)
    for folder, file in zip(folders, made, strict=True):
        assert not extract(read_videos(folder), file, config)
    return made


def end_to_end(
    files: tuple[Path, Path], output: Path, *settings: str, method: str = "tcon", **options: object
) -> Path:
    runs = make_runs([method], [*SHORT, *TINY, *settings], segments=3, end_to_end=True)
    return train(files, output, runs, **options)


def train(files: tuple[Path, Path], output: Path, runs: list[RunConfig], **options: object) -> Path:
    ready = prepared(files, output, runs)
    assert run_all(ready, **options) == 0
    return ready.runs[0][1].path


def prepared(files: tuple[Path, Path], output: Path, runs: list[RunConfig]) -> Prepared:
    return prepare(*files, runs, output, device="cpu", decoding=Decoding(workers=0))


def logits(run: Path) -> dict[str, np.ndarray]:
    with h5py.File(run / "logits.h5") as h5:
        return {name: h5[name]["logits"][()] for name in h5 if isinstance(h5[name], h5py.Group)}


@pytest.mark.slow
def test_a_frozen_backbone_is_the_cached_mode(files: tuple[Path, Path], tmp_path: Path) -> None:
    """The same losses, gradients and so weights after every step, on the same features."""
    certain = [setting for setting in CERTAIN if not setting.startswith("e2e")]
    cached = make_runs(
        ["tcon"], [*SHORT, *certain, "tcon.features=0", "train.normalise=none"], segments=3
    )
    expected = train(files, tmp_path / "cached", cached)
    run = end_to_end(files, tmp_path / "e2e", *CERTAIN, "e2e.backbone_lr=0")
    for name, values in logits(expected).items():
        # Features are cached in float16.
        np.testing.assert_allclose(logits(run)[name], values, atol=2e-5, err_msg=name)
    weights = [torch.load(path / "checkpoint.pt")["method"] for path in (expected, run)]
    start = _first_step(prepared(files, tmp_path / "start", cached))[0]
    for name, value in weights[0].items():
        torch.testing.assert_close(weights[1][name], value, atol=2e-4, rtol=1e-2)
    assert all(not torch.equal(weights[0][name], value) for name, value in start.items())


def test_a_frozen_backbone_has_the_gradients_of_the_cached_mode(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    certain = [setting for setting in CERTAIN if not setting.startswith("e2e")]
    cached = make_runs(
        ["tcon"], [*SHORT, *certain, "tcon.features=0", "train.normalise=none"], segments=3
    )
    frozen = [*SHORT, *TINY, *CERTAIN, "e2e.backbone_lr=0"]
    runs = make_runs(["tcon"], frozen, segments=3, end_to_end=True)
    _, expected = _first_step(prepared(files, tmp_path / "cached", cached))
    _, got = _first_step(prepared(files, tmp_path / "e2e", runs))
    assert got.keys() == expected.keys()
    sizes = {name: float(gradient.abs().max()) for name, gradient in expected.items()}
    # Segments of a still video are alike, so there is nothing to attend to.
    assert all(size for name, size in sizes.items() if not name.startswith("attention."))
    for name, size in sizes.items():  # features are cached in float16
        torch.testing.assert_close(got[name], expected[name], atol=2e-3 * size + 1e-8, rtol=0)


def _first_step(ready: Prepared) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """The parameters that a run starts with and their gradients in its first step, by name."""
    run = ready.runs[0][0]
    feed = ready.store.feed(run)
    method = new_method(run, feed.domains)
    batch = next(feed.batches(range(1), method))
    draws = method.draw(feed.source_size, feed.target_size, batch.generator)
    state = method.initial_state(feed.device)
    losses, _ = method.losses(batch.source, batch.target, progress=0.5, draws=draws, state=state)
    losses.total.backward()
    parameters = dict(method.named_parameters())
    start = {name: p.detach().clone() for name, p in parameters.items()}
    return start, {name: p.grad for name, p in parameters.items() if p.grad is not None}


def backbone_of(run: Path) -> dict[str, torch.Tensor]:
    return torch.load(run / "checkpoint.pt")["backbone"]


@pytest.mark.slow
def test_the_backbone_learns_from_all_losses(files: tuple[Path, Path], tmp_path: Path) -> None:
    tcon = backbone_of(end_to_end(files, tmp_path / "tcon"))["0.weight"]
    plain = backbone_of(end_to_end(files, tmp_path / "plain", method="source_only"))["0.weight"]
    before = store.load_backbone("tiny", "random").module[0].weight
    assert not torch.equal(plain, before)
    assert not torch.allclose(tcon, plain)


@pytest.mark.slow
def test_without_adaptation_the_target_is_not_seen(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    """Not even by the statistics of batch norm."""
    runs = [
        end_to_end(pair, tmp_path / str(n), "e2e.backbone=tiny_bn", method="source_only")
        for n, pair in enumerate((files, (files[0], files[0])))
    ]
    for name, value in backbone_of(runs[0]).items():
        assert torch.equal(backbone_of(runs[1])[name], value), name


@pytest.mark.slow
def test_the_oracle_sees_the_targets_videos(files: tuple[Path, Path], tmp_path: Path) -> None:
    """With their labels it is `source_only` on the target."""
    source, target = files
    runs = make_runs(["target_only"], [*SHORT, *TINY], segments=3, end_to_end=True)
    ready = prepare(source, target, runs, tmp_path / "o", oracle=True, decoding=Decoding(workers=0))
    assert run_all(ready) == 0
    oracle = ready.runs[0][1].path
    plain = end_to_end((target, target), tmp_path / "plain", method="source_only")
    assert torch.equal(backbone_of(oracle)["0.weight"], backbone_of(plain)["0.weight"])


def test_no_label_reaches_the_loaders(files: tuple[Path, Path], tmp_path: Path) -> None:
    runs = make_runs(["tcon"], [*SHORT, *TINY], segments=3, end_to_end=True)
    ready = prepared(files, tmp_path, runs)
    for loader in ready.store.feed(runs[0]).loaders.values():
        assert not any(video.label for video in loader.videos)


@pytest.mark.slow
def test_unreadable_videos_are_told(
    folders: tuple[Path, Path], files: tuple[Path, Path], tmp_path: Path
) -> None:
    copied = tuple(shutil.copytree(folder, tmp_path / folder.name) for folder in folders)
    made = tuple(folder.with_suffix(".h5") for folder in copied)
    config = replace(MACHINE, backbone="tiny", weights="random")
    for folder, file in zip(copied, made, strict=True):
        extract(read_videos(folder), file, config)
    shutil.rmtree(copied[0] / "train" / "run" / "0")
    run = end_to_end(made, tmp_path / "runs")
    (finding,) = (f for f in json.loads((run / "health.json").read_text()) if "unread" in f["kind"])
    assert "1 training videos could not be read and were black, as train/run/0" in finding["text"]
    shutil.rmtree(copied[1] / "test" / "jump" / "1")
    why = []
    runs = make_runs(["tcon"], [*SHORT, *TINY], segments=3, end_to_end=True)
    ready = prepared(made, tmp_path / "again", runs)
    assert run_all(ready, on_state=lambda folder, state, text: why.append(text)) == 1
    assert "test/jump/1 cannot be read any more" in why[-1]


@pytest.mark.slow
def test_half_precision_is_scaled_and_unscaled(files: tuple[Path, Path], tmp_path: Path) -> None:
    """Clipping sees the true gradients: the same course as in full precision, to its rounding."""
    runs = [
        end_to_end(files, tmp_path / kind, *CERTAIN, f"e2e.precision={kind}", "train.clip_norm=0.5")
        for kind in ("fp32", "fp16")
    ]
    for name, values in logits(runs[0]).items():
        np.testing.assert_allclose(logits(runs[1])[name], values, atol=2e-3)
    assert torch.load(runs[1] / "checkpoint.pt")["backbone"]["0.weight"].dtype == torch.float32


def test_what_follows_the_backbone_can_be_in_bf16(files: tuple[Path, Path], tmp_path: Path) -> None:
    full, half = (
        end_to_end(files, tmp_path / kind, *CERTAIN, f"train.precision={kind}")
        for kind in ("auto", "bf16")
    )
    assert read_record(full).run.train.precision == "fp32"
    differences = [abs(logits(half)[name] - values).max() for name, values in logits(full).items()]
    assert 0 < max(differences) < 0.05
    assert torch.load(half / "checkpoint.pt")["backbone"]["0.weight"].dtype == torch.float32


@pytest.mark.slow
@pytest.mark.parametrize("backbone", ["tiny_bn", "tiny3d", "timm:test_vit,size=32"])
def test_new_videos_are_predicted_as_the_run_did(
    files: tuple[Path, Path], folders: tuple[Path, Path], tmp_path: Path, backbone: str
) -> None:
    run = end_to_end(files, tmp_path, f"e2e.backbone={backbone}", "train.lr=0.01")
    deployed, results = load_ensemble(run), []
    items = [item for item in read_videos(folders[1]) if item.split == "test"]
    plan = plan_features(deployed.first, MACHINE)
    predict_videos(deployed, items, plan, on_result=results.append)
    expected = logits(run)["target_test"][-1]
    assert np.ptp(expected) > 0.05
    got = np.stack([result.logits for result in results])
    np.testing.assert_allclose(got, expected, atol=2e-3)  # features pass through float16


@pytest.mark.slow
@pytest.mark.parametrize("backbone", ["tiny", "tiny3d", "tiny_bn"])
def test_micro_batches_change_nothing(
    files: tuple[Path, Path], tmp_path: Path, backbone: str
) -> None:
    settings = (*CERTAIN, f"e2e.backbone={backbone}")
    whole = end_to_end(files, tmp_path / "whole", *settings, "e2e.micro_batch=24")
    parts = end_to_end(files, tmp_path / "parts", *settings, "e2e.micro_batch=5")
    for name, values in logits(whole).items():
        np.testing.assert_allclose(logits(parts)[name], values, atol=1e-5)


class Stop(BaseException):
    """As if the process had been killed here."""


BY_DEPTH = ("e2e.layer_decay=0.7", "e2e.freeze=stem")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("step", "settings"),
    [
        *((step, ("e2e.backbone=tiny_bn", "e2e.micro_batch=3")) for step in (1, 2, 5)),
        (2, ("e2e.backbone=tiny_bn", *BY_DEPTH)),
        (2, ("e2e.backbone=timm:test_vit,size=32", *BY_DEPTH)),
    ],
)
def test_a_killed_run_continues(
    files: tuple[Path, Path], tmp_path: Path, step: int, settings: tuple[str, ...]
) -> None:
    """With random crops, dropout and batch norm, it ends in the same bytes."""
    whole = end_to_end(files, tmp_path / "whole", *settings)

    def stop(folder: RunFolder, done: int, steps: int) -> None:
        if done == step:
            raise Stop

    with pytest.raises(Stop):
        end_to_end(files, tmp_path / "cut", *settings, save_seconds=0, on_step=stop)
    begun = []
    cut = end_to_end(
        files,
        tmp_path / "cut",
        *settings,
        save_seconds=0,
        on_step=lambda folder, step, steps: begun.append(step),
    )
    assert begun[0] == step  # the last step had not been stored
    for name in ("metrics.jsonl", "logits.h5", "checkpoint.pt", "config.json"):
        assert (cut / name).read_bytes() == (whole / name).read_bytes(), name


@pytest.mark.slow
def test_each_depth_moves_by_its_rate(files: tuple[Path, Path], tmp_path: Path) -> None:
    """Steps of Adam are about as long as its rate at first; rates double from depth to depth."""
    settings = (
        "e2e.backbone=timm:test_vit,size=32",
        "e2e.layer_decay=0.5",
        "e2e.freeze=1",
        "train.min_steps=1",
    )
    run = end_to_end(files, tmp_path, *settings, "train.lr=0.01", method="source_only")
    before = store.load_backbone("timm:test_vit,size=32", "random").module.state_dict()
    moved = {
        name: float((value - before[name]).abs().max()) for name, value in backbone_of(run).items()
    }
    assert moved["network.patch_embed.proj.weight"] == moved["network.pos_embed"] == 0
    first, *others = (moved[f"network.blocks.{block}.mlp.fc1.weight"] for block in range(3))
    assert others == pytest.approx([2 * first, 4 * first], rel=0.05)
    recorded = read_record(run).run.end_to_end
    assert (recorded.layer_decay, recorded.freeze) == (0.5, 1)


def test_memory_of_a_module_that_looks_at_its_values(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    """It is counted with values, which the meta device does not have."""

    class Odd(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 8, 32, stride=32)

        def forward(self, x: Tensor) -> Tensor:
            maps = self.conv(x)  # [n, 8, 7, 7]
            return maps.mean((2, 3)) / max(1.0, maps.abs().max().item())

    with tiny_backbones():
        register(name="odd", dim=8, layer="pool")(Odd)
        settings = [*SHORT, *TINY[1:], "e2e.backbone=odd"]
        (run,) = make_runs(["source_only"], settings, segments=2, end_to_end=True)
        image = 3 * 224 * 224 * 4
        per_image = prepared(files, tmp_path, [run]).store.need(run).per_image
    assert 2 * image <= per_image < 2.1 * image  # the convolution keeps the normalised image


@pytest.mark.slow
def test_extract_takes_the_trained_backbone(
    files: tuple[Path, Path], folders: tuple[Path, Path], tmp_path: Path
) -> None:
    """Cached runs go on from its features, which are those that the run predicted from."""
    run = end_to_end(files, tmp_path / "runs", method="source_only")
    config = replace(MACHINE, backbone="tiny", weights=str(run), precision="fp32", batch_size=4)
    tuned = tmp_path / "tuned.h5"
    assert not extract(read_videos(folders[1]), tuned, config)
    file = FeatureFile(tuned)
    assert file.recipes["rgb"].weights == run.name
    head = torch.load(run / "checkpoint.pt")["method"]
    features = torch.from_numpy(file.packed("rgb").features).float()
    of_test = [n for n, video in enumerate(file.videos) if video.split == "test"]
    first = file.packed("rgb").start[of_test]
    expected = features[first] @ head["classifier.linear.weight"].T + head["classifier.linear.bias"]
    np.testing.assert_allclose(logits(run)["target_test"][-1], expected, atol=1e-3)
    cached = make_runs(["tcon"], [*SHORT, "tcon.features=8", "tcon.disc.hidden=8"], segments=3)
    train((tuned, tuned), tmp_path / "cached", cached)
    with pytest.raises(InputError, match="it trained no backbone"):
        store.load_backbone("tiny", str(tmp_path / "cached" / cached[0].name))
    with pytest.raises(InputError, match="does not fit tiny_bn"):
        store.load_backbone("tiny_bn", str(run))


@pytest.mark.slow
def test_a_run_says_how_it_was_made(files: tuple[Path, Path], tmp_path: Path) -> None:
    run = end_to_end(files, tmp_path, method="source_only")
    assert run.name == "source_only_rgb_k3_e2e_seed0"
    record = read_record(run)
    assert record.data.mode == "end to end"
    assert record.run.end_to_end.backbone == "tiny"
    assert record.run.options.features == 0
    checkpoint = torch.load(run / "checkpoint.pt", weights_only=True)
    assert checkpoint.keys() == {"method", "normalise", "backbone"}


@pytest.mark.slow
def test_lists_will_do(
    folders: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are counted once."""
    monkeypatch.chdir(tmp_path)
    made = tuple(videos_file(folder, Processes(), workers=0) for folder in folders)
    assert [video.frames for video in FeatureFile(made[0]).videos] == [16] * 12
    run = end_to_end(made, tmp_path / "runs", method="source_only")
    assert logits(run)["target_test"].shape == (2, 4, 2)
    stamp = made[0].stat().st_mtime_ns
    assert videos_file(folders[0], Processes(), workers=0) == made[0]
    assert made[0].stat().st_mtime_ns == stamp


@pytest.mark.slow
def test_videos_of_equal_ids_have_tables_of_their_own(
    folders: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both domains of a benchmark may name their videos alike; a video may be replaced."""
    copied = tuple(shutil.copytree(folders[0], tmp_path / way / "clips") for way in "st")
    monkeypatch.chdir(tmp_path)
    relative = tuple(Path(way, "clips") for way in "st")
    made = [videos_file(folder, Processes(), workers=0) for folder in relative]
    for table, folder in zip(made, copied, strict=True):
        paths = [Path(video.path) for video in FeatureFile(table).videos]
        assert len(paths) == 12 and all(path.is_relative_to(folder) for path in paths)
    video = copied[1] / "train" / "run" / "0"
    shutil.copy(video / "00016.png", video / "00017.png")
    again = videos_file(relative[1], Processes(), workers=0)
    assert sorted(video.frames for video in FeatureFile(again).videos) == [*[16] * 11, 17]


def test_one_list_twice_by_mistake_is_refused(
    folders: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "real").mkdir()
    (video,) = folders[0].glob("train/run/0")
    for name in ("clips.csv", "real/clips.csv"):
        Path(name).write_text(f"path,label,split\n{video},run,train\n")
    files = ["--source", "clips.csv", "--target", "real/clips.csv", "--workers", "0"]
    done = CliRunner().invoke(main, ["adapt", "--end-to-end", *files])
    assert done.exit_code == 2
    assert "clips.csv and real/clips.csv name the same videos" in done.output


def test_what_is_refused(files: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cmfglr is fitted to cached features"):
        make_runs(["cmfglr"], end_to_end=True)
    with pytest.raises(InputError, match="train.normalise is for cached features"):
        make_runs(["tcon"], ["train.normalise=domain"], end_to_end=True)
    with (
        pytest.MonkeyPatch.context() as patch,
        pytest.raises(InputError, match="sync_bn=true is for GPUs"),
    ):
        patch.setattr(Processes, "join", lambda device: Processes(0, 2))
        end_to_end(files, tmp_path, "e2e.sync_bn=true")
    with pytest.raises(InputError, match="no setting 'e2e.backbone'"):
        make_runs(["tcon"], ["e2e.backbone=tiny"])
    with pytest.raises(InputError, match="no backbone 'tinny': did you mean tiny"):
        end_to_end(files, tmp_path, "e2e.backbone=tinny")


def test_the_rates_of_backbones() -> None:
    rates = [
        make_runs(["tcon"], settings, end_to_end=True)[0].end_to_end.backbone_lr
        for settings in ([], ["e2e.weights=random"], ["e2e.backbone_lr=0.5"], ["e2e.backbone=tiny"])
    ]
    assert rates == [0.1, 1.0, 0.5, 1.0]
    (run,) = make_runs(["im"], ["e2e.backbone=timm:convnext_atto"], end_to_end=True)
    assert run.end_to_end.backbone_lr == 0.1
    (run,) = make_runs(["tcon"], ["e2e.backbone=c3d"], end_to_end=True)
    assert (run.train.optimiser, run.train.lr, run.end_to_end.backbone_lr) == ("sgd", 1e-2, 0.1)
    (run,) = make_runs(["tcon"], modality="flow", end_to_end=True)
    assert (run.train.optimiser, run.train.lr, run.options.dropout) == ("adam", 3e-4, 0.7)


def test_the_adversary_of_tcon_is_light_where_a_heavier_one_was_seen_to_harm() -> None:
    weights = [
        make_runs([method], settings, end_to_end=True)[0].options.lambda_d
        for method, settings in (
            ("tcon", []),
            ("tcon+", []),
            ("tcon-attn", []),
            ("tcon", ["tcon.lambda_d=0.5"]),
            ("tcon", ["e2e.weights=random"]),
            ("tcon", ["e2e.backbone=bninception"]),
            ("daaa", []),
        )
    ]
    assert weights == [0.03, 0.03, 0.03, 0.5, 1.0, 1.0, 1.0]


@pytest.mark.parametrize("method", ["tcon", "tcon+", "tcon-trn", "tcon-tadnet"])
def test_the_labels_of_the_source_teach_nothing_about_target_videos(method: str) -> None:
    """Source attention depends on target features, which would be trained to serve it."""
    shares = []
    for settings in ([], ["detach_source_att=false"]):
        alone = ["features=0", "lambda_a=0", "lambda_d=0", "pseudo.threshold=2", *settings]
        alone += ["lambda_im=0"] if method == "tcon+" else []
        given = [f"{method}.{setting}" for setting in alone]
        (run,) = make_runs([method], given, segments=3, end_to_end=True)
        torch.manual_seed(0)
        sizes = Sizes(in_features=8, source_segments=3, target_segments=3, classes=4)
        tcon = build(method, run.options, sizes)
        source, target = torch.rand(2, 6, 3 * tcon.snippets, 8)
        target.requires_grad_()
        losses, _ = tcon.losses(
            SourceBatch(source, torch.arange(6) % 4),
            target,
            progress=0.5,
            draws=tcon.draw(6, 6, torch.Generator().manual_seed(1)),
            state=tcon.initial_state(torch.device("cpu")),
        )
        (gradient,) = torch.autograd.grad(losses.total, target)
        shares.append(float(gradient.abs().max()))
    assert shares[0] == 0 < shares[1]


@pytest.mark.slow
def test_the_micro_batch_is_kept_and_may_be_changed(
    files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An interrupted run goes on with its own, or with the one that is given."""

    def begin(*settings: str) -> tuple[int, int, str]:
        """What the run's folder says, what is used, and what is printed."""
        tiny = [*SHORT, *TINY, "e2e.backbone=tiny_bn", *settings]
        runs = make_runs(["tcon"], tiny, segments=3, end_to_end=True)
        ready = prepared(files, tmp_path, runs)
        reached = 0

        def stop(folder: RunFolder, done: int, steps: int) -> None:
            nonlocal reached
            reached += 1
            if reached == 2:  # after the first has been stored
                raise Stop

        with pytest.raises(Stop):
            run_all(ready, save_seconds=0, on_step=stop)
        ((run, folder),) = ready.runs  # its precision is decided
        told = read_record(folder.path)
        used = ready.store.feed(run).gradient_cache.micro_batch
        return told.data.micro_batch, used, "\n".join(ready.store.notes(run))

    monkeypatch.setattr(step_memory, "free_memory", lambda device: 2_000_000)
    fits, used, said = begin()
    assert 0 < fits == used < 12  # images of a domain
    assert f"a step of 24 images in two passes, {fits} at once, needs about 0.0 GiB" in said
    assert f"results depend on e2e.micro_batch={fits}" in said
    monkeypatch.undo()
    assert begin()[:2] == (fits, fits)
    assert f"in two passes, {fits} at once as before, needs" in begin()[2]
    number, used, said = begin("e2e.micro_batch=15")
    assert (number, used) == (15, 15)
    assert "15 at once, needs" in said and "results depend" not in said


def test_too_little_memory_names_the_micro_batch(
    files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise torch.cuda.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(GradientCache, "forward", fail)
    runs, why = make_runs(["tcon"], [*SHORT, *TINY], segments=3, end_to_end=True), []
    ready = prepared(files, tmp_path, runs)
    assert run_all(ready, on_state=lambda folder, state, text: why.append(text)) == 1
    assert "out of memory: lower e2e.micro_batch (it was 24)" in why[-1]


def _together(files: tuple[Path, Path], output: Path, *settings: str) -> Path:
    """`end_to_end` by two processes."""
    script = Path(__file__).parents[2] / "helpers" / "train_together.py"
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [sys.executable, *torchrun, str(script), *map(str, files), str(output), *SHORT, *settings],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[:2000]
    (run,) = output.iterdir()
    return run


@pytest.mark.slow
@pytest.mark.parametrize("backbone", ["tiny_bn"])
def test_two_processes_are_one(files: tuple[Path, Path], tmp_path: Path, backbone: str) -> None:
    """With batches of half the size each, to rounding; co-attention sees the whole batch."""
    settings = (*TINY[1:], *CERTAIN, f"e2e.backbone={backbone}", "e2e.micro_batch=3")
    alone = end_to_end(files, tmp_path / "alone", *settings)
    together = _together(files, tmp_path / "together", *settings)
    for name, values in logits(alone).items():
        np.testing.assert_allclose(logits(together)[name], values, atol=1e-5)
    weights = [torch.load(run / "checkpoint.pt") for run in (alone, together)]
    for part in ("method", "backbone"):
        for name, value in weights[0][part].items():
            torch.testing.assert_close(weights[1][part][name], value, atol=1e-5, rtol=1e-4)
    records = [(run / "metrics.jsonl").read_text().count("\n") for run in (alone, together)]
    assert records == [2, 2]  # one process writes


@pytest.mark.slow
def test_all_processes_predict_by_the_same_statistics(
    files: tuple[Path, Path], folders: tuple[Path, Path], tmp_path: Path
) -> None:
    """Those in the checkpoint, though each has seen a batch norm of its own share."""
    settings = ("e2e.backbone=tiny_bn", "e2e.batch_norm=trained", "train.lr=0.05")
    run = _together(files, tmp_path / "runs", *TINY[1:], *settings)
    with h5py.File(run / "logits.h5") as h5:
        ids, expected = h5["target_test/id"].asstr()[()], h5["target_test/logits"][-1]
    deployed, results = load_ensemble(run), []
    items = [item for item in read_videos(folders[1]) if item.split == "test"]
    assert [item.id for item in items] == list(ids)
    plan = plan_features(deployed.first, MACHINE)
    predict_videos(deployed, items, plan, on_result=results.append)
    got = np.stack([result.logits for result in results])
    assert np.ptp(expected) > 1
    np.testing.assert_allclose(got, expected, atol=5e-3)  # features pass through float16


def test_a_batch_that_processes_cannot_share() -> None:
    assert Processes(1, 2).share(6) == slice(3, 6)
    with pytest.raises(InputError, match="a batch of 5 videos cannot be divided among 2"):
        Processes(0, 2).share(5)
