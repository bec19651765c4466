"""What a report says first, and the labels of an unlabelled target in it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
from feature_files import write_domain
from handmade_runs import logits, write_run
from scipy.special import softmax

from tcon.cache import Video
from tcon.evaluate import evaluate
from tcon.evaluate.evaluation import Evaluation
from tcon.evaluate.hand_labels.cards import make_cards
from tcon.evaluate.report.html_file import to_html
from tcon.evaluate.report.label_cards import LabelCards, label_cards
from tcon.evaluate.scores.trust.drift import score_drift
from tcon.evaluate.scores.trust.labels import VideoLabel


def _evaluated(folder: Path, *, labelled: bool) -> Evaluation:
    """Two methods: of 15 labels source_only has 6 right, tcon 10."""
    labels = None if labelled else [""] * 30
    files = (
        write_domain(folder / "clips.h5", videos=30),
        write_domain(folder / "cctv.h5", videos=30, seed=1, labels=labels),
    )
    for method, right in (("source_only", 6), ("tcon", 10)):
        write_run(
            folder / "runs", files, train=[logits(15, right, 3)], val=[logits(15, 15, 4)],
            method=method,
        )  # fmt: skip
    return evaluate(folder / "runs")


def test_a_labelled_target_begins_with_its_accuracy(tmp_path: Path) -> None:
    page = to_html(_evaluated(tmp_path, labelled=True))
    first = re.search(r'<p class="statement">(.*?)</p>', page)
    assert (
        first and "tcon, the most accurate of 2, is right on 66.7 % of 15 test videos" in first[1]
    )
    assert page.index("Confusion matrix") < page.index('<section id="results">')
    # Class "jump": videos 0, 3, 6, 9 are right, 12 is called "run".
    assert '<td style="--dark: 80%">4</td><td style="--dark: 20%">1</td><td>0</td>' in page


def test_labels_stand_with_the_doubtful_first(tmp_path: Path) -> None:
    result = _evaluated(tmp_path, labelled=False)
    [cards] = label_cards(result)
    doubts = [card.about.doubt for card in cards.cards]
    assert doubts == sorted(doubts) and len(doubts) == 15 and not cards.rest
    assert all(card.problem for card in cards.cards)  # there are no such videos
    page = to_html(result, cards=[cards])
    assert re.search(r'<p class="statement">[^<]* labels 15 videos \(', page)
    assert page.count('<div class="card">') == 15
    assert "<script" not in page


def test_cards_show_thumbnails_and_attention_and_are_bounded(
    tmp_path: Path, write_video: Callable[..., Path]
) -> None:
    result = _evaluated(tmp_path, labelled=False)
    [plain] = label_cards(result)
    shown = plain.cards[0].about
    path = write_video(tmp_path / "a.mp4", 20)
    video = Video(shown.video, "", "", str(path), 20, 25.0)
    rest = [plain.cards[1].about] * 501
    cards = LabelCards(
        plain.result,
        list(make_cards([shown], {shown.video: video})),
        rest,
        {shown.video: np.array([0.1, 0.4, 0.3, 0.2])},
    )
    page = to_html(result, cards=[cards])
    assert page.count("data:image/jpeg;base64,") == 3
    heights = re.findall(r'<i style="height: (\d+)%">', page)
    assert heights == ["25", "100", "75", "50"]
    assert "1 less doubtful videos are left out" in page


def test_names_of_videos_are_escaped(tmp_path: Path) -> None:
    result = _evaluated(tmp_path, labelled=False)
    [plain] = label_cards(result)
    bad = VideoLabel(
        video="<script>.mp4", label="run", score=0.5, seeds_agree=None, methods_agree=None,
        source_distance=None,
    )  # fmt: skip
    page = to_html(result, cards=[LabelCards(plain.result, (), [bad], {})])
    assert "&lt;script&gt;.mp4" in page and "<script>" not in page


def test_drift_compares_the_highest_calibrated_scores(tmp_path: Path) -> None:
    result = _evaluated(tmp_path, labelled=False).unlabelled[0]
    drift = score_drift(result)
    assert drift is not None
    t = result.calibration.temperature
    np.testing.assert_allclose(drift.source, softmax(np.array([4, 0, 0]) / t)[0])
    np.testing.assert_allclose(drift.target, softmax(np.array([3, 0, 0]) / t)[0])
    assert len(drift.source) == len(drift.target) == 15
