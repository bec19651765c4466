"""The text towers of transformers' models that share a space between images and texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ....cache.errors import InputError
from ..spec import Texts

_BATCH = 64  # sentences


@torch.inference_mode()
def embed(network: Any, tokenizer: Any, sentences: Sequence[str], *, name: str) -> Texts:
    """Embed sentences, tokenised as transformers' zero-shot pipeline does.

    Args:
        network: the whole model, in eval mode.
        tokenizer: of the same repository.
        sentences: [n].
        name: of the backbone, for the message.

    Raises:
        InputError: its logits are not a scaled cosine, or the tokenizer knows none of the words.
    """
    if not hasattr(network, "logit_scale"):
        raise InputError(f"{name} compares images and texts in another way than by their cosine")
    if all(
        {*ids} <= {*tokenizer.all_special_ids} for ids in tokenizer(list(sentences))["input_ids"]
    ):  # transformers makes an empty one of a folder without its files
        raise InputError(f"the tokenizer of {name} knows no word: its files are missing")
    longest = network.config.text_config.max_position_embeddings
    # SigLIP was trained on padded sentences, and sees the padding.
    padding = "max_length" if "siglip" in network.config.model_type else True
    vectors: list[Tensor] = []
    for first in range(0, len(sentences), _BATCH):
        tokens = tokenizer(
            list(sentences[first : first + _BATCH]),
            padding=padding,
            max_length=longest,
            truncation=True,
            return_tensors="pt",
        )
        output = network.get_text_features(**tokens)
        # Older versions of transformers give them bare.
        vectors.append(output if isinstance(output, Tensor) else output.pooler_output)  # [b, D]
    bias = getattr(network, "logit_bias", None)
    return Texts(
        torch.cat(vectors).float(),
        scale=float(network.logit_scale.exp()),
        bias=0.0 if bias is None else float(bias),
    )
