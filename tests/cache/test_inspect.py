"""What people see of a feature file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from rich.console import Console

from tcon.cache import Failure, FeatureFile, FeatureWriter, Recipe, Snippets, Video
from tcon.cache.inspect import summarise, tables
from tcon.cli import main

VIDEOS = [
    *((f"jump/{n}", "jump", "train") for n in range(3)),
    *((f"run/{n}", "run", "train") for n in range(2)),
    ("run/2", "run", "test"),
    *((f"u{n}", "", "") for n in range(4)),
]


@pytest.fixture
def write(
    tmp_path: Path,
    recipe: Callable[..., Recipe],
    video: Callable[..., Video],
    snippets: Callable[..., Snippets],
) -> Callable[..., FeatureFile]:
    def write_(
        videos: list[tuple[str, str, str]],
        failures: Sequence[Failure] = (),
        **changes: str,
    ) -> FeatureFile:
        with FeatureWriter(tmp_path / "x.h5", {"rgb": recipe(**changes)}) as writer:
            for n, (id, label, split) in enumerate(videos):
                writer.add(video(id, label=label, split=split), {"rgb": snippets(n + 2)})
            for failure in failures:
                writer.fail(failure)
        return FeatureFile(tmp_path / "x.h5")

    return write_


def _rendered(file: FeatureFile) -> str:
    out = StringIO()
    Console(file=out, width=200).print(*tables(summarise(file)), sep="\n")
    return out.getvalue()


def _cells(text: str) -> list[list[str]]:
    """The words of each line, without the tables' rules."""
    return ["".join(" " if c in "│┃|" else c for c in line).split() for line in text.splitlines()]


def test_counts_per_class_and_split(write: Callable[..., FeatureFile]) -> None:
    file = write(VIDEOS)
    assert summarise(file).counts == {
        "": {"": 4},
        "jump": {"train": 3},
        "run": {"train": 2, "test": 1},
    }
    text = _rendered(file)
    cells = _cells(text)
    assert "x.h5:10videos" in "".join(text.split())  # a title wraps at its table's width
    assert ["class", "train", "test", "(no", "split)"] in cells
    assert ["jump", "3", "0", "0"] in cells
    assert ["run", "2", "1", "0"] in cells
    assert ["(unlabelled)", "0", "0", "4"] in cells
    assert ["total", "5", "1", "4"] in cells


def test_provenance_and_snippets(write: Callable[..., FeatureFile]) -> None:
    cells = _cells(_rendered(write(VIDEOS)))
    assert ["snippets", "65", "of", "4", "dimensions"] in cells  # 2 + 3 + ... + 11
    assert ["snippets", "per", "video", "2", "to", "11"] in cells
    assert ["sampling", "uniform:32"] in cells
    assert ["weights", "sha256", "a1"] in cells


def test_random_weights_are_warned_of(write: Callable[..., FeatureFile]) -> None:
    text = _rendered(write(VIDEOS, weights="random", weights_sha256=""))
    assert "warning" in text
    assert "random weights: these features mean nothing" in text


def test_published_weights_are_not_warned_of(write: Callable[..., FeatureFile]) -> None:
    assert "warning" not in _rendered(write(VIDEOS))


def test_failures_are_listed(write: Callable[..., FeatureFile]) -> None:
    text = _rendered(write(VIDEOS, [Failure("bad.mp4", "decode", "it holds no frame")]))
    assert "1 failed" in text
    assert ["bad.mp4", "decode", "it", "holds", "no", "frame"] in _cells(text)


def test_damaged_videos_are_listed(tmp_path: Path, recipe: Callable[..., Recipe]) -> None:
    with FeatureWriter(tmp_path / "x.h5", {"rgb": recipe()}) as writer:
        for name, damage in (("good", ""), ("cut", "the file breaks off")):
            video = Video(f"{name}.mp4", "", "", "", 20, 25.0, "pyav", damage)
            writer.add(video, {"rgb": Snippets(np.zeros((1, 4)), np.zeros(1, int))})
    text = _rendered(FeatureFile(tmp_path / "x.h5"))
    assert "1 damaged" in text
    assert ["cut.mp4", "20", "the", "file", "breaks", "off"] in _cells(text)
    assert "good.mp4" not in text
    assert ["decoder", "pyav"] in _cells(text)


def test_a_hash_is_shown_whole(write: Callable[..., FeatureFile]) -> None:
    file, out = write(VIDEOS, weights_sha256="0123456789abcdef" * 4), StringIO()
    Console(file=out, width=80).print(*tables(summarise(file)), sep="\n")
    shown = "".join(cell for row in _cells(out.getvalue()) for cell in row)
    assert "0123456789abcdef" * 4 in shown


def test_no_failures_no_table(write: Callable[..., FeatureFile]) -> None:
    assert "failed" not in _rendered(write(VIDEOS))


def test_a_file_without_videos(write: Callable[..., FeatureFile]) -> None:
    text = _rendered(write([], [Failure("bad.mp4", "decode", "why")]))
    assert "x.h5:0videos" in "".join(text.split())  # a title wraps at its table's width
    assert ["bad.mp4", "decode", "why"] in _cells(text)
    assert ["total"] in _cells(text)


@pytest.mark.parametrize("name", ["clip [dQw4w9].mp4", "a[/b].mp4", "[red]x.mp4"])
def test_brackets_are_no_markup(write: Callable[..., FeatureFile], name: str) -> None:
    """Names as downloaders give them are shown as they are."""
    text = _rendered(write([("a", name, "train")], [Failure(name, "decode", f"why {name}")]))
    assert text.count(name) == 3


def test_the_command_shows_names_as_they_are(write: Callable[..., FeatureFile]) -> None:
    name = "clip [dQw4w9].mp4"
    file = write([("a", name, "train")], [Failure(name, "decode", "why")], weights="random")
    done = CliRunner().invoke(main, ["inspect", str(file.path)])
    assert done.exit_code == 0
    assert done.output.count(name) == 2
    assert "[bold" not in done.output and "random weights" in done.output


def test_names_do_not_steer_the_terminal(write: Callable[..., FeatureFile]) -> None:
    file = write([("v", "\x1b[31mred\x1b[0m\nbroken", "train")])
    shown = _rendered(file)
    assert "\x1b" not in shown and r"\x1b[31mred\x1b[0m\nbroken" in shown
