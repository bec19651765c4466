"""Files of model repositories, downloaded once by huggingface_hub."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ....cache.errors import InputError, shorten

_WEIGHTS = ("*.safetensors", "*.bin")


@contextmanager
def quiet_hub() -> Iterator[None]:
    """Without the hub's progress bars, and its words on each try to reach it."""
    from huggingface_hub.utils import (
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
        logging,
    )

    level, hidden = logging.get_verbosity(), are_progress_bars_disabled()
    logging.set_verbosity_error()
    disable_progress_bars()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if not hidden:
            enable_progress_bars()


def hub_file(repository: str, file: str, *, revision: str = "") -> Path:
    """A file of a repository, from the local cache where it is there.

    Args:
        repository: its id.
        file: in it.
        revision: a commit, tag or branch; "" for the newest.

    Raises:
        OSError: it cannot be had.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    try:
        with quiet_hub():
            return Path(hf_hub_download(repository, file, revision=revision or None))
    except (HfHubHTTPError, HFValidationError, OSError) as error:
        reason = shorten(" ".join(str(error).split()))
        raise OSError(f"{repository}, {file}: {type(error).__name__}: {reason}") from None


def is_cached(repository: str, file: str, *, revision: str = "") -> bool:
    """Whether a file of a repository is on this machine."""
    from huggingface_hub import try_to_load_from_cache

    return isinstance(try_to_load_from_cache(repository, file, revision=revision or None), str)


def require_place(model: str, *, name: str) -> None:
    """Refuse a model that is neither a folder nor the id of a repository.

    Args:
        model: which.
        name: of the backbone, for the message.

    Raises:
        InputError: it is neither.
    """
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    if Path(model).is_dir():
        return
    try:
        validate_repo_id(model)
    except HFValidationError:
        raise InputError(
            f"the backbone {name}: there is no folder {model} (in {Path.cwd()}): name one that is "
            "there, or, where features or a run need this one, link it to where it is now"
        ) from None


def snapshot(model: str, *, revision: str = "") -> Path:
    """The folder of a model: itself, or a repository's files on this machine.

    Raises:
        OSError: the files cannot be had.
    """
    if Path(model).is_dir():
        return Path(model)
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    try:
        for weights in _WEIGHTS:  # code in a file of the second kind is not run either
            wanted = ["*.json", weights]
            with quiet_hub():
                folder = Path(
                    snapshot_download(model, revision=revision or None, allow_patterns=wanted)
                )
            if any(folder.glob(weights)):
                return folder
    except (HfHubHTTPError, HFValidationError, OSError) as error:
        reason = shorten(" ".join(str(error).split()))
        raise OSError(f"{model}: {type(error).__name__}: {reason}") from None
    raise OSError(f"{model} holds no weights")


def has_snapshot(model: str, *, revision: str = "") -> bool:
    """Whether a model's weights are on this machine."""
    files = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin")
    return Path(model).is_dir() or any(is_cached(model, each, revision=revision) for each in files)


def licence_of(model: str, *, revision: str = "") -> str:
    """The licence that a model's card names; "not stated" where there is none at hand."""
    from huggingface_hub import ModelCard

    try:
        card = Path(model) / "README.md"
        path = card if Path(model).is_dir() else hub_file(model, "README.md", revision=revision)
        return str(
            ModelCard.load(path, ignore_metadata_errors=True).data.get("license") or "not stated"
        )
    except (OSError, ValueError):
        return "not stated"
