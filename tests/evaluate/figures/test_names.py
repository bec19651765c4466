"""Whatever names hold, figures show it as it is, and none of them stops a command."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.dom.minidom import parseString

import numpy as np
import pytest
from click.testing import CliRunner
from feature_files import write_domain
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from handmade_runs import logits, write_run
from matplotlib.figure import Figure
from matplotlib.text import Text

from tcon.adapt.inference.prediction import Prediction
from tcon.cache import Video
from tcon.cli import main
from tcon.evaluate.figures import fonts
from tcon.evaluate.figures.accuracy_by_segments import AccuracyAtK, draw_accuracies
from tcon.evaluate.figures.attention import draw_attention
from tcon.evaluate.figures.coattention import draw_coattention
from tcon.evaluate.figures.data.clouds import Cloud
from tcon.evaluate.figures.data.pairs import PairAttention
from tcon.evaluate.figures.picture import CannotDraw, Picture, draw
from tcon.evaluate.figures.prediction import draw_prediction
from tcon.evaluate.figures.training_curves import draw_curves
from tcon.evaluate.figures.tsne import draw_tsne
from tcon.evaluate.predict import figures as predict_figures
from tcon.evaluate.predict.figures import PredictionFigures

pytestmark = pytest.mark.slow

# Names, and how a figure shows them: text of another kind, or what an SVG cannot hold.
NAMES = {
    "$x_{\\frac{1$": "$x_{\\frac{1$",
    "a$b_1$ ^{ \\alpha": "a$b_1$ ^{ \\alpha",
    "50% & <b> --# ~": "50% & <b> --# ~",
    "_under": "_under",
    "שלום مرحبا": "שלום مرحبا",
    "e\u0301\u0323 naïve": "e\u0301\u0323 naïve",
    "\x1b[31mred\0\x85": "\\x1b[31mred\\x00\\x85",
    "lone \udcff\ud800": "lone \\udcff\\ud800",
    "two\nlines\tand\r\u2028": "two\\nlines\\tand\\r\\u2028",
    "\u202eesrever \uffff": "\\u202eesrever \\uffff",
    "": "",
}
LONG = "long/" * 100 + "name.mp4"
IMAGE = np.zeros((4, 6, 3), np.uint8)


def video(name: str) -> Video:
    return Video(name, "", "", "", 100, 25.0)


def prediction(name: str, class_: str) -> Prediction:
    return Prediction(
        video(name), (class_, "other"), np.array([2.0, 0.0]), np.arange(2), np.arange(2.0),
        np.array([0.5, 0.5]), np.array([[2.0, 0.0], [2.0, 0.0]]),
    )  # fmt: skip


def tsne(names: list[str]) -> Figure:
    x = np.random.default_rng(0).normal(size=(16, 4))
    return draw_tsne({"videos": {"source": Cloud(x, np.arange(16) % len(names))}}, names)


def curves(names: list[str]) -> Figure:
    return draw_curves([[{"step": 1, **dict.fromkeys(names, 1.0)}]])


def accuracies(names: list[str]) -> Figure:
    at = [AccuracyAtK("2", 0.5, (0.4, 0.6))]
    return draw_accuracies({f"{name} -> {name}, rgb": {name: at} for name in names})


def attention(names: list[str]) -> Figure:
    half = np.full(2, 0.5)
    pairs = [
        PairAttention(
            source=video(name), target=video(name), source_frames=half, target_frames=half,
            target_times=half, joint=np.full((2, 2), 0.25), predicted=half,
        )
        for name in names
    ]  # fmt: skip
    return draw_attention(np.full((3, 2), 0.5), pairs)


def coattention(names: list[str]) -> Figure:
    both, labels = [IMAGE] * 2, ["", ""]
    return draw_coattention(
        np.full((2, 2), 0.25), both, both, source_labels=labels, target_labels=labels,
        titles=(names[0], names[-1]),
    )  # fmt: skip


def predicted(names: list[str]) -> Figure:
    return draw_prediction(prediction(names[0], names[-1]), [IMAGE, IMAGE], name="x").figure


@pytest.mark.parametrize(
    ("make", "at_once"),
    [(tsne, 6), (curves, 12), (accuracies, 6), (attention, 6), (coattention, 2), (predicted, 2)],
)
def test_names_are_drawn_as_they_are(make: Callable[[list[str]], Figure], at_once: int) -> None:
    every = [*NAMES, LONG]
    for names in (every[n : n + at_once] for n in range(0, len(every), at_once)):
        picture = Picture("x", "x", "", make(names))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            parseString(picture.encode("svg"))  # well-formed
        words = "\n".join(text.get_text() for text in picture.figure.findobj(Text))
        legible = words.replace(" ", "_")  # curves show an underscore as a space
        for name in names:
            assert NAMES.get(name, name)[:5].replace(" ", "_") in legible
        assert LONG not in words


@pytest.fixture
def chinese_font(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of a font that was installed after matplotlib listed them; it has one character."""
    pen = TTGlyphPen(None)
    pen.moveTo((0, 0)), pen.lineTo((500, 0)), pen.lineTo((0, 500)), pen.closePath()
    font, glyphs = FontBuilder(1000, isTTF=True), [".notdef", "run"]
    font.setupGlyphOrder(glyphs)
    font.setupCharacterMap({ord("跑"): "run"})
    font.setupGlyf(dict.fromkeys(glyphs, pen.glyph()))
    font.setupHorizontalMetrics(dict.fromkeys(glyphs, (600, 0)))
    font.setupHorizontalHeader(ascent=800, descent=-200)
    font.setupNameTable({"familyName": "Only Run", "styleName": "Regular"})
    font.setupOS2(usWeightClass=400)
    font.setupPost()
    font.save(tmp_path / "run.ttf")
    (tmp_path / "damaged.ttf").write_bytes(b"no font")
    monkeypatch.setattr(fonts.fontManager, "ttflist", [*fonts.fontManager.ttflist])
    paths = [str(tmp_path / "damaged.ttf"), str(tmp_path / "run.ttf")]
    monkeypatch.setattr(fonts, "findSystemFonts", lambda: paths)
    for cached in (fonts._fallbacks, fonts._installed):
        cached.cache_clear()
    yield "Only Run"
    for cached in (fonts._fallbacks, fonts._installed):
        cached.cache_clear()


def test_a_font_of_the_system_is_used(chinese_font: str) -> None:
    figure = Figure()
    figure.suptitle("跑 run")
    picture = Picture("x", "", "", figure)
    assert picture.missing() == frozenset() and picture.encode("png")
    (title,) = (text for text in figure.findobj(Text) if "跑" in text.get_text())
    assert title.get_fontfamily()[-1] == chinese_font


def test_one_line_names_a_missing_font(chinese_font: str) -> None:
    figure = Figure()
    figure.suptitle("跑步 👣")
    missing = Picture("x", "", "", figure).missing()
    assert missing == {"步", "👣"}
    line = fonts.missing_font(missing)
    assert line.startswith("No installed font has 步 (U+6B65), 👣 (U+1F463): figures show boxes")
    assert "\n" not in line and "Noto" in line
    assert "(U+51FB) and others:" in fonts.missing_font(set(map(chr, range(0x51F8, 0x5202))))


def test_no_figure_stops_a_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ValueError("first line\nsecond line")

    missing = draw("features", "a\x1b run", fail)
    assert str(missing) == "No features of a\\x1b run: ValueError: first line"

    files = (
        write_domain(tmp_path / "s.h5", videos=30),
        write_domain(tmp_path / "t.h5", videos=30, seed=1),
    )
    for k in (2, 4):
        write_run(tmp_path / "runs", files, train=[logits(15, 9, 3)], segments=k)
    monkeypatch.setattr(Figure, "savefig", fail)
    with pytest.raises(CannotDraw, match="cannot draw a title: ValueError: first line$"):
        Picture("x", "a title", "", Figure()).encode("png")
    words = ["eval", str(tmp_path / "runs"), "--figures", str(tmp_path / "figures")]
    result = CliRunner().invoke(main, [*words, "--report", str(tmp_path / "r.html")])
    assert result.exit_code == 0, result.output
    failed = "cannot draw Accuracy by number of segments: ValueError: first line"
    assert failed in result.output.splitlines() and "Wrote 0 figures" in result.output
    page = (tmp_path / "r.html").read_text()
    assert failed in page and "No training curves of tcon_rgb_k2: " in page


def test_files_of_predicted_videos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any id gives a file, and no two ids one, also where letters' case is not told apart."""
    read = []

    def read_images(video: Video, frames: np.ndarray) -> list[np.ndarray]:
        read.append(video.path)
        return [IMAGE, IMAGE]

    monkeypatch.setattr(predict_figures, "read_images", read_images)
    drawing = PredictionFigures(tmp_path / "figures")
    ids = ["b cost $5_{ and $6.avi", "../a.mp4", "A.mp4", LONG, "LONG" + LONG, "$$$", "\udcff跑"]
    for id_ in ids:
        drawing.draw(prediction(id_, id_), Path(f"/{id_}"))
    assert read == [str(Path(f"/{id_}")) for id_ in ids]
    written = [path.name.casefold() for path in (tmp_path / "figures").iterdir()]
    assert len(set(written)) == len(ids) and all(name.endswith(".png") for name in written)
    assert {"a.mp4.png", "a.mp4_2.png", "video.png", "b_cost_5__and_6.avi.png"} <= set(written)
    monkeypatch.setattr(predict_figures, "read_images", lambda *_: [])
    with pytest.raises(CannotDraw, match="ValueError: Number of columns"):
        drawing.draw(prediction("x", "y"), Path("a.mp4"))
