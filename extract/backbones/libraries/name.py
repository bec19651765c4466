"""How users name a model of a library: ``timm:vit_small_patch14_dinov2.lvd142m,size=224``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

from ....cache.errors import InputError, unknown

Pool = Literal["token", "mean", "projected"]
LIBRARIES = ("hf", "timm", "torchvision")
POOLS: tuple[Pool, ...] = get_args(Pool)
_NUMBERS = {"size": "the side of the input in pixels", "frames": "the length of a clip"}
_OPTION = re.compile(r",(size|frames|pool|revision)=([^,]*)$")


def is_library_name(name: str) -> bool:
    """Whether ``name`` is of the form LIBRARY:MODEL, whatever they are."""
    return ":" in name


@dataclass(frozen=True)
class ModelName:
    """A model and what is asked of it.

    Args:
        text: as the user wrote it; the backbone's name in records.
        library: one of `LIBRARIES`.
        model: the library's name of the model, or a folder.
        size: side of the input in pixels; None for that of the weights.
        frames: of a clip; None for those of the weights.
        pool: what the features are: the class token, the mean of the patches, or what is projected
            into the space that images share with texts; None for the model's own.
        revision: of the weights on a hub: a commit, tag or branch; "" for the newest.
    """

    text: str
    library: str
    model: str
    size: int | None = None
    frames: int | None = None
    pool: Pool | None = None
    revision: str = ""

    @classmethod
    def parse(cls, text: str) -> ModelName:
        """Read ``LIBRARY:MODEL`` and the options ``,size=N,frames=N,pool=POOL,revision=REVISION``.

        Raises:
            InputError: another library, no model, or an option that is wrong or given twice.
        """
        library, _, model = text.partition(":")
        if library not in LIBRARIES:
            raise unknown("library of backbones", library, LIBRARIES)
        options: dict[str, str] = {}
        while found := _OPTION.search(model):
            if found[1] in options:
                raise InputError(f"backbone {text}: {found[1]} is given twice")
            options[found[1]], model = found[2], model[: found.start()]
        if not model:
            raise InputError(f"backbone {text}: name a model behind {library}:")
        pool = options.get("pool")
        for name, what in _NUMBERS.items():
            if name in options and not re.fullmatch(r"[1-9]\d{0,3}", options[name]):
                raise InputError(f"backbone {text}: {name} is {what}, 1 to 9999")
        if pool is not None and pool not in POOLS:
            raise InputError(f"backbone {text}: pool is one of {', '.join(POOLS)}")
        numbers = {name: int(options[name]) for name in _NUMBERS if name in options}
        return cls(
            text,
            library,
            model,
            pool=next((known for known in POOLS if known == pool), None),
            revision=options.get("revision", ""),
            **numbers,
        )
