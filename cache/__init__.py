"""The feature file: one HDF5 file per dataset that holds every snippet's features.

``recipe``   what made the features; ``legacy`` reads the recipes of older versions
``schema``   the rows and arrays of a file, which ``groups`` checks; ``reader`` and ``rows`` (of
             features, on demand), ``writer``, ``merge`` and ``sources`` (parts and shards) work on
             them, ``tables`` and ``files`` on HDF5 itself
``inspect``  a file as tables for people
``errors``   the one exception for wrong input; it and ``common/`` (records as JSON and back,
             ranges, the console, devices, locks, plug-ins) are what every room shares

`FeatureFile` reads a file, `FeatureWriter` writes one crash-safely.
"""

from typing import TYPE_CHECKING

from .common.lazy import lazy_exports

if TYPE_CHECKING:
    from .errors import InputError
    from .reader import FeatureFile, Packed
    from .recipe import Recipe
    from .rows import FeatureRows
    from .schema import Failure, Snippets, Video
    from .writer import FeatureWriter

__all__ = [
    "Failure",
    "FeatureFile",
    "FeatureRows",
    "FeatureWriter",
    "InputError",
    "Packed",
    "Recipe",
    "Snippets",
    "Video",
]

__getattr__ = lazy_exports(
    __name__,
    {
        "Failure": "schema",
        "FeatureFile": "reader",
        "FeatureRows": "rows",
        "FeatureWriter": "writer",
        "InputError": "errors",
        "Packed": "reader",
        "Recipe": "recipe",
        "Snippets": "schema",
        "Video": "schema",
    },
)
