"""What t-SNE, training curves and accuracy by K draw, and which figures a comparison has."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from toy_runs import train

from tcon.cache import InputError
from tcon.evaluate.figures import tsne as figures
from tcon.evaluate.figures.accuracy_by_segments import accuracy_by_segments, draw_accuracies
from tcon.evaluate.figures.all_figures import draw_all
from tcon.evaluate.figures.data.clouds import Cloud, FeatureClouds
from tcon.evaluate.figures.data.pairs import PairChoice
from tcon.evaluate.figures.picture import NotDrawn, Picture
from tcon.evaluate.figures.style import COLOURS, UNKNOWN
from tcon.evaluate.figures.training_curves import draw_curves, panels_of, training_logs
from tcon.evaluate.figures.tsne import draw_tsne, tsne, tsne_picture
from tcon.evaluate.runs.embeddings import Loader
from tcon.evaluate.runs.groups import FusionWeights
from tcon.evaluate.runs.names import folder_names
from tcon.evaluate.scores.fusion import fuse_groups


def clouds(n: int = 20) -> dict[str, Cloud]:
    rng = np.random.default_rng(0)
    classes = np.arange(n) % 2
    centres = 20 * classes[:, None]
    return {
        "source": Cloud(rng.normal(size=(n, 60)) + centres, classes),
        "target": Cloud(rng.normal(size=(n, 60)) + centres, np.where(classes, 1, -1)),
    }


def test_tsne_keeps_groups_apart_and_repeats_itself() -> None:
    points = tsne(clouds())
    assert {name: p.shape for name, p in points.items()} == {
        "source": (20, 2),
        "target": (20, 2),
    }
    both = np.concatenate(list(points.values()))
    group = np.tile(np.arange(20) % 2, 2)
    centres = np.stack([both[group == g].mean(0) for g in (0, 1)])
    nearest = np.linalg.norm(both[:, None] - centres, axis=2).argmin(1)
    assert (nearest == group).all()
    np.testing.assert_array_equal(tsne(clouds())["target"], points["target"])


def test_tsne_shows_domains_by_shape_and_classes_by_colour() -> None:
    given = clouds() | {"target-aligned source": clouds()["source"]}
    figure = draw_tsne({"segments": given, "videos": given}, ["walk", "run"])
    assert [axis.get_title() for axis in figure.axes] == ["segments", "videos"]
    # One above the other, and no letter is too small on a screen of 390 px.
    figure.draw_without_rendering()
    above, below = (axis.get_position() for axis in figure.axes)
    assert above.y0 > below.y1 and above.x0 == below.x0
    words = [text for legend in figure.legends for text in legend.get_texts()]
    assert all(text.get_fontsize() / (72 * figure.get_figwidth()) * 390 > 10 for text in words)
    drawn = {c.get_label(): c for c in figure.axes[0].collections}
    assert list(drawn) == list(given)
    assert len({drawn[name].get_paths()[0].vertices.tobytes() for name in drawn}) == 3
    assert [to_hex(c) for c in drawn["source"].get_facecolors()[:2]] == [
        c.lower() for c in COLOURS[:2]
    ]
    assert not len(drawn["target"].get_facecolors())  # hollow
    assert to_hex(drawn["target"].get_edgecolors()[0]) == UNKNOWN
    shapes, classes = ([t.get_text() for t in legend.get_texts()] for legend in figure.legends)
    assert shapes == list(given) and classes == ["1 walk", "2 run", "other or unknown class"]


def test_a_number_stands_where_its_class_is_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Classes 0 and 1 share a dense blob, and 1 has a loose one of its own; what is unknown does
    not count."""
    rng = np.random.default_rng(0)
    mixed, own = rng.normal(size=(60, 2)) / 100, 50 + rng.normal(size=(20, 2))
    classes = np.r_[np.arange(60) % 3 == 2, np.ones(20)].astype(int)
    shuffled = Cloud(np.r_[mixed, own], classes)
    unknown = Cloud(50 + rng.normal(size=(90, 2)), np.full(90, -1))
    drawn = {"source": shuffled, "target": unknown}
    places = {name: cloud.features for name, cloud in drawn.items()}
    monkeypatch.setattr(figures, "tsne", lambda _: places)
    (axis,) = draw_tsne({"videos": drawn}, ["walk", "run"]).axes
    numbers = {text.get_text(): text.get_position() for text in axis.texts}
    assert np.linalg.norm(np.subtract(numbers["2"], 50)) < 5
    # A class that is nowhere in the majority has no number.
    thirds = Cloud(np.repeat(rng.normal(size=(20, 2)), 3, axis=0), np.arange(60) % 3)
    monkeypatch.setattr(figures, "tsne", lambda _: {"source": thirds.features})
    (axis,) = draw_tsne({"videos": {"source": thirds}}, ["walk", "run", "sit"]).axes
    assert not axis.texts


def test_the_caption_of_an_unlabelled_target_claims_no_classes_of_it() -> None:
    def caption(target: int) -> str:
        clouds = {
            "source": Cloud(np.eye(6), np.arange(6) % 2),
            "target": Cloud(np.eye(6), np.full(6, target)),
        }
        shown = FeatureClouds(
            segments=clouds, videos=clouds, source_videos=6, target_videos=6, pairs=None,
            concatenated=True,
        )  # fmt: skip
        return tsne_picture(shown, "x", ["walk", "run"]).caption

    assert "true classes of the source, for the target is unlabelled" in caption(-1)
    assert "which adaptation did not see of the target" in caption(0)


def test_of_many_classes_the_commonest_have_a_colour() -> None:
    classes = np.r_[np.arange(12), np.arange(3, 11)]
    cloud = Cloud(np.random.default_rng(0).normal(size=(20, 4)), classes)
    figure = draw_tsne({"videos": {"source": cloud}}, [f"c{n}" for n in range(12)])
    words = [text.get_text() for text in figure.legends[1].get_texts()]
    assert words == [*(f"{n - 2} c{n}" for n in range(3, 11)), "other or unknown class"]


RECORD = {
    **{"step": 1, "lr": 0.1, "epoch": 1.0, "lambda_d": 0.0},
    **{"loss": 2.0, "source_class": 1.0, "video_domain": 1.4, "attention": 0.01},
    **{"video_disc_accuracy": 0.7, "pseudo_rate": 0.2, "pairs": 30.0},
    **{"attention_on": 0.5, "attention_on_step": 0.0},
}


def test_curves_are_means_over_seeds() -> None:
    seeds = [
        [{**RECORD, "step": s, "loss": seed + s, "pairs": 10.0 * s} for s in (1, 2, 3)]
        for seed in (0, 4)
    ]
    seeds[1][-1]["attention_on_step"] = 2.0
    figure = draw_curves(seeds)
    axes = {axis.get_title(): axis for axis in figure.axes}
    loss = next(line for line in axes["losses"].lines if line.get_label() == "loss")
    assert loss.get_xydata().tolist() == [[1, 3], [2, 4], [3, 5]]
    band = axes["losses"].collections[0].get_paths()[0].vertices
    assert band[:, 1].min() == 1 and band[:, 1].max() == 7
    assert [line.get_label() for line in axes["discriminator accuracy"].lines][0] == "video"
    styles = {(line.get_linestyle(), line.get_marker()) for line in axes["losses"].lines}
    assert len(styles) == 3  # told apart without colour
    # The second seed alone came to use the attention.
    marks = [line for line in axes["attention loss"].lines if len(line.get_xdata()) == 2]
    assert [line.get_xdata()[0] for line in marks] == [2]
    figure.draw_without_rendering()
    assert all((axis.get_xticks() % 1 == 0).all() for axis in figure.axes)


def test_metrics_without_a_curve_are_named(tmp_path: Path) -> None:
    (group,) = train(tmp_path, methods=["source_only"], seeds=2)
    metrics = group.runs[1].path / "metrics.jsonl"
    first = metrics.read_text().splitlines()[0]
    metrics.write_text(first + "\n")
    assert draw_curves(training_logs(group).seeds).axes  # a single line is a point
    for content in ("", '{"step": 1, "epoch": 1.0}\n'):
        metrics.write_text(content)
        with pytest.raises(InputError, match="have no curve: delete the run"):
            training_logs(group)


def test_curves_share_an_axis_by_their_unit(tmp_path: Path) -> None:
    """What every kind of method logs; the rest are axes, schedules and marks."""
    (tcon,) = train(tmp_path / "tcon", methods=["tcon"])
    record = json.loads((tcon.first.path / "metrics.jsonl").read_text().splitlines()[0])
    panels = panels_of(record)
    assert panels == {
        "losses": ["loss", "source_class", "pseudo_class", "video_domain", "segment_domain"],
        "attention loss": ["attention", "attention_uniform"],
        "discriminator accuracy": ["video_disc_accuracy", "segment_disc_accuracy"],
        "shares": [
            *("pseudo_rate", "pairs_cross_class", "coattention_entropy"),
            *("align_column_max", "align_same_row", "target_top_class"),
        ],
        "counts": ["pairs"],
    }
    fitted = {"step": 1, "objective": 5.4, "pseudo_changed": 0.1, "mu": 1.0, "lambda_": 0.1}
    assert panels_of(fitted) == {"losses": ["objective"], "shares": ["pseudo_changed"]}
    older = [{k: v for k, v in record.items() if k != "target_top_class"}]
    legend = draw_curves([[record], older]).axes[3].get_legend()
    assert [text.get_text() for text in legend.get_texts()][-1] == "align same row"
    assert panels_of({"step": 1, "attentive_entropy": 1.0}) == {"losses": ["attentive_entropy"]}


@pytest.mark.slow
def test_accuracy_by_segments(tmp_path: Path) -> None:
    for k in (2, 4, 10):
        groups = train(tmp_path, modality="rgb,flow", segments=k)
    panels = accuracy_by_segments(groups)
    assert list(panels) == ["clips -> cctv, flow", "clips -> cctv, rgb"]
    figure = draw_accuracies(panels)
    (legend,) = figure.legends  # one for both panels
    assert [text.get_text() for text in legend.get_texts()] == ["source_only", "tcon"]
    assert all(axis.get_legend() is None for axis in figure.axes)
    axis = figure.axes[1]
    groups = [g for g in groups if g.modality == "rgb"]
    assert [label.get_text() for label in axis.get_xticklabels()] == ["2", "4", "10"]
    bars = {c.get_label(): c for c in axis.containers}
    drawn = {name: bar.lines[0].get_ydata() for name, bar in bars.items()}
    for method in ("source_only", "tcon"):
        of_k = {g.segments: g for g in groups if g.method == method}
        expected = [100 * of_k[k].scores.accuracy.mean() for k in ("2", "4", "10")]
        np.testing.assert_allclose(drawn[method], expected)
        ends = [bar[:, 1] for bar in bars[method].lines[2][0].get_segments()]
        intervals = [np.multiply(of_k[k].scores.interval, 100) for k in ("2", "4", "10")]
        np.testing.assert_allclose(ends, intervals)
        assert not np.allclose(np.mean(ends, 1), expected)  # no symmetric bars
    assert accuracy_by_segments([g for g in groups if g.segments == "2"]) == {}


def test_accuracy_by_segments_of_fused_runs(tmp_path: Path) -> None:
    for k in (2, 4):
        groups = train(tmp_path, methods=["source_only"], modality="rgb,flow", segments=k)
    fused, _ = fuse_groups(groups, FusionWeights())
    first = next(iter(draw_all(groups, Loader(), PairChoice(), fused=fused)))
    titles = {axis.get_title() for axis in first.figure.axes}
    assert titles == {f"clips -> cctv\n{kind}" for kind in ("rgb", "flow", "rgb+flow")}


@pytest.mark.slow
def test_all_figures_of_a_comparison(tmp_path: Path) -> None:
    groups = train(tmp_path)
    drawn = list(draw_all(groups, Loader(), PairChoice()))
    pictures = {p.name: p for p in drawn if isinstance(p, Picture)}
    assert list(pictures) == [
        *("accuracy_1", "source_only_rgb_k4_curves", "source_only_rgb_k4_tsne"),
        *("tcon_rgb_k4_curves", "tcon_rgb_k4_tsne", "tcon_rgb_k4_attention"),
    ]
    [missing] = [p for p in drawn if isinstance(p, NotDrawn)]
    assert str(missing).startswith("No co-attention of tcon_rgb_k4")  # no videos here
    for axis, per_video in zip(pictures["tcon_rgb_k4_tsne"].figure.axes, (4, 1), strict=True):
        counts = {c.get_label(): len(c.get_offsets()) for c in axis.collections}
        # nine source training videos, six target test videos, and at most as many pairs
        assert counts["source"] == 9 * per_video
        assert counts["target"] == 6 * per_video
        assert 0 < counts["target-aligned source"] <= 6 * per_video
    health = json.loads((groups[1].first.path / "health.json").read_text())
    assert all(finding["text"] in pictures["tcon_rgb_k4_curves"].caption for finding in health)


def test_names_are_unique(tmp_path: Path) -> None:
    groups = train(tmp_path / "one", methods=["source_only"])
    groups += train(tmp_path / "two", methods=["source_only"], settings=["train.lr=1"])
    names = folder_names(groups)
    assert names == ["one_runs_source_only_rgb_k4", "two_runs_source_only_rgb_k4"]
    assert folder_names(groups[:1]) == ["source_only_rgb_k4"]


@pytest.mark.parametrize(("kind", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml")])
def test_a_picture_is_written_the_same_every_time(tmp_path: Path, kind: str, start: bytes) -> None:
    def picture() -> Picture:
        figure = Figure()
        figure.subplots().plot([1, 2])
        return Picture("a", "A", "", figure)

    picture().write(tmp_path)
    first = (tmp_path / f"a.{kind}").read_bytes()
    assert first.startswith(start) and picture().encode(kind) == first
