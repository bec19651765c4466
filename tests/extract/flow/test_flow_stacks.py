"""Stacks of flow fields: levels, which fields, what a mirror does, and one pass beside RGB."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from extraction import Extraction, extract
from PIL import Image
from reference_decoder import reference_frames
from torch import Tensor

from tcon.cache import FeatureFile, InputError
from tcon.cache.recipe import FlowRecipe, Preprocessing, Sampling, Views
from tcon.extract.backbones import load_backbone
from tcon.extract.decoding import DecodeError
from tcon.extract.features.plan import Plan
from tcon.extract.flow import PRESETS, FlowParameters, cutters, fields
from tcon.extract.flow.cutting import FlowCut
from tcon.extract.flow.fields import GreyFrames, levels
from tcon.extract.flow.tvl1 import Flows, tvl1
from tcon.extract.lists.videos import read_videos
from tcon.extract.machine.devices import Devices
from tcon.extract.snippets.reading import Decoded, Reading, read_snippets
from tcon.extract.snippets.timeline import Timeline
from tcon.extract.snippets.views import Box, crop

Write = Callable[..., Path]
DATA = Path(__file__).parents[4] / "shared" / "data" / "hockey_surveillance"
SIZE = 32
CUT = FlowCut(
    Sampling("uniform", 3),
    Preprocessing(resize=36, input_size=SIZE, channel_order=""),
    length=5,
)
FLOW = Extraction(
    modalities=("rgb", "flow"),
    sampling=Sampling("uniform", 2),
    flow=FlowRecipe(parameters=FlowParameters(scales=1, warps=1, outer=1)),  # quick
    device="cpu",
    precision="fp32",
    min_frames=1,
    workers=0,
)


# --- levels


def test_levels() -> None:
    flow = torch.tensor([-25.0, -20, -0.09, 0, 0.09, 10, 20, 25])
    expected = [0, 0, 127, 128, 128, 191, 255, 255]  # 255 (v + 20) / 40, halves to even
    assert levels(flow, 20, quantise=True).tolist() == expected
    exact = [0, 0, 126.92625, 127.5, 128.07375, 191.25, 255, 255]
    torch.testing.assert_close(levels(flow, 20, quantise=False), torch.tensor(exact))
    assert levels(torch.tensor([16.0]), 32, quantise=True).item() == 191  # denseflow's bound


def test_a_mirror_inverts_x_and_leaves_y() -> None:
    fields = torch.randint(256, (3, 2, 8, 8), dtype=torch.uint8)
    boxes = [Box(1, 2, 4, 4), Box(1, 2, 4, 4, flip=True)]
    plain, mirrored = crop(fields, boxes, 4, flow=True).unbind(1)  # [3, 2, 4, 4]
    assert torch.equal(mirrored[:, 0], 255 - plain[:, 0].flip(-1))
    assert torch.equal(mirrored[:, 1], plain[:, 1].flip(-1))


# --- which fields


@pytest.fixture
def flowed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The numbers of the frames of every pair; their flow is x = the first's number, y = 0.

    A frame shows its number as its grey level.
    """
    pairs: list[tuple[int, int]] = []

    def fake(first: Tensor, second: Tensor, **_: object) -> Flows:
        numbers = [(x.float().mean((1, 2)) / 4).round() for x in (first, second)]
        pairs.extend(zip(*(x.int().tolist() for x in numbers), strict=True))
        flow = torch.zeros(len(first), 2, *first.shape[1:])
        flow[:, 0] = (numbers[0] / 255 * 40 - 20)[:, None, None]  # level = number
        return Flows(flow, numbers[0] % 2 == 1)

    monkeypatch.setattr(fields, "tvl1_flows", fake)
    return pairs


def _stacks(cut: FlowCut, frames: int) -> Tensor:
    """Snippets [n, V, C, S, S] of a video whose frame n is grey of level 4 n."""
    plan = cut.plan(Timeline(frames))
    cutter = cut.cutter(plan, "v", "v.mp4")
    found = []
    for n in cutter.frames.tolist():
        if n < frames:
            found += list(cutter.take(n, torch.full((1, 3, 40, 60), 4 * n, dtype=torch.uint8)))
    return torch.cat([*found, *cutter.rest()])


def test_five_fields_make_ten_channels_and_no_field_is_computed_twice(
    flowed: list[tuple[int, int]],
) -> None:
    """21 frames are 20 fields and 16 places of 5; 3 stacks spread over them."""
    found = _stacks(CUT, 21)
    assert found.shape == (3, 1, 10, SIZE, SIZE)
    starts = [2, 8, 13]  # floor((j + 1/2) 16 / 3)
    assert found[:, 0, 0::2, 0, 0].tolist() == [list(range(s, s + 5)) for s in starts]  # x
    assert (found[:, 0, 1::2] == 128).all()  # y
    fields = sorted({n for s in starts for n in range(s, s + 5)})
    assert flowed == [(n, n + 1) for n in fields]
    assert CUT.centres(CUT.plan(Timeline(21))).tolist() == [4, 10, 15]


def test_fields_that_no_stack_needs_are_not_computed(flowed: list[tuple[int, int]]) -> None:
    cut = replace(CUT, sampling=Sampling("uniform", 2), length=5)
    _stacks(cut, 61)  # 56 places: stacks start at 14 and 42
    assert [first for first, _ in flowed] == [*range(14, 19), *range(42, 47)]
    assert all(second == first + 1 for first, second in flowed)


def test_the_last_field_is_repeated(flowed: list[tuple[int, int]]) -> None:
    found = _stacks(CUT, 4)
    assert found[:, 0, 0::2, 0, 0].tolist() == [[0, 1, 2, 2, 2]]
    assert flowed == [(0, 1), (1, 2), (2, 3)]


@pytest.mark.usefixtures("flowed")
def test_views_and_clips() -> None:
    cut = replace(CUT, views=Views("flip"), sampling=Sampling("uniform", 2), length=6, clip=True)
    found = _stacks(cut, 30)
    assert found.shape == (2, 2, 2, 6, SIZE, SIZE)
    assert torch.equal(found[:, 1, 0], 255 - found[:, 0, 0].flip(-1))


@pytest.mark.usefixtures("flowed")
def test_floats_keep_their_fractions() -> None:
    found = _stacks(replace(CUT, flow=FlowRecipe(quantised=False, bound=40)), 21)
    assert found.dtype == torch.float32
    x = (2 / 255 * 40 - 20 + 40) * 255 / 80
    torch.testing.assert_close(found[0, 0, 0], torch.full((SIZE, SIZE), x))


# --- flow computed where the backbone runs


def _parts(cut: FlowCut, frames: int) -> list[GreyFrames]:
    cutter = cut.cutter(cut.plan(Timeline(frames)), "v", "v.mp4")
    found: list[GreyFrames] = []
    for n in cutter.frames.tolist():
        found += cutter.take(n, torch.full((1, 3, 40, 60), 4 * n, dtype=torch.uint8))
    return found + list(cutter.rest())


@pytest.mark.slow
@pytest.mark.parametrize("sampling", [("uniform", 3, 5), ("stride", 2, 5), ("stride", 9, 6)])
def test_frames_go_in_parts_and_make_the_same_stacks(
    flowed: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch, sampling: tuple[str, int, int]
) -> None:
    """A long video must not be held in memory, neither here nor on the device."""
    cut = replace(CUT, sampling=Sampling(*sampling[:2]), length=sampling[2], views=Views("flip"))
    on_device, cpu = replace(cut, engine="torch"), torch.device("cpu")
    monkeypatch.setattr(cutters, "_PART", 12)
    parts = _parts(on_device, 60)
    assert len(parts) > 1
    assert max(len(part.frames) for part in parts) <= 12
    flowed.clear()
    stacks, stopped = zip(*(on_device.stacks(part, cpu) for part in parts), strict=True)
    assert sum(stopped) == sum(first % 2 for first, _ in set(flowed))
    assert all(second == first + 1 for first, second in flowed)
    assert torch.equal(torch.cat(stacks), _stacks(cut, 60))


@pytest.mark.slow
@pytest.mark.usefixtures("flowed")
def test_a_device_makes_the_features_that_a_decoding_process_makes(
    tmp_path: Path, clips: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cutters, "_PART", 7)
    items = read_videos(clips)[4:]
    config = replace(
        FLOW, modalities=("flow",), flow=replace(FLOW.flow, quantised=False), batch_size=4
    )
    files = []
    for engine in ("cpu", "torch"):
        path = tmp_path / f"{engine}.h5"
        assert extract(items, path, replace(config, flow_engine=engine)) == []
        files.append(FeatureFile(path))
    hashes = {file.sha256("flow", labels=True) for file in files}
    assert len(hashes) == 1
    assert [v.early_stopped for v in files[0].videos] == [v.early_stopped for v in files[1].videos]
    assert any(v.early_stopped for v in files[0].videos)


# --- from videos


def _read(path: Path, cut: FlowCut, *, min_frames: int = 1) -> tuple[Tensor, Decoded]:
    *chunks, decoded = read_snippets(str(path), "v", Reading({"flow": cut}, min_frames=min_frames))
    assert isinstance(decoded, Decoded)
    return torch.cat([chunk.snippets for chunk in chunks]), decoded


@pytest.mark.slow
def test_a_stack_is_the_flow_of_resized_frames(tmp_path: Path, write_video: Write) -> None:
    """Frames by ffmpeg, resized by Pillow, flow by `tvl1`, cropped by Pillow."""
    path = write_video(tmp_path / "x.mp4", 9, b_frames=2)
    found, decoded = _read(path, replace(CUT, sampling=Sampling("uniform", 1), length=5))
    assert decoded.centres["flow"].tolist() == [4]
    greys = []
    for frame in reference_frames(path)[2:8]:
        resized = np.asarray(Image.fromarray(frame).resize((340, 256), Image.Resampling.BILINEAR))
        greys.append((resized @ [0.299, 0.587, 0.114]).round().astype(np.uint8))
    flow = tvl1(torch.from_numpy(np.stack(greys)))
    scaled = ((flow.clamp(-20, 20) + 20) * 255 / 40).round().byte().numpy()  # [5, 2, 256, 340]
    for n, field in enumerate(scaled.reshape(10, 256, 340)):
        short = Image.fromarray(field).resize((47, 36), Image.Resampling.BILINEAR)
        expected = np.asarray(short)[2:34, 8:40].astype(int)
        assert np.abs(found[0, 0, n].int().numpy() - expected).mean() < 0.2


def test_one_frame_has_no_flow(tmp_path: Path, write_video: Write) -> None:
    path = write_video(tmp_path / "x.mp4", 1)
    with pytest.raises(DecodeError, match="1 frame can be decoded, fewer than the 2 that flow nee"):
        _read(path, CUT)
    with pytest.raises(DecodeError, match="fewer than --min-frames 16"):
        _read(path, CUT, min_frames=16)


@pytest.mark.slow
def test_both_modalities_in_one_pass(tmp_path: Path, clips: Path) -> None:
    """The file holds what two extractions, of each modality alone, hold."""
    items = read_videos(clips)
    assert extract(items, tmp_path / "both.h5", FLOW) == []
    both = FeatureFile(tmp_path / "both.h5")
    assert both.modalities == ["flow", "rgb"]
    for name in ("rgb", "flow"):
        path = tmp_path / f"{name}.h5"
        extract(items, path, replace(FLOW, modalities=(name,)))
        assert both.sha256(name, labels=True) == FeatureFile(path).sha256(name, labels=True)
    flow = both.recipes["flow"]
    assert (flow.snippet_length, flow.weights, flow.flow_engine) == (
        5,
        "imagenet, cross-modality",
        "cpu",
    )
    assert flow.flow == FLOW.flow
    assert both.recipes["rgb"].flow is None
    assert both.counts("flow").tolist() == [1, 2, 2, 1, 2, 2]  # of 3 and 5 frames: one place


@pytest.mark.slow
def test_flow_made_otherwise_is_refused(tmp_path: Path, clips: Path) -> None:
    items = read_videos(clips)[:1]
    config = replace(FLOW, modalities=("flow",))
    extract(items, tmp_path / "x.h5", config)
    with pytest.raises(
        InputError, match=r"was made differently \(flow: bound=20\.0 in place of bound=32\.0"
    ):
        extract(items, tmp_path / "x.h5", replace(config, flow=replace(FLOW.flow, bound=32.0)))
    with pytest.raises(InputError, match="flow: quantised=yes in place of quantised=no"):
        extract(items, tmp_path / "x.h5", replace(config, flow=replace(FLOW.flow, quantised=False)))
    with pytest.raises(InputError, match="holds flow features, not flow and rgb features"):
        extract(items, tmp_path / "x.h5", FLOW)


@pytest.mark.slow
def test_an_engine_that_cannot_is_refused_before_any_video(tmp_path: Path, clips: Path) -> None:
    config = replace(FLOW, flow_engine="torch", flow=FlowRecipe(parameters=PRESETS["opencv4"]))
    with pytest.raises(InputError, match="does not follow the convention opencv4"):
        extract(read_videos(clips), tmp_path / "x.h5", config)
    assert not (tmp_path / "x.h5").exists()


@pytest.mark.slow
def test_weights_of_flow_go_to_flow_alone(tmp_path: Path) -> None:
    own = load_backbone("resnet18", "random", modality="flow").module
    torch.save(own.state_dict(), tmp_path / "flow.pth")
    config = replace(
        FLOW, backbone="resnet18", weights="random", flow_weights=str(tmp_path / "flow.pth")
    )
    plan = config.plan
    assert {name: b.weights for name, b in plan.backbones.items()} == {
        "rgb": "random",
        "flow": "flow.pth",
    }


@pytest.mark.slow
@pytest.mark.skipif(not DATA.is_dir(), reason=f"needs {DATA}")
def test_features_as_of_opencvs_flow() -> None:
    """On a real stack: levels within 1 on average. Rounding alone moves features by a few percent,
    as it does in OpenCV (tests/benchmarks/flow/flow_features.py); another field moves them by
    far more.
    """
    pytest.importorskip("cv2.optflow")
    plan = Plan.make(
        replace(
            FLOW,
            modalities=("flow",),
            flow=FlowRecipe(parameters=FlowParameters()),
            sampling=Sampling("uniform", 1),
        )
    )
    ours = plan.cuts["flow"]
    cuts = {"ours": ours, "opencv": replace(ours, engine="opencv")}
    cuts["fast"] = replace(ours, flow=FlowRecipe(parameters=PRESETS["fast"]))
    path = DATA / "hockey" / "fight" / "fi0.avi"
    stacks = {name: _read(path, cut)[0].flatten(0, 1) for name, cut in cuts.items()}
    assert (stacks["ours"].float() - stacks["opencv"].float()).abs().mean() < 1
    with Devices(plan.backbones, plan.devices, torch.float32) as devices:
        features = {name: devices.submit("flow", x).result().features for name, x in stacks.items()}
    near, far = (
        torch.cosine_similarity(features["opencv"], features[name]) for name in ("ours", "fast")
    )
    assert near > 0.97
    assert near > far
