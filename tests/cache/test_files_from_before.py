"""Feature files and flow caches of format 2, whose recipes were flat texts.

They were made by the code of that time: ``tcon extract videos -o features.h5 --modality rgb,flow
--snippets 2 --backbone resnet18 --weights random --device cpu --precision fp32 --workers 0
--min-frames 1 --keep-flow flow_cache``.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from tcon.cache import FeatureFile, FeatureWriter, InputError, Snippets, Video
from tcon.cache.legacy import flow_from_text, recipe_from_texts
from tcon.cache.recipe import FlowParameters, FlowRecipe, Preprocessing, Recipe, Sampling, Views
from tcon.extract import Machine, extract
from tcon.extract.flow.cache import FlowCache

BEFORE = Path(__file__).parents[1] / "data" / "before-records"
RGB = Recipe(
    backbone="resnet18",
    weights="random",
    weights_sha256="",
    layer="global average pool",
    dim=512,
    preprocessing=Preprocessing(),
    sampling=Sampling("uniform", 2),
    precision="fp32",
)
FLOW = replace(
    RGB,
    preprocessing=Preprocessing(channel_order="", mean=(0.5,), std=(0.226,)),
    snippet_length=5,
    flow=FlowRecipe(),
)


@pytest.fixture
def features(tmp_path: Path) -> Path:
    return Path(shutil.copy(BEFORE / "features.h5", tmp_path / "x.h5"))


def test_its_recipes_are_read(features: Path) -> None:
    file = FeatureFile(features)
    assert file.recipes["rgb"].differences(RGB) == []
    assert file.recipes["flow"].differences(FLOW) == []
    assert file.recipes["flow"].flow_engine == "cpu"
    assert (file.recipes["rgb"].device, file.recipes["rgb"].tool_version) == ("cpu", "0.1.0")
    assert [(video.id, video.early_stopped) for video in file.videos] == [
        ("left/0.mp4", 0),
        ("right/0.mp4", 0),
    ]


def test_it_takes_new_videos_and_keeps_what_it_holds(features: Path) -> None:
    before = FeatureFile(features)
    held = {name: before.packed(name).features for name in before.modalities}
    new = {name: Snippets(np.ones((1, 512)), np.zeros(1, int)) for name in before.modalities}
    with FeatureWriter(features, {"rgb": RGB, "flow": FLOW}, commit_videos=1) as writer:
        writer.add(Video("a.mp4", "", "", "", 9, 25.0, early_stopped=3), new)
        assert len(FeatureFile(features).videos) == 3  # the old file and a new part
    after = FeatureFile(features)
    assert [video.early_stopped for video in after.videos] == [3, 0, 0]
    assert np.isnan(after.times("rgb")).all()
    for name, rows in held.items():
        np.testing.assert_array_equal(after.packed(name).features[1:], rows)
    with h5py.File(features) as h5:
        assert h5.attrs["format_version"] == 3
        assert "preprocessing" not in h5["rgb"].attrs


def test_it_takes_nothing_that_was_made_otherwise(features: Path) -> None:
    other = replace(FLOW, flow=FlowRecipe(parameters=FlowParameters(epsilon=0.02)))
    with pytest.raises(InputError, match=r"flow: epsilon=0.01 in place of epsilon=0.02\)"):
        FeatureWriter(features, {"rgb": RGB, "flow": other})


@pytest.mark.slow
def test_an_extraction_goes_on(features: Path, tmp_path: Path, write_video: Callable) -> None:
    """Features made now are those of then, and kept flow of then serves."""
    cache = Path(shutil.copytree(BEFORE / "flow_cache", tmp_path / "flow"))
    videos = Path(shutil.copytree(BEFORE / "videos", tmp_path / "videos"))
    machine = Machine(device="cpu", workers=0, min_frames=1, keep_flow=cache)
    how = {"modality": "rgb,flow", "snippets": 2, "backbone": "resnet18", "weights": "random"}
    stamps = {path: path.stat().st_mtime_ns for path in cache.glob("*.h5")}
    anew = extract(videos, tmp_path / "y.h5", precision="fp32", machine=machine, **how)
    for name in ("rgb", "flow"):
        then, now = (file.packed(name).features for file in (FeatureFile(features), anew))
        np.testing.assert_allclose(now, then, rtol=0.02, atol=0.02)
    write_video(videos / "up" / "0.mp4", 9)
    more = extract(videos, features, precision="fp32", machine=machine, **how)
    assert [video.id for video in more.videos] == ["left/0.mp4", "right/0.mp4", "up/0.mp4"]
    assert {path: path.stat().st_mtime_ns for path in stamps} == stamps  # nothing computed again
    assert len(list(cache.glob("*.h5"))) == 3


def test_a_flow_cache_of_then_opens_and_refuses() -> None:
    assert FlowCache.flow_of(BEFORE / "flow_cache") == FlowRecipe()
    cache = FlowCache.open(BEFORE / "flow_cache", FlowRecipe())
    with cache.reading("left/0.mp4", str(BEFORE / "videos" / "left" / "0.mp4")) as h5:
        assert h5["levels"].shape == (7, 2, 256, 340)
    with pytest.raises(InputError, match=r"differently \(bound=20.0 in place of bound=15.0\)"):
        FlowCache.open(BEFORE / "flow_cache", FlowRecipe(bound=15.0))


# --- texts

TEXTS = {
    "backbone": "c3d",
    "weights": "net.pth",
    "weights_sha256": "a1",
    "layer": "fc7",
    "dim": 4096,
    "snippet_length": 16,
    "precision": "bf16",
}


@pytest.mark.parametrize(
    "preprocessing",
    [
        Preprocessing(),
        Preprocessing(resize=(128, 171), input_size=112, antialias=False),
        Preprocessing(channel_order="BGR", value_range=255.0, mean=(104.0, 117.0, 128.0)),
        Preprocessing(channel_order="", mean=(0.5,), std=(0.226,)),
    ],
)
def test_preprocessing(preprocessing: Preprocessing) -> None:
    recipe = recipe_from_texts(
        {**TEXTS, "preprocessing": str(preprocessing), "sampling": "stride:8"}
    )
    assert (recipe.preprocessing, recipe.imported) == (preprocessing, "")
    assert (recipe.sampling, recipe.views) == (Sampling("stride", 8), Views())


@pytest.mark.parametrize(("text", "kind"), [("imported: t7", "t7"), ("by hand", "by hand")])
def test_features_that_tcon_did_not_extract(text: str, kind: str) -> None:
    recipe = recipe_from_texts({**TEXTS, "preprocessing": text, "sampling": "imported"})
    assert (recipe.preprocessing, recipe.imported, recipe.sampling) == (None, kind, None)


@pytest.mark.parametrize("views", [Views("flip"), Views("tencrop"), Views("multiscale", 3)])
def test_views(views: Views) -> None:
    texts = {**TEXTS, "preprocessing": "imported: t7", "sampling": "imported"}
    assert recipe_from_texts({**texts, "views": str(views)}).views == views


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sampling": "often:3"}, "rule: must be one of 'uniform' or 'stride'"),
        ({"sampling": "stride:0"}, "value: must be at least 1"),
        ({"views": "both"}, "kind: must be one of 'centre', 'flip'"),
        ({"flow": "fast"}, "its flow is described by 'fast', which no version of tcon writes"),
        ({"dim": "many"}, "dim: must be a whole number"),
    ],
)
def test_texts_that_nobody_wrote(change: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        recipe_from_texts({**TEXTS, "preprocessing": "", "sampling": "stride:8", **change})
    assert "\n" not in str(caught.value)


def test_flow() -> None:
    made = FlowRecipe(
        parameters=FlowParameters(warps=3, convention="opencv4"), bound=15.0, quantised=False
    )
    assert flow_from_text(str(made)) == made
