"""The settings of every method of tcon, by name alone: importing the methods takes seconds."""

from __future__ import annotations

from collections.abc import Mapping

RECOMMENDED = "recommended"  # the name of several methods:
RECOMMENDED_METHODS = ("source_only", "im", "tcon", "tcon+")

_ALL = ("features", "dropout")
_CLASSIFIER = (*_ALL, "head")
_ALIGNMENT = (*_ALL, "lambda_d", "ramp")
_ADVERSARIAL = (*_ALIGNMENT, "disc.hidden", "disc.dropout")
_TCON = (
    *(*_ADVERSARIAL, "snippets", "weigh", "score_features", "attention_features", "align_norm"),
    *("tau", "att_norm", "att_simplex", "att_tau", "unpaired", "att_hidden", "att_output"),
    *("att_loss", "lambda_a", "seg_adv", "seg_against", "detach_source_att", "detach_align"),
    *("detach_ga_input", "disc.max_segments"),
    *("pair.rule", "pair.threshold", "pair.topk", "pair.max_pairs"),
    *("pseudo.threshold", "pseudo.per", "pseudo.wait"),
    *("warmup.ratio", "warmup.threshold", "warmup.min_steps", "warmup.min_progress"),
    *("warmup.max_progress", "warmup.source"),
)

METHOD_KEYS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("source_only", "target_only", "trn"), _CLASSIFIER),
    **dict.fromkeys(("coral", "dan", "im", "mcc"), _ALIGNMENT),
    **dict.fromkeys(("daaa", "dann"), _ADVERSARIAL),
    "cdan": (*_ADVERSARIAL, "entropy_weights", "loss_per", "max_exact", "random_dim"),
    "cmfglr": (
        *(*_ALL, "alpha", "mu", "beta", "lambda_", "gamma"),
        *("r", "iterations", "neighbours", "select"),
    ),
    "ema": (*_ALIGNMENT, "snippets", "decay", "pseudo.threshold"),
    "ta3n": (
        *(*_ALL, "dropout_on", "attention", "lambda_relation", "lambda_video", "lambda_frame"),
        *("lambda_schedule", "gamma"),
    ),
    "tcon": _TCON,
    "tcon+": (*_TCON, "lambda_im"),
    **dict.fromkeys(("tcon-attn", "tcon-coattn", "tcon-sadnet", "tcon-tadnet", "tcon-trn"), _TCON),
}
