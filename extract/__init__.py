"""Videos to features.

A csv row becomes a row of features on this way::

    lists/ reads the row -> `api.extract` -> `features.plan` loads the backbone ->

    `features.pipeline` joins

    decoding/ (frames), snippets/ and flow/ (snippets), backbones/ on machine/ (features), and the
    writer of `tcon.cache`

``api``        `extract`, what ``tcon extract`` calls; ``like`` repeats a file's recipe
``features/``  what decides the features, the pipeline, and what a classifier sees
``machine/``   the rest: devices, workers, limits
``lists/``     which videos: lists, folders and official datasets
``importers/`` `import_features`: features that others made; ``pickles/`` reads theirs
``synthetic/`` the clips of the demo
"""

from typing import TYPE_CHECKING

from ..cache.common.lazy import lazy_exports

if TYPE_CHECKING:
    from .api import extract
    from .importers.api import import_features
    from .machine.machine import Machine

__all__ = ["Machine", "extract", "import_features"]

__getattr__ = lazy_exports(
    __name__,
    {
        "Machine": "machine.machine",
        "extract": "api",
        "import_features": "importers.api",
    },
)
