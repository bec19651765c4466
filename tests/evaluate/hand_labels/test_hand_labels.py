"""Which videos are asked for, how answers are read, and what they say of the groups."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from feature_files import CLASSES, write_domain
from handmade_runs import logits, write_run

from tcon.cache import InputError, Video
from tcon.cli import main
from tcon.evaluate import evaluate
from tcon.evaluate.hand_labels.answers import read_answers
from tcon.evaluate.hand_labels.cards import make_cards
from tcon.evaluate.hand_labels.checked import Checked, best
from tcon.evaluate.hand_labels.questions import Question, choose_questions, write_questions
from tcon.evaluate.report.sheet import sheet_html
from tcon.evaluate.scores.intervals import wilson
from tcon.evaluate.scores.trust.labels import VideoLabel


def labels(n: int, scores: np.ndarray | None = None) -> list[VideoLabel]:
    """Of n videos, with rising scores unless these are given."""
    scores = np.arange(n) / n if scores is None else scores
    return [
        VideoLabel(
            video=f"v{i:03d}.mp4",
            label="run",
            score=float(scores[i]),
            seeds_agree=None,
            methods_agree=None,
            source_distance=None,
        )
        for i in range(n)
    ]


def test_every_video_has_the_same_chance_and_every_stretch_its_share() -> None:
    drawn: Counter[str] = Counter()
    for seed in range(300):
        questions = choose_questions(labels(40), 12, seed=seed)
        at_random = [int(q.video[1:4]) for q in questions if q.drawn == "random"]
        assert len(at_random) == 8 and {i // 5 for i in at_random} == set(range(8))
        drawn.update(q.video for q in questions if q.drawn == "random")
        doubtful = sorted(int(q.video[1:4]) for q in questions if q.drawn == "doubtful")
        rest = [i for i in range(40) if i not in at_random]
        assert doubtful == rest[:4]
    # Each with a chance of 8 in 40: 60 of 300, and four standard deviations.
    assert len(drawn) == 40 and max(abs(n - 60) for n in drawn.values()) < 28


def test_of_few_videos_all_are_asked_for() -> None:
    questions = choose_questions(labels(5), 30)
    assert sorted(q.video for q in questions) == [f"v{i:03d}.mp4" for i in range(5)]
    assert {q.drawn for q in questions} == {"random"}
    with pytest.raises(InputError, match="ask for 3 or more"):
        choose_questions(labels(5), 2)


def test_the_interval_holds_the_accuracy() -> None:
    """In 19 of 20 samples, where right answers go with the score."""
    rng = np.random.default_rng(0)
    held = 0
    for seed in range(300):
        right = rng.random(200) < np.linspace(0.2, 1, 200)
        asked = [q for q in choose_questions(labels(200), 30, seed=seed) if q.drawn == "random"]
        low, high = wilson(sum(right[int(q.video[1:4])] for q in asked), len(asked))
        held += low <= right.mean() <= high
    assert held >= 0.93 * 300


def test_doubts_of_one_group_do_not_choose_the_other() -> None:
    """Of two equally accurate groups, the one whose doubts were asked for is chosen half of the
    time, and a group that is clearly more accurate mostly, though it is wrong on most of its own
    doubts."""
    rng = np.random.default_rng(0)
    group: Any = None

    def share_chosen(accuracy: float, other: float) -> float:
        """Of 300 draws, in how many the asking group is among the best; ties count half."""
        chosen = 0.0
        for seed in range(300):
            score = rng.permutation(200) / 200
            mine = rng.random(200) < np.clip(accuracy + (score - 0.5), 0, 1)  # right where sure
            theirs = rng.random(200) < other
            asked = choose_questions(labels(200, score), 30, seed=seed)
            found = []
            for right in (mine, theirs):
                n = {"random": 0, "doubtful": 0}
                for question in asked:
                    n[question.drawn] += int(right[int(question.video[1:4])])
                found.append(Checked(group, "", n["random"], 20, n["doubtful"], 10))
            winners = best(found)
            chosen += (found[0] in winners) / len(winners)
        return chosen / 300

    assert 0.35 < share_chosen(0.5, 0.5) < 0.6
    assert share_chosen(0.6, 0.4) > 0.8


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Runs of two methods on an unlabelled target: 10 and 6 of 15 labels are right."""
    files = (
        write_domain(tmp_path / "clips.h5", videos=30),
        write_domain(tmp_path / "cctv.h5", videos=30, seed=1, labels=[""] * 30),
    )
    for method, right in (("source_only", 6), ("tcon", 10)):
        mine = [logits(15, right, 3)]
        write_run(tmp_path / "runs", files, train=mine, val=mine, method=method)
    return tmp_path / "runs"


def truth(video: str) -> str:
    return CLASSES[int(video[1:4]) % 3]


def test_asked_and_answered(runs: Path, tmp_path: Path) -> None:
    page = tmp_path / "ask.html"
    done = CliRunner().invoke(main, ["eval", str(runs), "--ask", "9", "--sheet", str(page)])
    assert done.exit_code == 0, done.output
    rows = list(csv.DictReader((tmp_path / "ask.csv").open()))
    assert Counter(row["drawn"] for row in rows) == {"random": 6, "doubtful": 3}
    assert not any(row["label"] for row in rows)
    answered = tmp_path / "few.csv"
    lines = [f"{row['video']};{truth(row['video']).upper()};{row['drawn']}" for row in rows]
    answered.write_text("\n".join(["video;label;drawn", *lines, ";;"]), encoding="utf-8-sig")

    checked = {one.name: one for one in evaluate(runs, hand_labels=answered).checked}
    for name, right in (("source_only", 6), ("tcon", 10)):
        one = checked[name]
        for drawn, count in (("random", one.right), ("doubtful", one.doubtful_right)):
            asked = [int(row["video"][1:4]) for row in rows if row["drawn"] == drawn]
            assert count == sum(i < right for i in asked)
        assert one.interval == wilson(one.right, 6)
    printed = CliRunner().invoke(main, ["eval", str(runs), "--labels", str(answered)]).output
    right = checked["tcon"].right
    assert printed.startswith(
        f"Of 6 hand labels drawn at random, tcon is right most often: {right}."
    )

    again = CliRunner().invoke(main, ["eval", str(runs), "--ask", "9", "--sheet", str(page)])
    assert again.exit_code == 2 and "is there already" in again.output  # it may hold answers


@pytest.mark.parametrize("winner", ["source_only", "tcon"])
def test_what_follows_goes_by_the_hand_labels(runs: Path, tmp_path: Path, winner: str) -> None:
    [own] = [one for one in evaluate(runs).unlabelled if one.name == winner]
    answers = [f"{label.video},{label.label}" for label in own.labels]
    (tmp_path / "few.csv").write_text("\n".join(["video,label", *answers]))
    result = evaluate(runs, hand_labels=tmp_path / "few.csv")
    shown = result.to_markdown()
    assert f"Label videos with it: tcon predict {own.group.first.path} VIDEOS" in shown
    assert shown.count("Label videos with it") == shown.count("Labels by ") == 1
    assert f"Labels by {winner} (" in shown and "Without these labels: " in shown
    result.to_csv(tmp_path / "out.csv")
    rows = csv.DictReader((tmp_path / "out.csv").open())
    assert {row["method"] for row in rows if row["recommended"]} == {winner}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--sheet", "a.html"], "--sheet is the page of --ask"),
        (["--ask", "9", "--sheet", "a.csv"], "name the page FILE.html"),
        (["--ask", "9", "--sheet", "gone/a.html"], "there is no folder gone"),
        (["--ask", "9", "--sheet", "old.html"], "old.csv is there already"),
        (["--ask", "9", "--sheet", "a.html", "--csv", "a.csv"], "both write a.csv: name two"),
        (["--ask", "9", "--sheet", "a.html", "--report", "a.html"], "both write a.html: name two"),
    ],
)
def test_pages_that_cannot_be_written_are_refused_before_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("old.csv").touch()
    done = CliRunner().invoke(main, ["eval", "there-are-no-such-runs", *options])
    assert done.exit_code == 2 and message in done.output
    assert [path.name for path in tmp_path.iterdir()] == ["old.csv"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("video,label\n", "gives no label"),
        ("name,class\na,b\n", "names no columns video and label"),
        ("video,label\nx.mp4,run\n", r"few.csv line 2: the runs have no test video 'x.mp4'"),
        ("video,label\nv001.mp4,fly\n", "the label fly is none of the classes: write one of"),
        ("video,label,drawn\nv001.mp4,run,maybe\n", "line 2: drawn is random or doubtful"),
        ("video,label\nv001.mp4,run\nv001.mp4,jump\n", "line 3: v001.mp4 has another label above"),
        ('video,label\n"v001.mp4,run\n', "few.csv line 2: its quotes do not match"),
        ("", "empty file"),
    ],
)
def test_answers_that_make_no_sense(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "few.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_answers(path, videos={"v001.mp4"}, classes=["run", "jump"])


def test_names_with_spaces_and_line_breaks_come_back(tmp_path: Path) -> None:
    names = [" lead.mp4", 'a,"b";c.mp4', "new\nline.mp4", "cr\r.mp4", "u\u2028.mp4"]
    write_questions([Question(name, "random") for name in names], tmp_path / "ask.csv")
    with (tmp_path / "ask.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    with (tmp_path / "few.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["video", "label"], *([row["video"], "run"] for row in rows)])
    answers = read_answers(tmp_path / "few.csv", videos=names, classes=["run", "none of these"])
    assert answers.at_random == dict.fromkeys(names, "run")


def test_none_of_the_classes_is_an_answer(tmp_path: Path) -> None:
    path = tmp_path / "few.csv"
    path.write_text("path,label\nv001.mp4,none of these\nv002.mp4,High Jump\n")
    answers = read_answers(path, videos={"v001.mp4", "v002.mp4"}, classes=["run", "high_jump"])
    assert answers.at_random == {"v001.mp4": None, "v002.mp4": "high_jump"}


def test_random_videos_without_a_label_are_said(runs: Path, tmp_path: Path) -> None:
    path = tmp_path / "few.csv"
    rows = "".join(f"v{n:03d}.mp4,,random\nv{n + 1:03d}.mp4,run,random\n" for n in (0, 2))
    path.write_text(f"video,label,drawn\n{rows}v005.mp4,,doubtful\n")
    result = evaluate(runs, hand_labels=path)
    assert [(one.asked, one.unanswered) for one in result.checked] == [(2, 2), (2, 2)]
    assert "Of 4 videos drawn at random, 2 have no label" in result.to_markdown()


def test_labelled_targets_need_no_hand_labels(tmp_path: Path) -> None:
    files = write_domain(tmp_path / "s.h5", videos=30), write_domain(tmp_path / "t.h5", videos=30)
    run = write_run(tmp_path / "runs", files, train=[logits(15, 9, 3)])
    for options in (["--ask", "5"], ["--labels", "few.csv"]):
        done = CliRunner().invoke(main, ["eval", str(run), *options])
        assert done.exit_code == 2 and "have labels" in done.output


def test_the_page_shows_videos_and_escapes_their_names(
    tmp_path: Path, write_video: Callable[..., Path]
) -> None:
    path = write_video(tmp_path / "a.mp4", 12)
    name = '<b>"x"\n</b>.mp4'
    videos = {
        name: Video(name, "", "", str(path), frames=12, fps=25.0),
        "gone.mp4": Video("gone.mp4", "", "", str(tmp_path / "gone.mp4"), frames=9, fps=25.0),
    }
    cards = list(make_cards([Question(id_, "random") for id_ in videos], videos))
    assert [len(card.images) for card in cards] == [3, 0]
    page = sheet_html(cards, ["run", "<i>"], "ask.csv")
    assert "<b>" not in page and "<i>" not in page
    assert r'data-video="&lt;b&gt;&#34;x&#34;\n&lt;/b&gt;.mp4"' in page  # as in the csv
    assert len(re.findall(r'<img alt="" src="data:image/jpeg;base64,[\w+/=]+">', page)) == 3
    assert "No picture: the video gone.mp4 is not at" in page
    assert page.count('<input type="radio" name="2" value="&lt;i&gt;">') == 1
    assert page.count('value="none of these">') == 2 and "<select" not in page
    many = sheet_html(cards, [f"class {n}" for n in range(8)], "ask.csv")
    assert many.count("<option>none of these</option>") == 2 and "radio" not in many
