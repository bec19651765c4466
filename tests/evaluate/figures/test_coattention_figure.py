"""Co-attention figures: the right frames at the right rows and columns, the right numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from feature_files import CLASSES, recipe
from matplotlib.figure import Figure
from toy_runs import train

from tcon.cache import FeatureWriter, InputError, Snippets, Video
from tcon.evaluate.figures.all_figures import coattention_pictures, draw_all
from tcon.evaluate.figures.coattention import draw_coattention
from tcon.evaluate.figures.data.clouds import feature_clouds
from tcon.evaluate.figures.data.coattention import (
    co_attend,
    confident_pairs,
    similar_pairs,
    source_probabilities,
)
from tcon.evaluate.figures.data.frames import read_images
from tcon.evaluate.figures.data.pairs import PairChoice
from tcon.evaluate.figures.data.roots import parse_roots
from tcon.evaluate.figures.picture import NotDrawn, Picture
from tcon.evaluate.runs.embeddings import Loader, RunFeatures, find

FRAMES, FIRST = {"source": 20, "target": 33}, {"source": 0, "target": 100}
# Of 8 uniform snippets the second, fourth, sixth and eighth are central to 4 segments.
CENTRAL = {"source": [3, 8, 13, 18], "target": [6, 14, 22, 30]}


def write_files(folder: Path, write_video: Callable[..., Path]) -> tuple[Path, Path]:
    """Feature files of numbered clips, whose stored frames are those of `uniform:8`."""
    for seed, domain in enumerate(FRAMES):
        rng, frames = np.random.default_rng(seed), FRAMES[domain]
        centres = (2 * np.arange(8) + 1) * frames // 16
        assert centres[1::2].tolist() == CENTRAL[domain]
        with FeatureWriter(folder / f"{domain}.h5", {"rgb": recipe()}) as writer:
            for n in range(9):
                clip = Path("clips") / domain / f"{n}.mp4"
                if n in (0, 4):  # the others are never looked at
                    write_video(folder / clip, frames, first=FIRST[domain])
                split = "test" if n < 3 and domain == "target" else "train"
                features = np.abs(rng.normal(size=(8, 12))) + np.eye(12)[n % 3]
                video = Video(f"{n}.mp4", CLASSES[n % 3], split, str(clip), frames, 25.0)
                snippets = Snippets(features.astype(np.float16), centres, centres**2.0)
                writer.add(video, {"rgb": snippets})
    return folder / "source.h5", folder / "target.h5"


@pytest.fixture
def trained(tmp_path: Path, write_video: Callable[..., Path]) -> RunFeatures:
    files = write_files(tmp_path, write_video)
    return Loader().load(train(tmp_path, methods=["tcon"], files=files)[0].first)


def images_of(figure: Figure) -> dict[str, np.ndarray]:
    return {a.get_label(): np.asarray(a.images[0].get_array()) for a in figure.axes if a.images}


@pytest.mark.parametrize("roots", [["."], ["source=clips/source", "target=clips/target"]])
def test_frames_stand_at_their_rows_and_columns(
    trained: RunFeatures,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    read_number: Callable[[np.ndarray], int],
    roots: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    choice = PairChoice(ids=(("4.mp4", "0.mp4"),), roots=parse_roots(roots))
    attention, picture = coattention_pictures(trained, "x", choice)
    images = images_of(picture.figure)
    for domain in ("source", "target"):
        shown = [read_number(images[f"{domain} {j}"]) - FIRST[domain] for j in range(4)]
        assert shown == CENTRAL[domain]
    assert {axis.get_xlabel() for axis in attention.figure.axes} == {"segment", "seconds"}
    words = [axis.get_xlabel() for axis in picture.figure.axes]
    assert "frame 13" in words and "frame 22" in words

    # Equation (3) of deviations from the domains' means, segment by segment.
    fs, ft = (
        trained.embed(domain, find(trained, domain, [id_])).features[0].numpy().astype(float)
        for domain, id_ in (("source", "4.mp4"), ("target", "0.mp4"))
    )
    domains = trained.domains
    means = (
        trained.embed(domain, videos).features.flatten(0, 1).numpy().astype(float).mean(0)
        for domain, videos in (("source", domains.source_train), ("target", domains.target_train))
    )
    fs, ft = (f - mean for f, mean in zip((fs, ft), means, strict=True))
    expected = np.zeros((4, 4))
    for j in range(4):
        for k in range(4):
            expected[j, k] = (fs[j] @ fs[j]) * (ft[k] @ ft[k]) * (fs[j] @ ft[k])
    expected = expected.clip(0) / expected.clip(0).sum()
    np.testing.assert_allclose(images["matrix"], expected, atol=1e-6)

    course = next(axis for axis in attention.figure.axes if axis.get_title() == "0.mp4")
    lines = {line.get_label(): line for line in course.lines}
    np.testing.assert_allclose(lines["predicted"].get_xdata() ** 0.5, CENTRAL["target"])
    target_attention = lines["co-attention with the source video"].get_ydata()
    np.testing.assert_allclose(target_attention, expected.sum(0), atol=1e-6)
    ft = trained.embed("target", find(trained, "target", ["0.mp4"])).features
    predicted = trained.method.attention(ft)[0].numpy()
    np.testing.assert_allclose(lines["predicted"].get_ydata(), predicted, atol=1e-6)
    assert np.abs(predicted - target_attention).max() > 1e-4  # else one could stand for the other


def test_places_in_the_drawn_figure() -> None:
    matrix = np.arange(6.0).reshape(2, 3) / 15
    image = np.zeros((4, 6, 3), np.uint8)
    figure = draw_coattention(
        matrix, [image] * 2, [image] * 3,
        source_labels=["a", "b"], target_labels=["c", "d", "e"], titles=("s", "t"),
    )  # fmt: skip
    figure.draw_without_rendering()
    axes = {axis.get_label(): axis for axis in figure.axes}
    data, to_figure = axes["matrix"].transData, figure.transFigure.inverted()
    for name, axis in axes.items():
        domain, _, place = name.partition(" ")
        if domain == "matrix":
            continue
        cell = (0, int(place)) if domain == "source" else (int(place), 0)
        x, y = to_figure.transform(data.transform(cell))
        box = axis.get_position()
        assert (box.y0 < y < box.y1) if domain == "source" else (box.x0 < x < box.x1)
    assert axes["source 0"].get_position().x1 < axes["matrix"].get_position().x0 + 1e-9
    assert axes["target 0"].get_position().y0 > axes["matrix"].get_position().y1 - 1e-9
    assert [text.get_text() for text in axes["matrix"].texts][:2] == ["0.0", "6.7"]


def test_unequal_segments(tmp_path: Path) -> None:
    trained = Loader().load(train(tmp_path, methods=["tcon"], segments="3:2")[0].first)
    fs = trained.embed("source", trained.domains.source_train).features
    ft = trained.embed("target", trained.domains.target_test).features
    joint, weights = co_attend(trained.method, fs, ft, torch.tensor([0, 1]), torch.tensor([1, 0]))
    assert joint.shape == (2, 3, 2)
    torch.testing.assert_close(joint.sum((1, 2)), torch.ones(2))
    torch.testing.assert_close(weights.sum(1), torch.ones(2, 2))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "clouds", "drawn"),
    [
        ("tcon-sadnet", 3, ["attention", "coattention_1"]),
        ("tcon-tadnet", 2, ["attention", "coattention_1"]),
        ("tcon-attn", 3, ["coattention_1"]),
        ("tcon-coattn", 2, []),
    ],
)
def test_ablations_show_what_they_have(
    tmp_path: Path,
    write_video: Callable[..., Path],
    method: str,
    clouds: int,
    drawn: list[str],
) -> None:
    groups = train(tmp_path, methods=[method], files=write_files(tmp_path, write_video))
    ids = (("4.mp4", "0.mp4"),) if drawn else ()
    choice = PairChoice(ids=ids, roots=parse_roots([str(tmp_path)]))
    names = [p.name for p in draw_all(groups, Loader(), choice)]
    assert names == [f"{method}_rgb_k4_{kind}" for kind in ("curves", "tsne", *drawn)]
    assert len(feature_clouds(Loader().load(groups[0].first)).segments) == clouds


def test_the_most_confident_pairs_take_turns_over_classes() -> None:
    p_s = torch.tensor([[0.9, 0.1], [0.8, 0.2], [0.4, 0.6]])
    p_t = torch.tensor([[0.7, 0.3], [0.95, 0.05], [0.3, 0.7]])
    assert confident_pairs(p_s, p_t, 3) == [(0, 1), (2, 2), (1, 0)]
    assert confident_pairs(p_s, p_t, 1) == [(0, 1)]
    assert confident_pairs(p_s[:2], p_t[2:], 3) == []


@pytest.mark.slow
def test_a_pair_is_shown_of_the_runs_that_used_it(
    tmp_path: Path, write_video: Callable[..., Path]
) -> None:
    groups = train(tmp_path / "others", methods=["tcon"])  # of v000.mp4, v001.mp4, ...
    files = write_files(tmp_path, write_video)
    groups += train(tmp_path / "numbers", methods=["tcon"], files=files)

    def names(*pairs: tuple[str, str]) -> list[str]:
        choice = PairChoice(ids=pairs, roots=parse_roots([str(tmp_path)]))
        pictures = draw_all(groups, Loader(), choice)
        return [p.name for p in pictures if "attention" in p.name]

    drawn = ["others_runs_tcon_rgb_k4_attention", "numbers_runs_tcon_rgb_k4_attention"]
    assert names(("4.mp4", "0.mp4")) == [*drawn, "numbers_runs_tcon_rgb_k4_coattention_1"]
    # Nothing is drawn before a pair that no run used is refused.
    choice = PairChoice(ids=(("4.mp4", "0.mp4"), ("4.mp4", "v000.mp4")))
    with pytest.raises(InputError, match="used no .* video '.*': ids look like"):
        next(draw_all(groups, Loader(), choice))


def test_the_most_confident_pairs_are_shown_by_default(trained: RunFeatures) -> None:
    source = trained.embed("source", trained.domains.source_train)
    target = trained.embed("target", trained.domains.target_test)
    p_s = source_probabilities(trained.method, source.features).numpy()
    p_t = trained.method.predict(target.cached).softmax(1).numpy()
    found = []  # the best pair of each class, then the next best
    for c in range(3):
        sources = sorted(p_s[source.truth == c, c])[::-1]
        targets = [j for j in np.argsort(-p_t[:, c]) if p_t[j].argmax() == c]
        for n, (p, j) in enumerate(zip(sources, targets, strict=False)):
            found.append((n, -p * p_t[j, c], target.ids[j]))
    attention = next(coattention_pictures(trained, "x", PairChoice()))
    shown = [axis.get_title() for axis in attention.figure.axes[1:]]
    assert shown == [id_ for *_, id_ in sorted(found)[:3]]
    assert len(target.ids) > len(shown)  # others could have been shown


def test_aligned_points_are_of_their_pairs(trained: RunFeatures) -> None:
    clouds = feature_clouds(trained)
    source = trained.embed("source", trained.domains.source_train)
    target = trained.embed("target", trained.domains.target_test)
    p_s = source_probabilities(trained.method, source.features)
    p_t = trained.method.predict(target.cached).softmax(1)
    labels = torch.from_numpy(source.truth)
    si, ti = similar_pairs(trained.method, p_s, p_t, labels, most=len(target.ids))
    assert len(set(si.tolist())) > 1
    weights = co_attend(trained.method, source.features, target.features, si, ti).weights.numpy()
    fs = source.features.numpy()
    expected = np.array(
        [
            [sum(w[j, k] * fs[i, j] for j in range(4)) for k in range(4)]
            for i, w in zip(si.tolist(), weights, strict=True)
        ]
    )  # [N, 4, D]
    cloud = clouds.segments["target-aligned source"]
    np.testing.assert_allclose(cloud.features, expected.reshape(-1, fs.shape[2]), atol=1e-5)
    assert cloud.classes.tolist() == source.truth[si].repeat(4).tolist()
    videos = clouds.videos["target-aligned source"]
    np.testing.assert_allclose(videos.features, expected.reshape(len(si), -1), atol=1e-5)


def test_without_videos_attention_is_drawn_and_a_line_says_why(trained: RunFeatures) -> None:
    attention, missing = coattention_pictures(trained, "x", PairChoice())
    assert isinstance(attention, Picture) and attention.name == "x_attention"
    assert isinstance(missing, NotDrawn) and "starts at (roots=" in missing.reason
    with pytest.raises(InputError, match="name the folder .*--root DIR"):
        list(coattention_pictures(trained, "x", PairChoice(ids=(("4.mp4", "0.mp4"),))))


def test_ids_serve_where_the_stored_path_does_not(
    tmp_path: Path, write_video: Callable[..., Path], read_number: Callable[[np.ndarray], int]
) -> None:
    write_video(tmp_path / "jump" / "a.mp4", 20)
    video = Video("jump/a.mp4", "jump", "", "elsewhere/jump/a.mp4", 20, 25.0)
    images = read_images(video, np.array([7, 2, 7]), tmp_path)
    assert [read_number(image) for image in images] == [7, 2, 7]
    other = Video("jump/a.mp4", "jump", "", "elsewhere/jump/a.mp4", 21, 25.0)
    with pytest.raises(InputError, match="has 20 frames, not the 21"):
        read_images(other, np.array([2]), tmp_path)
    (tmp_path / "jump" / "a.mp4").write_bytes(b"no video")
    with pytest.raises(InputError, match="can be shown"):
        read_images(video, np.array([2]), tmp_path)


def test_a_missing_video_is_named_by_where_it_was_looked_for(tmp_path: Path) -> None:
    video = Video("a.mp4", "jump", "", "../a.mp4", 20, 25.0)
    with pytest.raises(InputError) as error:
        read_images(video, np.array([2]), tmp_path / "clips")
    assert f"a.mp4 is not at {tmp_path}/a.mp4 or {tmp_path}/clips/a.mp4: name" in str(error.value)
    assert "tcon extract ran" not in str(error.value)  # no decoder: its features were imported
    with pytest.raises(InputError, match="the one where tcon extract ran"):
        read_images(replace(video, decoder="pyav"), np.array([2]), tmp_path / "clips")


@pytest.mark.parametrize(
    ("roots", "message"),
    [
        (["gone"], "the root gone: there is no folder gone"),
        (["target=gone"], "the root target=gone: there is no folder gone"),
        ([".", "source=."], "two folders for the source: give source=DIR and target=DIR"),
    ],
)
def test_wrong_roots(roots: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_roots(roots)
