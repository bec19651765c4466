"""The HTML report: one file, nothing from outside, everything said, everything escaped."""

from __future__ import annotations

import base64
import json
import re
import shlex
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner
from feature_files import write_domain
from matplotlib.figure import Figure
from toy_runs import train

from tcon.adapt.run.record import CONFIG, write_record
from tcon.adapt.tasks.task import read_task
from tcon.cache import InputError
from tcon.cli import main
from tcon.evaluate import evaluate
from tcon.evaluate.figures.picture import Picture
from tcon.evaluate.figures.training_curves import curves_picture, training_logs
from tcon.evaluate.report.html_file import blocks_html, task_csv, to_html, wrapped
from tcon.evaluate.runs.embeddings import Loader
from tcon.evaluate.runs.logs import health_of
from tcon.evaluate.runs.provenance import provenance_of
from tcon.evaluate.tables.layout import Bullets, Commands, Heading, Table, Text

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


def printed(*words: object) -> str:
    result = CliRunner().invoke(main, ["eval", *map(str, words)])
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.slow
def test_a_report_of_runs(tmp_path: Path) -> None:
    run = train(tmp_path)[1].first
    finding = {"kind": "x", "text": "it looks <odd> & wrong", "remedy": "try this"}
    (run.path / "health.json").write_text(json.dumps([finding]))
    file = tmp_path / "out" / "report.html"
    out = printed(tmp_path / "runs", "--report", file, "--figures", tmp_path / "figures")
    assert f"Wrote {file}" in out and "Wrote 6 figures" in out
    assert len(list((tmp_path / "figures").glob("*.png"))) == 6
    assert len(list((tmp_path / "figures").glob("*.svg"))) == 6

    text = file.read_text()
    report = Reader(text)
    assert not report.tags & {"script", "link", "iframe", "object"}
    assert not re.search(r"url\(|@import|https?://", text)
    assert len(report.images) == 6
    for shown in report.images:
        kind, _, data = shown["src"].partition(";base64,")
        assert shown["alt"] and kind in ("data:image/svg+xml", "data:image/webp")
        start = b"<?xml" if "svg" in kind else b"RIFF"
        assert base64.b64decode(data).startswith(start)
    links = [link.removeprefix("#") for link in report.links]
    assert len(report.ids) == 7 and links[:7] == report.ids and set(links) == set(report.ids)

    # Tables are those printed.
    cells = {*report.text["td"], *report.text["th"]}
    lines = [line for line in out.splitlines() if line.startswith("| ")]
    assert len(lines) >= 3
    for line in lines:
        for cell in filter(None, (cell.strip(" *") for cell in line.split("|"))):
            assert cell in cells
    words = " ".join(data for texts in report.text.values() for data in texts)
    assert "it looks <odd> & wrong. Try: try this." in words
    for domain in ("source", "target"):
        assert run.record.data.domain(domain).fingerprint[:16] in words
    assert "A-distance before" in words and "No command is recorded for the runs in" in words
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


@pytest.mark.slow
def test_a_report_of_a_papers_table_has_all_the_rest_too(tmp_path: Path) -> None:
    train(tmp_path, seeds=2)
    file = tmp_path / "r.html"
    out = printed(tmp_path / "runs", "--table", 5, "--report", file)
    assert "vs source_only" not in out
    report = Reader(file.read_text())
    heads = {*report.text["th"]}
    assert {"clips -> cctv: RGB", "last epoch", "label-free", "(oracle best)", "95 %"} <= heads
    assert {"vs source_only", "McNemar p", "won", "in clips", "true \\ predicted"} <= heads
    assert "tcon adapt --plan table5" in report.text["pre"]  # what fills an empty cell
    for options in (["--table", "5"], ["--table", "5", "--report", str(file)]):
        words = ["eval", str(tmp_path / "runs"), *options, "--baseline", "nosuch"]
        result = CliRunner().invoke(main, words)
        assert result.exit_code == 2 and "no run of the baseline nosuch is among" in result.output


def test_a_damaged_health_file_costs_a_line(tmp_path: Path) -> None:
    (group,) = train(tmp_path, methods=["source_only"])
    (group.first.path / "health.json").write_text("{")
    health = health_of([group])
    assert not health.warnings and "is damaged" in health.unreadable[0]
    text = to_html(evaluate(tmp_path / "runs"))
    assert "is damaged" in text and "Nothing looks wrong" not in text
    picture = curves_picture(training_logs(group), "x")
    assert "is damaged" in picture.caption and picture.figure.axes


@pytest.mark.slow
def test_health_is_said_once_for_all_runs_alike(tmp_path: Path) -> None:
    groups = train(tmp_path, seeds=2)
    for run in groups[0].runs:
        (run.path / "health.json").write_text("[]")  # whatever so few steps have led to
    assert health_of(groups[:1]).warnings == ()
    assert "Nothing looks wrong" in to_html(evaluate(groups[0].first.path))
    for group in groups:
        for run in group.runs:
            text = f"it is odd ({group.method} {run.seed})"
            finding = {"kind": "odd", "text": text, "remedy": "try this"}
            (run.path / "health.json").write_text(json.dumps([finding]))
    [warning] = health_of(groups).warnings
    assert warning.text == "it is odd (source_only 0)" and warning.remedy == "try this"
    rows = [(name, seed) for name in ("source_only_rgb_k4", "tcon_rgb_k4") for seed in (0, 1)]
    assert list(warning.runs) == rows
    said = to_html(evaluate(tmp_path / "runs"))
    assert said.count("Try: try this") == 1
    assert "source_only_rgb_k4_seed0 and 3 more</strong>: it is odd (source_only 0)." in said
    assert "source_only_rgb_k4 (seed 0 1), tcon_rgb_k4 (seed 0 1)<" in said
    caption = curves_picture(training_logs(groups[1]), "x").caption
    assert "Health: it is odd (tcon 0)." in caption


@pytest.mark.slow
def test_moved_files_and_unlabelled_targets_still_give_a_report(tmp_path: Path) -> None:
    write_domain(tmp_path / "clips.h5")
    labels = [""] * 12
    write_domain(tmp_path / "cctv.h5", seed=1, labels=labels, splits=("",))
    train(tmp_path, methods=["source_only"])
    (tmp_path / "clips.h5").rename(tmp_path / "moved.h5")
    out = printed(tmp_path / "runs", "--report", tmp_path / "r.html")
    assert "No features of source_only_rgb_k4: " in out
    report = Reader((tmp_path / "r.html").read_text())
    assert "name it with --source-features" in " ".join(report.text["td"])
    assert len(report.images) == 2  # the curves and the drift of scores
    printed(
        *(tmp_path / "runs", "--report", tmp_path / "r.html"),
        *("--source-features", tmp_path / "moved.h5"),
    )
    assert len(Reader((tmp_path / "r.html").read_text()).images) == 3


def test_distances_are_printed(tmp_path: Path) -> None:
    train(tmp_path, methods=["source_only"])
    out = printed(tmp_path / "runs", "--distances")
    assert "clips -> cctv: domain distance\n" in out
    assert "| source_only_rgb_k4_seed0 | segments |" in out
    [run] = evaluate(tmp_path / "runs", distances=True).distances
    assert run.name == "source_only_rgb_k4_seed0" and not run.problem
    assert len(run.distances) == 4 and run.transfer == "clips -> cctv"


def test_errors(tmp_path: Path) -> None:
    source_only, run = (group.first.path for group in train(tmp_path))
    for options, message in {
        ("--pair", "a", "b"): "--pair is for figures: give --figures DIR or --report FILE",
        ("--select", "epoch", "--distances"): "--select draws nothing",
        ("--figures", str(run / "config.json")): "cannot write",
        ("--figures", str(tmp_path), "--pair", "v001.mp4", "nobody"): "no target video 'nobody'",
        ("--source-features", "x.h5"): "--source-features is for figures, distances and choices",
        ("--validator", "snd"): "--validator chooses something: give --select epoch",
    }.items():
        result = CliRunner().invoke(main, ["eval", str(run), *options])
        assert result.exit_code == 2 and message in result.output
    both = str(tmp_path / "x")
    for options, message in {  # before anything is done
        ("--report", str(tmp_path)): "it is a folder, so name a file in it",
        ("--report", ""): "--report is empty",
        ("--report", both, "--root", "nosuch"): "there is no folder nosuch",
        ("--report", both, "--root", "source="): "the root 'source=' names no folder",
        ("--json", both, "--csv", both): "--csv and --json both write",
        ("--csv", str(tmp_path / "no" / "x.csv")): "there is no folder",
    }.items():
        result = CliRunner().invoke(main, ["eval", str(run), *options])
        assert result.exit_code == 2 and message in result.output
        assert "last epoch" not in result.output
    result = CliRunner().invoke(main, ["eval", str(tmp_path / "clips.h5")])
    assert result.exit_code == 2 and "it is a file, and runs are folders" in result.output
    assert "adapt -o" not in result.output
    words = ("--figures", str(tmp_path), "--pair", "a", "b")
    result = CliRunner().invoke(main, ["eval", str(source_only), *words])
    assert result.exit_code == 2 and "no method of these runs has" in result.output
    with pytest.raises(InputError, match="cannot write"):
        evaluate(run).to_html(tmp_path / "no" / "r.html", pictures=())


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


def test_what_is_escaped(tmp_path: Path) -> None:
    """Whatever files, runs and findings are called."""
    nasty = "<u>\"&'"
    folder = tmp_path / nasty
    folder.mkdir()
    files = (
        write_domain(folder / f"{nasty}.h5"),
        write_domain(folder / f"t{nasty}.h5", seed=1),
    )
    (group,) = train(folder, methods=["source_only"], files=files)
    finding = {"kind": "x", "text": nasty, "remedy": nasty}
    (group.first.path / "health.json").write_text(json.dumps([finding]))
    figure = Figure()
    figure.subplots()
    pictures = [Picture("x", nasty, nasty, figure)]
    report = Reader(to_html(evaluate(folder), pictures=pictures, command=f"tcon '{nasty[:-1]}'"))
    assert "u" not in report.tags and report.images[0]["alt"] == nasty
    for tag in ("title", "h1", "h3", "p", "td", "figcaption", "pre"):
        assert any(nasty[:-1] in text for text in report.text[tag]), tag


def test_blocks() -> None:
    nasty = "<i>&\\x1b\\udcff"
    given = "<i>&\x1b\udcff"
    blocks = [
        Heading(given),
        Table([given], [[given], ["x"]]),
        Text(given),
        Bullets([given, "y"]),
        Commands(["tcon adapt -o 'a b'"]),
    ]
    report = Reader(blocks_html(blocks))
    assert "i" not in report.tags
    for tag, found in {
        "h3": [nasty],
        "th": [nasty],
        "td": [nasty, "x"],
        "p": [nasty],
        "li": [nasty, "y"],
        "pre": ["tcon adapt -o 'a b'"],
    }.items():
        assert report.text[tag] == found


def test_long_commands_are_broken_before_options() -> None:
    words = "tcon adapt --source 'a b.h5' --target b.h5 --segments 4 --set train.lr=0.1 -o runs"
    lines = wrapped(words).split(" \\\n")
    assert len(lines) == 2 and lines[1].startswith("    -") and max(map(len, lines)) < 80
    assert shlex.split(wrapped(words).replace("\\\n", "")) == shlex.split(words)


def test_a_task_of_ones_own_is_in_the_report(tmp_path: Path) -> None:
    text = "class,source_label,target_label\nb,jump,jump|run\na,run,\nc,sit,sit\n"
    (tmp_path / "mine.csv").write_text(text)
    (group,) = train(tmp_path, methods=["source_only"], task=tmp_path / "mine.csv")
    [mine] = provenance_of([group], Loader().file).tasks
    (tmp_path / "again.csv").write_text(task_csv(mine))
    again, before = read_task(tmp_path / "again.csv"), read_task(tmp_path / "mine.csv")
    assert (again.name, again.classes) == (before.name, before.classes)
    assert (again.source, again.target) == (before.source, before.target)
    report = Reader(to_html(evaluate(tmp_path / "runs")))
    assert task_csv(mine) in report.text["pre"]


def test_a_task_that_ships_needs_no_file(tmp_path: Path) -> None:
    shipped = read_task("ucf50_olympic_U2O")
    labels = [list(side)[n % 6] for side in (shipped.source, shipped.target) for n in range(18)]
    files = tmp_path / "s.h5", tmp_path / "t.h5"
    for path, own in zip(files, (labels[:18], labels[18:]), strict=True):
        write_domain(path, videos=18, labels=own)
    train(tmp_path, methods=["source_only"], files=files, task="ucf50_olympic_U2O")
    provenance = evaluate(tmp_path / "runs").provenance
    assert provenance is not None and provenance.tasks == ()


def test_repeat_it_shows_the_words_that_runs_recorded(tmp_path: Path) -> None:
    words = ("tcon", "adapt", "--source", "my clips.h5", "-o", "runs")
    for group in train(tmp_path, seeds=2):
        for run in group.runs:
            if run.seed == 0:
                record = replace(run.record, command=words)
                (run.path / CONFIG).write_bytes(write_record(record))
    result = evaluate(tmp_path / "runs")
    assert result.provenance is not None
    assert result.provenance.commands == (words,)  # once
    assert result.provenance.unrecorded == (str(tmp_path / "runs"),)
    report = Reader(to_html(result))
    assert "tcon adapt --source 'my clips.h5' -o runs" in report.text["pre"]
