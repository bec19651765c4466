"""Class names as texts: against the logits of transformers' own zero-shot pipeline."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from model_pictures import features_of_picture, picture
from still_videos import write_still_videos
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from tcon.cache import InputError
from tcon.cache.prompts import TextPrototypes, read_prototypes, zero_shot_logits
from tcon.extract import extract
from tcon.extract.backbones import load_backbone
from tcon.extract.features.options import make_options
from tcon.extract.features.plan import Plan
from tcon.extract.features.prompts import text_prototypes
from tcon.extract.machine.machine import Machine

pytestmark = pytest.mark.slow
T: Any = transformers
WORDS = ["<pad>", "<bos>", "<eos>", "<unk>", "a", "photo", "of", "person", "swing", "golf"]
WORDS += ["Jump", "jump", "run"]
SIZES = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
}
TEXT = {**SIZES, "vocab_size": 20, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
TEMPLATE = "a photo of a person {label}"


def clip() -> tuple[Any, Any]:
    config = T.CLIPConfig(
        text_config={**TEXT, "max_position_embeddings": 77},
        vision_config={**SIZES, "image_size": 64, "patch_size": 32},
        projection_dim=24,
    )
    cropped = {"height": 64, "width": 64}
    return T.CLIPModel(config), T.CLIPImageProcessor(size={"shortest_edge": 64}, crop_size=cropped)


def siglip() -> tuple[Any, Any]:
    text = {**TEXT, "max_position_embeddings": 64}
    config = T.SiglipConfig(text_config=text, vision_config={**SIZES, "image_size": 64})
    network = T.SiglipModel(config)
    torch.nn.init.constant_(network.logit_bias, -1.5)
    torch.nn.init.constant_(network.logit_scale, 2.0)
    return network, T.SiglipImageProcessor(size={"height": 64, "width": 64})


def tokenizer() -> Any:
    words = Tokenizer(models.WordLevel({w: n for n, w in enumerate(WORDS)}, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.post_processor = processors.TemplateProcessing(
        single="<bos> $A <eos>", special_tokens=[("<bos>", 1), ("<eos>", 2)]
    )
    special = {"pad_token": "<pad>", "bos_token": "<bos>", "eos_token": "<eos>"}
    return T.PreTrainedTokenizerFast(tokenizer_object=words, unk_token="<unk>", **special)


def save(folder: Path, make: Callable[[], tuple[Any, Any]]) -> Any:
    """The model, in eval mode."""
    torch.manual_seed(0)
    network, processor = make()
    for part in (network.eval(), processor, tokenizer()):
        part.save_pretrained(folder)
    return network


def prototypes_of(name: str, templates: list[str], **options: Any) -> TextPrototypes:
    plan = Plan.make(make_options(backbone=name, **options), Machine(device="cpu"))
    return text_prototypes(plan, ["golf_swing", "Jump", "", "Jump"], templates)


@pytest.mark.parametrize("make", [clip, siglip])
def test_logits_are_those_of_transformers(
    tmp_path: Path, make: Callable[[], tuple[Any, Any]]
) -> None:
    network = save(tmp_path, make)
    prototypes = prototypes_of(f"hf:{tmp_path}", [TEMPLATE])
    assert prototypes.prompts.classes == ("Jump", "golf_swing")
    features = features_of_picture(load_backbone(f"hf:{tmp_path}"))
    logits = zero_shot_logits(features, prototypes)
    pipeline = T.pipeline("zero-shot-image-classification", model=str(tmp_path), device="cpu")
    template = TEMPLATE.replace("{label}", "{}")
    given = pipeline.preprocess(
        picture(), candidate_labels=["Jump", "golf swing"], hypothesis_template=template
    )
    with torch.inference_mode():
        expected = pipeline._forward(given)["logits"]
    torch.testing.assert_close(logits, expected, rtol=1e-4, atol=1e-4)
    assert abs(logits[0, 0] - logits[0, 1]) > 1e-2
    # Of several templates by hand, one sentence at a time, as CLIP's authors do.
    templates = [TEMPLATE, "a {label}"]
    for made, words in zip(
        prototypes_of(f"hf:{tmp_path}", templates).vectors, ("Jump", "golf swing"), strict=True
    ):
        directions = []
        for sentence in templates:
            padded = {"padding": "max_length", "max_length": 64} if make is siglip else {}
            tokens = tokenizer()(sentence.format(label=words), return_tensors="pt", **padded)
            with torch.inference_mode():
                vector = network.get_text_features(**tokens).pooler_output[0]
            directions.append(vector / vector.norm())
        mean = directions[0] + directions[1]
        torch.testing.assert_close(made, mean / mean.norm(), rtol=1e-4, atol=1e-5)


def test_features_without_texts_are_refused_in_one_line(tmp_path: Path) -> None:
    save(tmp_path, clip)
    name = f"hf:{tmp_path}"
    with pytest.raises(InputError, match="class token, .* share no space with texts"):
        prototypes_of(f"{name},pool=token", [TEMPLATE])
    with pytest.raises(InputError, match="weights random.* share no space with texts"):
        prototypes_of(name, [TEMPLATE], weights="random")
    (tmp_path / "tokenizer.json").unlink()
    (tmp_path / "tokenizer_config.json").unlink()
    with pytest.raises(InputError, match="the tokenizer of .* knows no word"):
        prototypes_of(name, [TEMPLATE])
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(InputError, match="AutoTokenizer cannot be read from") as caught:
        prototypes_of(name, [TEMPLATE])
    assert "\n" not in str(caught.value)


def test_prototypes_lie_beside_the_features(tmp_path: Path) -> None:
    save(tmp_path / "clip", clip)
    videos = write_still_videos(tmp_path / "videos", seed=0, train=1, test=1)
    file, machine = tmp_path / "videos.h5", Machine(device="cpu", workers=0)
    options: dict[str, Any] = {"backbone": f"hf:{tmp_path / 'clip'}", "snippets": 2}
    with pytest.raises(InputError, match="'a photo' has no place for the class"):
        extract(videos, file, **options, prompts=["a photo"], machine=machine)
    with pytest.raises(InputError, match="no video has a label"):
        extract(videos, file, **options, unlabelled=True, prompts=[TEMPLATE], machine=machine)
    assert not file.exists()
    features = extract(videos, file, **options, prompts=[TEMPLATE], machine=machine)
    written = read_prototypes(file)
    assert written is not None and written.prompts.classes == ("jump", "run")
    assert written.fit(features.recipes["rgb"])
    # The classes are also those of videos that the file holds already.
    extract(videos / "test" / "run", file, like=file, prompts=["{label}"], machine=machine)
    again = read_prototypes(file)
    assert again is not None and again.prompts.classes == ("jump", "run")
    assert again.prompts.templates == ("{label}",)
