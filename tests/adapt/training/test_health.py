"""What counts as unhealthy, from made-up metrics."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from tcon.adapt.methods import entry
from tcon.adapt.methods.tcon.options import PseudoConfig
from tcon.adapt.methods.tcon.warmup import WarmupConfig
from tcon.adapt.training.health import Finding, by_kind
from tcon.adapt.training.health import findings as findings_of

TCON = entry("tcon").config
HEALTHY = {
    "video_disc_accuracy": 0.7,
    "video_domain": 1.1,
    "align_same_row": 0.3,
    "pairs": 40.0,
    "pseudo_rate": 0.2,
    "attention": 0.1,
    "attention_uniform": 0.4,
    "attention_on": 1.0,
}


def findings(records: list[dict[str, float]], **options: object) -> list[Finding]:
    return findings_of(records, method="tcon-attn", **options)


def kinds(**changes: float | list[float]) -> list[str]:
    """Of 8 evaluations; a list is cut to that or repeats its last value."""
    records = []
    for n in range(8):
        at = {k: v[min(n, len(v) - 1)] if isinstance(v, list) else v for k, v in changes.items()}
        records.append({**HEALTHY, **at})
    return [finding.kind for finding in findings(records, options=TCON)]


def test_a_healthy_run_has_no_finding() -> None:
    assert kinds() == []
    assert findings([]) == [] and findings([{"loss": 1.0}]) == []


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"video_disc_accuracy": [0.7] * 6 + [0.97, 0.99]}, "video separated"),
        ({"video_disc_accuracy": 0.5, "video_domain": 2 * math.log(2)}, "video guesses"),
        ({"frame_disc_accuracy": 0.51, "frame_domain": math.log(2)}, "frame guesses"),
        ({"align_same_row": 0.98}, "alignment collapsed"),
        ({"target_top_class": [0.3, 0.6, 0.97]}, "one class"),
        ({"feature_spread": [0.7, 0.6, 0.3, 0.05, 0.02]}, "features alike"),
        ({"pairs": [9, 9, 9, 9, 9, 9, 0]}, "no pairs"),
        ({"pseudo_rate": [0.3] * 7 + [0.0]}, "no pseudo-labels"),
        ({"attention": 0.3, "attention_on": [0, 0, 1]}, "attention forced"),
        ({"attention_on": 0.0, "attention": 0.3}, "attention forced"),
    ],
)
def test_findings(changes: dict[str, float | list[float]], kind: str) -> None:
    assert kinds(**changes) == [kind]


@pytest.mark.parametrize(
    "changes",
    [
        # Easy at first and fooled later: as it should be.
        {"video_disc_accuracy": [1.0, 1.0, 1.0, 0.8, 0.7, 0.6, 0.5, 0.5], "video_domain": 1.386},
        {"video_disc_accuracy": 0.5, "video_domain": 1.1},
        {"pairs": [0, 0, 5]},
        {"feature_spread": [0.05, 0.6]},
        {"target_top_class": [1.0, 0.9]},
        {"pseudo_rate": [0.0, 0.1]},
        # It was good before it was on, and is worse than uniform later.
        {"attention": [0.1, 0.1, 0.9], "attention_on": [0, 1]},
    ],
)
def test_no_findings(changes: dict[str, float | list[float]]) -> None:
    assert kinds(**changes) == []


def test_an_absolute_threshold_decides_where_it_is_set() -> None:
    """0.3 is no half of a uniform guess's 0.4, but below 0.35."""
    records = [{**HEALTHY, "attention": 0.3, "attention_on": on} for on in (0.0, 1.0)]
    for threshold, count in ((None, 1), (0.35, 0), (0.2, 1)):
        options = replace(TCON, warmup=WarmupConfig(threshold=threshold))
        assert len(findings(records, options=options)) == count


def test_one_source_segment_cannot_collapse() -> None:
    records = [{**HEALTHY, "align_same_row": 1.0}]
    assert findings(records, source_segments=1) == []


def test_every_finding_says_what_to_do() -> None:
    bad = {"video_disc_accuracy": 1.0, "align_same_row": 1.0, "pairs": 0.0, "pseudo_rate": 0.0}
    bad |= {"target_top_class": 1.0, "feature_spread": 0.0, "attention": 1.0}
    found = findings([{**HEALTHY, **bad}], options=TCON)
    assert len(found) == 7 and all(f.text and f.remedy for f in found)
    assert all("\n" not in f.text + f.remedy for f in found)


def test_no_advice_runs_in_a_circle() -> None:
    """Pseudo-labels that are switched off are not missed; those that are on are suspected."""
    off = replace(TCON, pseudo=PseudoConfig(threshold=1))
    assert findings([{**HEALTHY, "pseudo_rate": 0.0}], options=off) == []
    texts = [
        findings([{**HEALTHY, "target_top_class": 1.0, "pseudo_rate": rate}], options=off)[0].text
        for rate in (0.5, 0.0)
    ]
    assert ["pseudo-labels strengthen it" in text for text in texts] == [True, False]


@pytest.mark.parametrize("longer", ["train.epochs", "train.min_steps"])
def test_who_is_to_train_longer_is_told_by_which_setting(longer: str) -> None:
    bad = {"video_disc_accuracy": 1.0, "pseudo_rate": 0.0, "target_top_class": 1.0}
    found = findings([{**HEALTHY, **bad}], options=TCON, longer=longer)
    assert [f.kind for f in found] == ["one class", "video separated", "no pseudo-labels"]
    assert all(f"train longer ({longer})" in f.remedy for f in found)


def test_what_an_older_version_did_not_log_is_no_zero() -> None:
    new = {**HEALTHY, "feature_spread": 0.15}
    assert findings([HEALTHY] * 6 + [HEALTHY, new], options=TCON) == []


@pytest.mark.parametrize(
    ("method", "named"),
    [
        ("source_only", set()),
        ("im", {"lambda_d"}),
        ("ta3n", set()),
        ("ema", {"lambda_d", "pseudo.threshold"}),
        ("tcon+", {"lambda_d", "pseudo.threshold"}),
    ],
)
def test_remedies_name_no_setting_that_the_method_lacks(method: str, named: set[str]) -> None:
    bad = {"video_disc_accuracy": 1.0, "target_top_class": 1.0, "feature_spread": 0.0}
    found = findings_of([bad], method=method, options=entry(method).config)
    assert [f.kind for f in found] == ["features alike", "one class", "video separated"]
    said = " ".join(f.remedy for f in found)
    assert {key.rstrip(",;") for key in said.split() if key.startswith(f"{method}.")} == {
        f"{method}.{key}" for key in named
    }


def test_remedies_name_the_keys_of_the_method_and_are_said_once_for_equal_ones() -> None:
    records = [{**HEALTHY, "pairs": 0.0}]
    one, two = (findings_of(records, method=name)[0] for name in ("tcon", "tcon-attn"))
    assert "METHOD" not in one.remedy and "lower tcon.pair.threshold" in one.remedy
    assert by_kind([("a", one), ("b", one), ("c", two)]) == [(["a", "b"], one), (["c"], two)]
