"""Published checkpoints, downloaded once."""

from __future__ import annotations

import re
from functools import partial
from http.client import HTTPException
from pathlib import Path

import torch

from .spec import Weights


def weights_at(url: str, *, name: str, licence: str, classes: tuple[str, ...] = ()) -> Weights:
    """Published weights that are downloaded on first use.

    Where the file is called NAME-DIGITS.pth, they are the first digits of its sha256, which is
    torch.hub's convention.
    """
    digits = re.search(r"-([0-9a-f]{8,})\.pth$", url)
    return Weights(
        name=name,
        source=url,
        sha256=digits[1] if digits else "",
        licence=licence,
        classes=classes,
        fetch=partial(_fetch, url),
        at_hand=lambda: _file_of(url).exists(),
    )


def _file_of(url: str) -> Path:
    return Path(torch.hub.get_dir()) / "checkpoints" / url.rpartition("/")[2]


def _fetch(url: str) -> Path:
    path = _file_of(url)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        try:  # torch.hub downloads under a temporary name and renames
            torch.hub.download_url_to_file(url, str(path), progress=False)
        except HTTPException as error:  # the connection broke off
            raise OSError(f"{type(error).__name__} from {url}") from None
    return path
