"""Models of transformers, by repository or folder: ``hf:facebook/dinov2-base``, ``hf:./mine``.

Where a checkpoint has a classifier, features are what the classifier is given. Else they are
pooled: of models that share a space with texts the projected ones, then the class token, then the
mean of the patches.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ....cache.common.counts import counted
from ....cache.errors import InputError, shorten
from ..spec import BackboneSpec, Texts, Weights
from . import hf_texts
from .hf_preprocessing import preprocessing_of
from .hub import has_snapshot, licence_of, quiet_hub, require_place, snapshot
from .modules import cut, feature_dim, last_linear, on_meta
from .name import ModelName, Pool
from .packages import require

_CLASSIFIERS = {
    "ForImageClassification": "AutoModelForImageClassification",
    "ForVideoClassification": "AutoModelForVideoClassification",
}
_LENGTHS = ("num_frames", "frames_per_clip")  # frames of a clip in configurations
# Frames per second of the clips in training by model_type. No configuration says it, the papers do:
# every 4th frame of Kinetics' 30 per second (Tong et al. 2022), every 32nd (Bertasius et al. 2021),
# every 2nd (Arnab et al. 2021), and 4 per second (Assran et al. 2025).
_RATES = {"videomae": 7.5, "timesformer": 30 / 32, "vivit": 15.0, "vjepa2": 4.0}
_UNUSED = ("text_model", "text_projection", "predictor")  # parts that features do not come from
_POOLED_TOKEN = "class_embedding"  # CLIP's class token, which a norm of its own follows
_TOKENS = ("cls_token", _POOLED_TOKEN, "distillation_token")  # parameters before the patches
_MEAN_FIRST = ("dinov3_convnext",)  # by model_type: the pooled patches are the first token


class HuggingFaceBackbone(nn.Module):
    """A model of transformers: images [n, 3, S, S] or clips [n, 3, L, S, S] to features [n, D].

    Args:
        network: its classifier, if it had one, is the identity; parts that features do not come
            from are dropped.
        pool: of its output; None where its logits, which the classifier was given, are features.
        resampled: resample position embeddings, for another size than the weights'.
    """

    def __init__(self, network: nn.Module, pool: Pool | None, *, resampled: bool) -> None:
        super().__init__()
        for part in _UNUSED:
            if hasattr(network, part):
                delattr(network, part)
        self.network, self.pool = network, pool
        accepted = inspect.signature(network.forward).parameters
        self._pixels = (
            "pixel_values_videos" if "pixel_values_videos" in accepted else "pixel_values"
        )
        self._options = {"skip_predictor": True} if "skip_predictor" in accepted else {}
        if resampled and "interpolate_pos_encoding" in accepted:
            self._options["interpolate_pos_encoding"] = True

    def forward(self, frames: Tensor) -> Tensor:
        network: Any = self.network
        pixels = frames.transpose(1, 2) if frames.ndim == 5 else frames  # [n, L, 3, S, S]
        inputs = {self._pixels: pixels, **self._options}
        if self.pool is None:
            return network(**inputs).logits  # [n, D]
        if hasattr(network, "get_image_features"):
            if self.pool == "token":
                return network.vision_model(**inputs).pooler_output  # [n, D]
            return _embeds(network.get_image_features(**inputs))  # [n, D]
        output = network(**inputs)
        hidden = output.last_hidden_state  # [n, T, D], or maps [n, D, h, w]
        if hidden.ndim == 4:
            return hidden.mean((2, 3))  # [n, D]
        tokens = _tokens(network)
        if self.pool == "token":
            return output.pooler_output if _POOLED_TOKEN in tokens else hidden[:, 0]  # [n, D]
        registers = getattr(network.config, "num_register_tokens", 0)
        return hidden[:, len(tokens) + registers :].mean(1)  # [n, D]


def resolve(asked: ModelName) -> BackboneSpec:
    """The spec of a model of transformers.

    Raises:
        InputError: transformers is not installed, the configuration or the processor's cannot be
            had, or the model cannot be used as a backbone.
    """
    require("transformers", extra="hf", name=asked.text)
    require_place(asked.model, name=asked.text)
    config = _of_repository(asked, "AutoConfig")
    if hasattr(config, "mask_ratio"):
        config.mask_ratio = 0.0  # of masked autoencoders: they hide patches at random
    length = _clip_length(config, asked)
    processor = _processor(asked, clip=length > 1)
    preprocessing = preprocessing_of(processor, size=asked.size, name=asked.text, clip=length > 1)
    kind = "" if asked.pool else _classifier_kind(config)
    network = on_meta(partial(_network, config, kind), name=asked.text)
    head = f"network.{last_linear(network)}." if kind else ""
    pool = None if kind else _pool(asked, network)
    build = partial(_build, config, kind, pool, resampled=asked.size is not None)
    module = on_meta(build, name=asked.text)
    return BackboneSpec(
        name=asked.text,
        build=build,
        read=partial(_read, config, kind),
        heads=(head,) if kind else (),
        unused=tuple(f"network.{part}." for part in _UNUSED),
        layer=_LAYERS[pool],
        dim=feature_dim(module, preprocessing, length=length, name=asked.text),
        weights=Weights(
            name=Path(asked.model).name,
            source=_where(asked),
            sha256="",
            licence=licence_of(asked.model, revision=asked.revision),
            fetch=partial(snapshot, asked.model, revision=asked.revision),
            revision=asked.revision,
            classes=tuple((config.id2label or {}).values()) if kind else (),
            at_hand=partial(has_snapshot, asked.model, revision=asked.revision),
        ),
        preprocessing=preprocessing,
        snippet_length=length,
        clip_rate=_clip_rate(config, processor) if length > 1 else None,
        batch_size=8 if length == 1 else 1,
        embed_texts=partial(_embed_texts, config, asked) if pool == "projected" else None,
    )


_LAYERS: Mapping[Pool | None, str] = {
    None: "before the classifier",
    "token": "class token",
    "mean": "mean of the patches",
    "projected": "projected into the space of texts",
}


def _network(config: Any, kind: str) -> nn.Module:
    import transformers

    return getattr(transformers, kind or "AutoModel").from_config(config)


def _build(config: Any, kind: str, pool: Pool | None, *, resampled: bool) -> HuggingFaceBackbone:
    network = _network(config, kind)
    if kind:
        cut(network, last_linear(network))
    return HuggingFaceBackbone(network, pool, resampled=resampled)


def _read(config: Any, kind: str, folder: Path, module: nn.Module) -> dict[str, Tensor]:
    """The tensors of a checkpoint under the names of `HuggingFaceBackbone`, by transformers' own
    reader, which joins files and renames what older versions called otherwise."""
    network = _load(config, kind, folder)
    return {f"network.{key}": value for key, value in network.state_dict().items()}


def _load(config: Any, kind: str, folder: Path) -> nn.Module:
    """A checkpoint's whole model in eval mode."""
    import transformers

    try:
        with _quiet():
            network, info = getattr(transformers, kind or "AutoModel").from_pretrained(
                folder,
                config=config,
                output_loading_info=True,
                ignore_mismatched_sizes=True,  # they are named below
                trust_remote_code=False,
                dtype=torch.float32,
            )
    except Exception as error:  # whatever transformers raises of a damaged checkpoint
        raise InputError(f"cannot read the weights {folder}: {_reason(error)}") from None
    if shapes := sorted(info["mismatched_keys"]):
        key, found, needed = shapes[0]
        raise InputError(
            f"{folder} does not fit its configuration: {counted(len(shapes), 'tensor')} of another "
            f"shape (first: {key} {list(found)}, not {list(needed)}): leave out frames=, if given"
        )
    # The pooler of a model that was trained without one is never looked at.
    missing = [key for key in info["missing_keys"] if not key.startswith("pooler.")]
    if missing:
        raise InputError(f"{folder} lacks {len(missing)} tensors (first: {missing[0]})")
    return network


def _embed_texts(config: Any, asked: ModelName, sentences: Sequence[str]) -> Texts:
    tokenizer = _of_repository(asked, "AutoTokenizer")
    network = _load(config, "", snapshot(asked.model, revision=asked.revision))
    return hf_texts.embed(network, tokenizer, sentences, name=asked.text)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without progress bars and reports of unused tensors, transformers' and the hub's."""
    from transformers.utils import logging

    shown, level = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        with quiet_hub():
            yield
    finally:
        logging.set_verbosity(level)
        if shown:
            logging.enable_progress_bar()


def _classifier_kind(config: Any) -> str:
    """The class that builds the checkpoint with its classifier; "" where it has none."""
    architecture = (config.architectures or [""])[0]
    return next((auto for end, auto in _CLASSIFIERS.items() if architecture.endswith(end)), "")


def _pool(asked: ModelName, network: nn.Module) -> Pool:
    possible: tuple[Pool, ...] = ("token", "mean") if _tokens(network) else ("mean",)
    if hasattr(network, "get_image_features"):
        possible = ("projected", "token")
    if asked.pool and asked.pool not in possible:
        raise InputError(f"backbone {asked.text}: this model's pool is {' or '.join(possible)}")
    return asked.pool or possible[0]


def _clip_length(config: Any, asked: ModelName) -> int:
    """Frames of a clip, 1 for images; those that are asked for are put into the configuration."""
    key = next((key for key in _LENGTHS if getattr(config, key, None)), None)
    if asked.frames is not None:
        if key is None:
            raise InputError(f"the model of {asked.text} takes images: leave out frames=")
        setattr(config, key, asked.frames)
    return getattr(config, key) if key else 1


def _clip_rate(config: Any, processor: Any) -> float | None:
    return getattr(processor, "fps", None) or _RATES.get(config.model_type)


def _tokens(network: Any) -> set[str]:
    """Names of the tokens that a network puts before those of the patches, without registers."""
    named = {name.rpartition(".")[2] for name, _ in network.named_parameters()}
    first = {"mean"} if network.config.model_type in _MEAN_FIRST else set()
    return first | named.intersection(_TOKENS)


def _embeds(output: Any) -> Tensor:
    """Projected features, which older versions of transformers give bare."""
    return output if isinstance(output, Tensor) else output.pooler_output


def _processor(asked: ModelName, *, clip: bool) -> Any:
    if clip:
        try:
            return _of_repository(asked, "AutoVideoProcessor")
        except InputError:  # a checkpoint from before there were processors of videos
            pass
    return _of_repository(asked, "AutoImageProcessor")


def _of_repository(asked: ModelName, auto: str) -> Any:
    """What a class of transformers reads from the model's repository or folder."""
    import transformers

    read = partial(
        getattr(transformers, auto).from_pretrained,
        asked.model,
        revision=asked.revision or None,
        trust_remote_code=False,
    )
    try:
        with _quiet():
            try:  # a hub that does not answer is asked for half a minute
                return read(local_files_only=True)
            except OSError:
                if Path(asked.model).is_dir():
                    raise
                return read()
    except Exception as error:  # OSError, ValueError, ImportError, and others of the hub
        mend = "connect to the network, or name a folder that holds the model, hf:FOLDER"
        if Path(asked.model).is_dir():
            mend = "save it there with its save_pretrained"
        raise InputError(
            f"the backbone {asked.text}: {auto} cannot be read from {_where(asked)} "
            f"({_reason(error)}): {mend}"
        ) from None


def _where(asked: ModelName) -> str:
    return asked.model if Path(asked.model).is_dir() else f"the hub's {asked.model}"


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {shorten(' '.join(str(error).split()))}"
