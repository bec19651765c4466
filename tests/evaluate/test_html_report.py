"""The HTML report: one file, nothing from outside, everything said, everything escaped."""

from __future__ import annotations

import base64
import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner
from feature_files import write_domain
from matplotlib.figure import Figure
from toy_runs import train

from tcon.cache import InputError
from tcon.cli import main
from tcon.evaluate.drawing import Picture
from tcon.evaluate.embeddings import Loader
from tcon.evaluate.figures import curves_picture
from tcon.evaluate.html_page import from_markdown, image, page, table
from tcon.evaluate.html_report import Content, health, write_report

_VOID = {"meta", "img", "br", "link"}


class Reader(HTMLParser):
    """Checks that tags are balanced; collects images, anchors, ids, headings, cells, texts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.images: list[dict[str, str]] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.tags: set[str] = set()
        self.text: dict[str, list[str]] = {}
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str]]) -> None:
        values = dict(attrs)
        self.tags.add(tag)
        assert not any(name.startswith("on") for name in values)
        if tag == "img":
            self.images.append(values)
        if tag == "a":
            self.links.append(values["href"])
        if "id" in values:
            self.ids.append(values["id"])
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open:
            self.text.setdefault(self.open[-1], []).append(data)


def evaluate(*words: object) -> str:
    result = CliRunner().invoke(main, ["eval", *map(str, words)])
    assert result.exit_code == 0, result.output
    return result.output


def test_a_report_of_runs(tmp_path: Path) -> None:
    run = train(tmp_path)[1].first
    finding = {"kind": "x", "text": "it looks <odd> & wrong", "remedy": "try this"}
    (run.path / "health.json").write_text(json.dumps([finding]))
    file = tmp_path / "out" / "report.html"
    printed = evaluate(tmp_path / "runs", "--report", file, "--figures", tmp_path / "figures")
    assert f"Wrote {file}" in printed and "Wrote 5 figures" in printed
    assert len(list((tmp_path / "figures").glob("*.png"))) == 5
    assert len(list((tmp_path / "figures").glob("*.svg"))) == 5

    text = file.read_text()
    report = Reader(text)
    assert not report.tags & {"script", "link", "iframe", "object"}
    assert not re.search(r"url\(|@import|https?://", text)
    assert len(report.images) == 5
    for shown in report.images:
        kind, _, data = shown["src"].partition(";base64,")
        assert shown["alt"] and kind in ("data:image/svg+xml", "data:image/webp")
        start = b"<?xml" if "svg" in kind else b"RIFF"
        assert base64.b64decode(data).startswith(start)
    assert len(report.links) == 7 and [link[1:] for link in report.links] == report.ids

    # Tables are those printed.
    cells = {*report.text["td"], *report.text["th"]}
    lines = [line for line in printed.splitlines() if line.startswith("| ")]
    assert len(lines) >= 3
    for line in lines:
        for cell in filter(None, (cell.strip(" *") for cell in line.split("|"))):
            assert cell in cells
    words = " ".join(data for texts in report.text.values() for data in texts)
    assert "it looks <odd> & wrong. Try: try this." in words
    for domain in ("source", "target"):
        assert run.data[f"{domain}_sha256"] in words
    assert "tcon adapt --method source_only,tcon" in words and "A-distance before" in words
    # Settings: the method differs, the rate does not, and tau is tcon's alone.
    settings = text[text.index('id="settings"') :]
    differs, equal = settings.index("What differs"), settings.index("What is equal")
    alone = settings.index("tcon alone")
    assert (
        differs
        < settings.index("<td>method</td><td>source_only</td><td>tcon</td>")
        < equal
        < settings.index("train.lr")
        < alone
    )
    assert settings.index("tcon.tau") > alone


def test_health_is_said_once_for_all_runs_alike(tmp_path: Path) -> None:
    groups = train(tmp_path, seeds=2)
    assert "Nothing looks wrong" in health(groups[:1])
    for group in groups:
        for run in group.runs:
            text = f"it is odd ({group.method} {run.seed})"
            finding = {"kind": "odd", "text": text, "remedy": "try this"}
            (run.path / "health.json").write_text(json.dumps([finding]))
    said = health(groups)
    assert said.count("<p") == 1 and said.count("Try: try this") == 1
    assert "source_only_rgb_k4_seed0 and 3 more</strong>: it is odd (source_only 0)." in said
    assert "source_only_rgb_k4 (seed 0 1), tcon_rgb_k4 (seed 0 1)<" in said
    caption = curves_picture(groups[1], "x").caption
    assert "Health: it is odd (tcon 0)." in caption


def test_moved_files_and_unlabelled_targets_still_give_a_report(tmp_path: Path) -> None:
    write_domain(tmp_path / "clips.h5")
    labels = [""] * 12
    write_domain(tmp_path / "cctv.h5", seed=1, labels=labels, splits=("",))
    train(tmp_path, methods=["source_only"])
    (tmp_path / "clips.h5").rename(tmp_path / "moved.h5")
    printed = evaluate(tmp_path / "runs", "--report", tmp_path / "r.html")
    assert "No features of source_only_rgb_k4 are drawn" in printed
    report = Reader((tmp_path / "r.html").read_text())
    assert "name it with --source-features" in " ".join(report.text["td"])
    assert len(report.images) == 1  # the curves
    evaluate(
        *(tmp_path / "runs", "--report", tmp_path / "r.html"),
        *("--source-features", tmp_path / "moved.h5"),
    )
    assert len(Reader((tmp_path / "r.html").read_text()).images) == 2


def test_distances_are_printed(tmp_path: Path) -> None:
    train(tmp_path, methods=["source_only"])
    printed = evaluate(tmp_path / "runs", "--distances")
    assert "clips -> cctv: domain distance\n" in printed
    assert "| source_only_rgb_k4_seed0 | segments |" in printed


def test_errors(tmp_path: Path) -> None:
    source_only, run = (group.first.path for group in train(tmp_path))
    for options, message in {
        ("--pair", "a", "b"): "are for figures: give --figures DIR or --report FILE",
        ("--select", "epoch", "--distances"): "--select draws nothing",
        ("--figures", str(run / "config.json")): "cannot write",
        ("--figures", str(tmp_path), "--pair", "v001.mp4", "nobody"): "no target video 'nobody'",
    }.items():
        result = CliRunner().invoke(main, ["eval", str(run), *options])
        assert result.exit_code == 2 and message in result.output
    words = ("--figures", str(tmp_path), "--pair", "a", "b")
    result = CliRunner().invoke(main, ["eval", str(source_only), *words])
    assert result.exit_code == 2 and "none of these runs' methods has" in result.output
    with pytest.raises(InputError, match="cannot write"):
        write_report(run, [], Loader(), Content(tables=[], distances="", pictures=[]))


def test_without_matplotlib_a_line_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = train(tmp_path, methods=["source_only"])[0].first.path
    for name in [n for n in sys.modules if n.startswith(("matplotlib", "tcon.evaluate."))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    result = CliRunner().invoke(main, ["eval", str(run), "--figures", str(tmp_path / "f")])
    assert result.exit_code == 2
    assert "figures need the package matplotlib: pip install 'tcon[demo]'" in result.output
    result = CliRunner().invoke(main, ["eval", str(run)])
    assert result.exit_code == 0


def test_what_is_escaped() -> None:
    nasty = '<b>"&'
    figure = Figure()
    figure.subplots()
    body = table([nasty], [[nasty]]) + image(Picture("x", nasty, nasty, figure))
    report = Reader(page(nasty, nasty, [(nasty, body), ("left out", "")]))
    assert "b" not in report.tags and report.images[0]["alt"] == nasty
    for tag in ("title", "h1", "p", "h2", "th", "td", "figcaption", "a"):
        assert "".join(report.text[tag]) == nasty


def test_markdown() -> None:
    text = from_markdown(
        "## H\n\n| a | b |\n|---|---|\n| **1** | x > y |\n\nA note\non.\n\nAnother."
    )
    assert text.count("<tr>") == 2 and "<strong>1</strong>" in text and "x &gt; y" in text
    assert text.count('<p class="note">') == 2 and "<h3>H</h3>" in text
