"""Folders of numbered images as videos: order, parts, damage, and the whole way to features."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tcon.cache import FeatureFile, InputError, Video
from tcon.cli import main
from tcon.evaluate.figures.data.frames import read_images
from tcon.extract.decoding import DecodeError, is_there, open_video
from tcon.extract.lists.videos import VideoItem, read_videos

ReadNumber = Callable[[np.ndarray], int]
FRAMES = 24
CHEAP = (
    *("--backbone", "resnet18", "--weights", "random", "--snippets", "4"),
    *("--device", "cpu", "--precision", "fp32", "--workers", "0"),
)


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory, write_video: Callable[..., Path]) -> Path:
    return write_video(tmp_path_factory.mktemp("video") / "x.mp4", FRAMES)


@pytest.fixture(scope="module")
def images(video: Path, decode_forward: Callable[[Path], np.ndarray]) -> np.ndarray:
    """Image i shows the number i, [FRAMES, H, W, 3]."""
    return decode_forward(video)


@pytest.fixture
def write(tmp_path: Path, images: np.ndarray) -> Callable[..., Path]:
    """``write(pattern, numbers, folder)``: files of these numbers that show them."""

    def write_(
        pattern: str = "{:05d}.png", numbers: Iterable[int] = range(FRAMES), folder: str = "clip"
    ) -> Path:
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        for number in numbers:
            Image.fromarray(images[number]).save(tmp_path / folder / pattern.format(number))
        return tmp_path / folder

    return write_


def _read(path: Path | str, wanted: Iterable[int] = range(1000)) -> tuple[list[np.ndarray], str]:
    with open_video(str(path)) as video:
        found = list(video.frames(np.array(list(wanted))))
        return found, video.damage


def _numbers(path: Path | str, read_number: ReadNumber) -> list[int]:
    return [read_number(image) for image in _read(path)[0]]


# --- frames


@pytest.mark.parametrize("decoder", ["pyav", "decord"])
def test_the_images_are_those_written(
    write: Callable[..., Path], images: np.ndarray, decoder: str
) -> None:
    with open_video(str(write()), decoder) as video:
        assert (video.expected, video.fps) == (FRAMES, 0)
        found = list(video.frames(np.array([0, 5, 23, 24])))
        np.testing.assert_array_equal(found, images[[0, 5, 23]])
        assert (video.total, video.damage) == (FRAMES, "")


@pytest.mark.parametrize(
    "pattern",
    [
        *("{:05d}.jpg", "img_{:05d}.jpg", "frame_{:010d}.jpg", "image-{:04d}.JPEG", "{}.png"),
        *("v_Class_g01_c02_{:d}.jpg", "frame{}.jpg", "x{}.PNG"),
    ],
)
def test_names_are_ordered_by_their_number(
    write: Callable[..., Path], read_number: ReadNumber, pattern: str
) -> None:
    assert _numbers(write(pattern), read_number) == list(range(FRAMES))


def test_flow_and_other_files_are_no_frames(
    write: Callable[..., Path], read_number: ReadNumber
) -> None:
    folder = write("img_{:05d}.jpg", range(3))
    for pattern in ("flow_x_{:05d}.jpg", "flow_y_{:05d}.jpg", "x_{:05d}.jpg", "._img_{:05d}.jpg"):
        write(pattern, range(5))
    write("cover.png", [7])
    (folder / "n_frames").write_text("3")
    assert _numbers(folder, read_number) == [0, 1, 2]


def test_grey_deep_and_turned_images(tmp_path: Path) -> None:
    (tmp_path / "clip").mkdir()
    grey = np.full((4, 6), 200, np.uint8)
    Image.fromarray(grey).save(tmp_path / "clip/1.png")
    Image.fromarray(grey.astype(np.uint16) * 257).save(tmp_path / "clip/2.png")
    Image.fromarray(np.dstack([grey] * 4)).save(tmp_path / "clip/3.png")  # with transparency
    exif = Image.Exif()
    exif[0x112] = 6  # to be turned by a right angle
    Image.fromarray(np.dstack([grey.T] * 3)).save(tmp_path / "clip/4.jpg", exif=exif)
    found, damage = _read(tmp_path / "clip")
    np.testing.assert_array_equal(found, np.full((4, 4, 6, 3), 200))
    assert damage == ""


# --- parts


@pytest.mark.parametrize(
    ("span", "shown", "damage"),
    [
        ("3-6", [3, 4, 5, 6], ""),
        ("7-7", [7], ""),
        ("22-25", [22, 23], "2 missing images"),
    ],
)
def test_a_part_is_named_by_the_numbers_of_its_files(
    write: Callable[..., Path], read_number: ReadNumber, span: str, shown: list[int], damage: str
) -> None:
    part = f"{write('frame_{:010d}.jpg')}#frames={span}"
    assert _numbers(part, read_number) == shown
    assert _read(part)[1] == damage
    assert is_there(Path(part))


def test_a_folder_that_is_called_like_a_part(
    write: Callable[..., Path], read_number: ReadNumber
) -> None:
    write()
    assert _numbers(write(folder="clip#frames=3-6", numbers=[9]), read_number) == [9]


def test_parts_of_what_has_none(write: Callable[..., Path], video: Path) -> None:
    assert "none of its images has a number from 90 to 99" in _refusal(f"{write()}#frames=90-99")
    assert "from 6 to 3" in _refusal(f"{write()}#frames=6-3")
    assert "no time stamps" in _refusal(f"{write()}#t=1.0,2.0")
    with open_video(f"{video}#frames=1-2") as part:
        assert part.count() == 2
    assert is_there(Path(f"{video}#frames=1-2"))


def test_new_images_of_a_folder_are_seen(
    write: Callable[..., Path], read_number: ReadNumber
) -> None:
    """Although the folder that was read last is remembered."""
    for last in (5, 9):
        assert _numbers(write(numbers=range(last)), read_number) == list(range(last))


# --- damage


def test_damaged_and_missing_images_are_passed_over(
    write: Callable[..., Path], read_number: ReadNumber
) -> None:
    folder = write("{:05d}.jpg", [n for n in range(10) if n not in (3, 4)])
    whole = (folder / "00006.jpg").read_bytes()
    (folder / "00006.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "00007.jpg").write_bytes(b"")
    (folder / "00008.jpg").write_text("no image")
    assert _numbers(folder, read_number) == [0, 1, 2, 5, 9]
    damage = "3 undecodable images (00006.jpg ...), 2 missing images"
    assert _read(folder)[1] == damage


def test_every_third_frame_is_no_damage(write: Callable[..., Path]) -> None:
    assert _read(write(numbers=range(0, FRAMES, 3)))[1] == ""
    assert _read(f"{write(numbers=range(0, FRAMES, 3))}#frames=1-14")[1] == ""


def test_images_of_several_sizes_are_said(write: Callable[..., Path]) -> None:
    folder = write(numbers=range(4))
    Image.new("RGB", (20, 10)).save(folder / "00002.png")
    found, damage = _read(folder)
    assert [image.shape for image in found] == [(64, 96, 3)] * 2 + [(10, 20, 3), (64, 96, 3)]
    assert damage == "images of 2 sizes"


def _refusal(path: Path | str) -> str:
    with pytest.raises(DecodeError) as caught:
        open_video(str(path))
    return str(caught.value)


def test_folders_that_are_no_video(write: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "without numbered images" in _refusal(tmp_path / "empty")
    assert "without numbered images" in _refusal(write("flow_x_{}.jpg", folder="flow"))
    write("img_{:05d}.jpg", range(3))
    write("img_{:05d}.png", [1])
    assert "img_00001.jpg and img_00001.png" in _refusal(tmp_path / "clip")
    write("a_{}.jpg", range(2), folder="two")
    assert "a_1.jpg and b_0.jpg" in _refusal(write("b_{}.jpg", range(2), folder="two"))
    assert not is_there(tmp_path / "empty")


# --- folders of frame folders


def test_trees_of_frame_folders(write: Callable[..., Path], tmp_path: Path) -> None:
    for n, folder in enumerate(("train/run/a", "train/jump/b.c", "test/run/d")):
        write("img_{:05d}.jpg", [n], f"tree/{folder}")
        write("flow_x_{:05d}.jpg", [n], f"tree/{folder}")
    write("flow_x_{:05d}.jpg", [1], "tree/test/run/flow_alone")
    write("{}.jpg", [1], "tree/.thumbs/run/a")
    tree = tmp_path / "tree"
    assert read_videos(tree) == [
        VideoItem("test/run/d", tree / "test/run/d", "run", "test"),
        VideoItem("train/jump/b.c", tree / "train/jump/b.c", "jump", "train"),
        VideoItem("train/run/a", tree / "train/run/a", "run", "train"),
    ]
    assert [item.id for item in read_videos(tree / "train" / "run")] == ["a"]
    assert read_videos(tree / "train/run/a") == [VideoItem("a", tree / "train/run/a", "", "")]


def test_images_beside_videos_or_folders_are_no_video(
    write: Callable[..., Path], tmp_path: Path
) -> None:
    write("{:03d}.jpg", [1, 2], "tree/run/a")
    write("preview{}.jpg", [1], "tree/run")
    write("preview{}.jpg", [1], "tree/jump")
    (tmp_path / "tree/jump/b.mp4").touch()
    assert [item.id for item in read_videos(tmp_path / "tree")] == ["jump/b.mp4", "run/a"]


# --- the whole way


def _run(*arguments: str | Path) -> int | str | None:
    with pytest.raises(SystemExit) as caught:
        main.main([str(a) for a in arguments], prog_name="tcon")
    return caught.value.code


@pytest.mark.slow
@pytest.mark.parametrize(("pattern", "near"), [("{:05d}.png", 1e-3), ("img_{:05d}.jpg", 0.05)])
def test_a_video_and_its_frames_have_the_same_features(
    write: Callable[..., Path], video: Path, tmp_path: Path, pattern: str, near: float
) -> None:
    write(pattern, folder="frames/run/x")
    write(pattern, range(20), folder="frames/run/damaged")
    last = pattern.format(19)
    (tmp_path / "frames/run/damaged" / last).write_bytes(b"")
    Image.new("RGB", (100, 80)).save(tmp_path / "frames/run/damaged" / pattern.format(7))
    (tmp_path / "videos/run").mkdir(parents=True)
    (tmp_path / "videos/run/x.mp4").symlink_to(video)
    for name in ("frames", "videos"):
        assert _run("extract", tmp_path / name, "-o", tmp_path / f"{name}.h5", *CHEAP) == 0
    frames, videos = (FeatureFile(tmp_path / f"{name}.h5") for name in ("frames", "videos"))
    damaged, row = frames.videos
    assert damaged.frames == 19
    assert damaged.damage == f"1 undecodable image ({last}), images of 2 sizes"
    assert (row.id, row.label, row.frames, row.fps) == ("run/x", "run", FRAMES, 0)
    assert (row.decoder, row.damage) == ("pillow", "")
    np.testing.assert_array_equal(frames.packed().frame[4:], videos.packed().frame)
    found, expected = frames.packed().features[4:], videos.packed().features
    assert np.abs(expected).max() > 0.5
    np.testing.assert_allclose(found.astype(float), expected.astype(float), atol=near)


def test_figures_show_the_frames_of_a_part(
    write: Callable[..., Path], read_number: ReadNumber, tmp_path: Path
) -> None:
    write("frame_{:010d}.jpg", folder="P01/P01_01")
    row = Video("P01_01_0", "open", "train", "P01/P01_01#frames=4-19", 16, 0.0)
    assert [read_number(i) for i in read_images(row, np.array([0, 15, 2]), tmp_path)] == [4, 19, 6]
    with pytest.raises(InputError, match="is not at"):
        read_images(row, np.array([0]), tmp_path / "P01")


@pytest.mark.slow
def test_check_and_flow_take_a_frame_folder(
    write: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write("img_{:05d}.jpg")
    assert _run("extract", folder, "--check", "--snippets", "2", "--workers", "0") == 0
    assert capsys.readouterr().out.count("%  ") == 5
    assert _run("flow", f"{folder}#frames=2-4", "-o", tmp_path / "out", "--engine", "opencv") == 0
    assert np.load(tmp_path / "out.npz")["flow"].shape == (2, 2, 256, 340)
