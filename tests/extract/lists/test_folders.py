"""Whatever lies below a folder is read, or is counted and named with the reason."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image
from reference_decoder import ffmpeg

from tcon.cache import FeatureFile, InputError
from tcon.cli import main
from tcon.extract.lists.folders.passed import Reason
from tcon.extract.lists.folders.tree import walk
from tcon.extract.lists.selection import Selection
from tcon.extract.lists.videos import VideoItem, read_videos

Touch = Callable[..., Path]


@pytest.fixture
def touch(tmp_path: Path) -> Touch:
    """``touch(*names)``: empty files below a folder, which is given back."""

    def make(*names: str) -> Path:
        for name in names:
            path = tmp_path / "videos" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return tmp_path / "videos"

    return make


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory, write_video: Callable[..., Path]) -> Path:
    return write_video(tmp_path_factory.mktemp("video") / "a.mp4", 20)


def _read(folder: Path, *, unlabelled: bool = False) -> tuple[list[VideoItem], str]:
    notes: list[str] = []
    return read_videos(folder, unlabelled=unlabelled, on_note=notes.append), "; ".join(notes)


def _ids(items: list[VideoItem]) -> list[str]:
    return [item.id for item in items]


# --- links


def test_links_to_folders_are_read_as_folders(touch: Touch, tmp_path: Path) -> None:
    folder = touch("run/a.mp4", "../elsewhere/walk/b.mp4", "../elsewhere/walk/deep/notes.txt")
    (folder / "walk").symlink_to(tmp_path / "elsewhere/walk")
    items, notes = _read(folder)
    assert [(item.id, item.label) for item in items] == [
        ("run/a.mp4", "run"),
        ("walk/b.mp4", "walk"),
    ]
    assert "1 file that holds no video (.txt)" in notes


def test_a_folder_is_read_once_and_by_its_own_name(touch: Touch, tmp_path: Path) -> None:
    folder = touch("run/a.mp4", "../elsewhere/c.mp4")
    (folder / "again").symlink_to("run")
    (folder / "run/up").symlink_to("..")  # a circle
    (folder / "run/self").symlink_to("self")
    (folder / "z1").symlink_to(tmp_path / "elsewhere")
    (folder / "z2").symlink_to(tmp_path / "elsewhere")
    items, notes = _read(folder)
    assert _ids(items) == ["run/a.mp4", "z1/c.mp4"]
    assert "3 links to folders that are read already (again, run/up, z2)" in notes
    assert "1 link that leads nowhere (run/self)" in notes


def test_a_circle_from_outside_ends(touch: Touch, tmp_path: Path) -> None:
    folder = touch("run/a.mp4", "../elsewhere/walk/b.mp4")
    (folder / "walk").symlink_to(tmp_path / "elsewhere/walk")
    (tmp_path / "elsewhere/walk/back").symlink_to(folder)
    items, notes = _read(folder)
    assert _ids(items) == ["run/a.mp4", "walk/b.mp4"]
    assert "walk/back" in notes


def test_links_to_nowhere_are_counted(touch: Touch) -> None:
    folder = touch("run/a.mp4")
    for name in ("run/b.mp4", "run/c", "jump"):
        (folder / name).symlink_to("/nonexistent/disk")
    assert _read(folder)[1] == (
        f"{folder}: passed over 3 links that lead nowhere (jump, run/b.mp4, run/c)"
    )


def test_empty_folders_are_counted(touch: Touch) -> None:
    folder = touch("run/a.mp4")
    (folder / "sit").mkdir()
    (folder / "run/part/deep").mkdir(parents=True)
    assert "passed over 2 empty folders (run/part/deep, sit)" in _read(folder)[1]


# --- what else is no video


def test_system_and_hidden_files_are_no_classes(touch: Touch) -> None:
    folder = touch(
        *("run/a.mp4", "run/@eaDir/a.mp4/SYNOPHOTO_FILM_M.mp4", "$RECYCLE.BIN/b.mp4"),
        *("#recycle/c.mp4", "__MACOSX/run/._a.mp4", "System Volume Information/d.mp4"),
        *("lost+found/e.mp4", ".Trashes/f.mp4", "run/._a.mp4", "run/Thumbs.db", ".AppleDouble/g"),
    )
    items, notes = _read(folder)
    assert _ids(items) == ["run/a.mp4"]
    assert "10 hidden or system entries (#recycle, $RECYCLE.BIN, .AppleDouble, ...)" in notes


def test_frames_beside_a_system_folder_are_a_video(touch: Touch) -> None:
    folder = touch("run/v1/00001.jpg", "run/v1/@eaDir/00001.jpg", "run/v1/info.json")
    items, notes = _read(folder)
    assert _ids(items) == ["run/v1"]
    assert "1 file that holds no video (.json); 1 hidden or system entry (run/v1/@eaDir)" in notes


@pytest.mark.parametrize("where", ["run", "run/v1"])
def test_folders_that_cannot_be_read_are_counted(
    touch: Touch, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    folder, scandir = touch("run/v1/a.mp4", "walk/v1/b.mp4"), os.scandir

    def refuse(path: Path) -> object:
        if path == folder / where:
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    items, notes = _read(folder, unlabelled=True)
    assert _ids(items) == ["walk/v1/b.mp4"]
    assert f"1 entry that cannot be read ({where})" in notes


def test_pipes_are_not_opened(touch: Touch) -> None:
    folder = touch("run/a.mp4")
    os.mkfifo(folder / "run/b.mp4")
    assert "1 pipe, socket or device (run/b.mp4)" in _read(folder)[1]


def test_a_folder_without_videos_says_what_it_holds(touch: Touch) -> None:
    folder = touch("notes.txt", ".hidden/a.mp4")
    (folder / "run").symlink_to("/nonexistent/disk")
    with pytest.raises(
        InputError, match=r"no video files .*\(\.txt\).*\(\.hidden\).*nowhere \(run\)"
    ):
        read_videos(folder)


def test_a_path_of_each_level_is_named(touch: Touch) -> None:
    with pytest.raises(InputError, match=r"mixes levels \(a\.mp4, run/b\.mp4, x/y/z/c\.mp4\)"):
        read_videos(touch("a.mp4", "run/b.mp4", "x/y/z/c.mp4", "run/d.mp4"))


# --- what a file holds counts, not its name


def test_videos_of_any_name_are_read(touch: Touch, tmp_path: Path, video: Path) -> None:
    folder = touch("run/empty.bin")
    for name in ("x.dav", "y.unheard_of", "no_suffix", "z.bin"):
        shutil.copy(video, folder / "run" / name)
    ffmpeg("-i", video, folder / "run/moving.gif")
    ffmpeg("-i", video, "-c", "copy", "-f", "h264", folder / "run/raw.264")
    items, notes = _read(folder)
    assert _ids(items) == [
        f"run/{name}"
        for name in ("moving.gif", "no_suffix", "raw.264", "x.dav", "y.unheard_of", "z.bin")
    ]
    assert "1 file that holds no video (.bin)" in notes


def test_images_texts_and_sounds_are_no_videos(touch: Touch, video: Path) -> None:
    folder = touch("a.mp4")
    for name, kind in {"p.pic": "PNG", "j": "JPEG", "g.gif": "GIF", "b.raw": "BMP"}.items():
        Image.new("RGB", (32, 32), (200, 10, 10)).save(folder / name, kind)
    for name in ("README", "x.nfo", "x.m3u8", "x.sdp"):
        (folder / name).write_text(f"#EXTM3U\n#EXTINF:2,\n{video}\n" * 100)
    (folder / "random.dat").write_bytes(os.urandom(100_000))
    ffmpeg("-f", "lavfi", "-i", "sine=d=1", folder / "sound.oga")
    items, notes = _read(folder)
    assert _ids(items) == ["a.mp4"]
    assert "10 files that hold no video (.dat .gif .m3u8 .nfo .oga .pic .raw .sdp ...)" in notes


def test_a_name_that_tells_is_not_opened(touch: Touch, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder may hold a hundred thousand features or images."""
    monkeypatch.setattr("tcon.extract.decoding.probe.open", None, raising=False)
    tree = walk(touch("a.mp4", "b.jpg", "c.npy", "d.txt", "e.pt", "f.zip"))
    assert tree.videos == ("a.mp4",)
    assert [passed.reason for passed in tree.passed] == [Reason.NO_VIDEO] * 5


# --- several videos, and pipes


def _extract(*arguments: str | Path) -> str:
    options = ("--modality", "none", "--workers", "0")
    found = CliRunner().invoke(main, ["extract", *options, *map(str, arguments)])
    return f"{found.exit_code} {found.output}"


def test_several_videos_are_extracted(tmp_path: Path, video: Path) -> None:
    other = shutil.copy(video, tmp_path / "-x.mp4")
    assert _extract(video, "-o", tmp_path / "x.h5", "--", other).startswith("0 ")
    videos = [v.id for v in FeatureFile(tmp_path / "x.h5").videos]
    assert sorted(videos) == sorted([video.as_posix(), other.as_posix()])


def test_several_videos_need_a_name_for_the_file(tmp_path: Path, video: Path) -> None:
    other = shutil.copy(video, tmp_path / "b.mp4")
    assert "-o FILE.h5" in _extract(video, other)
    assert "--check looks at one video" in _extract(video, other, "--check")


def test_a_list_may_be_a_pipe(tmp_path: Path, video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(video.parent)
    read, write = os.pipe()
    with os.fdopen(write, "w") as pipe:
        pipe.write("path,label\na.mp4,run\n")
    try:
        items = Selection(videos=(Path(f"/dev/fd/{read}"),)).read()
    finally:
        os.close(read)
    assert [(item.path, item.label) for item in items] == [(Path("a.mp4"), "run")]


# --- names with a dash


@pytest.mark.parametrize("name", ["-x.mp4", "-hKd8.mp4", "-o_0.mp4", "--check.mp4"])
def test_a_name_with_a_dash_in_front_is_told_from_an_option(
    tmp_path: Path, video: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(video, f"./{name}")
    said = _extract("a.mp4", name)
    assert said.startswith("2 ") and f"write ./{name} or put -- before it" in said
    assert _extract(f"./{name}", "-o", "x.h5").startswith("0 ")
    assert _extract("-o", "y.h5", "--", name).startswith("0 ")


# --- folders that look like no classes


@pytest.mark.parametrize(
    "names",
    ["cam1 cam2 cam3", "camera-B CH01", "2024-05-01 2024_05_02 20240503T0930", "192.168.1.4 7"],
)
def test_cameras_and_dates_are_asked_about(touch: Touch, names: str) -> None:
    folder = touch(*(f"{name}/a.mp4" for name in names.split()))
    items, notes = _read(folder)
    assert f"taken for {len(names.split())} classes: {min(names.split())}" in notes
    assert "add --unlabelled" in notes
    assert all(item.label for item in items)  # a question, no decision
    assert "add --unlabelled" not in _read(folder, unlabelled=True)[1]


@pytest.mark.parametrize(
    "names", ["run walk", "channel_surfing camera_pan chop", "1_wave 2_clap", "north_gate run cam1"]
)
def test_actions_are_not(touch: Touch, names: str) -> None:
    assert _read(touch(*(f"{name}/a.mp4" for name in names.split())))[1] == ""


def test_cameras_with_days_are_not_taken_for_splits(touch: Touch) -> None:
    with pytest.raises(InputError, match="for folders of cameras or days: --unlabelled"):
        _read(touch("cam1/2024-05-01/a.mp4"))
