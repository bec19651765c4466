"""The feature file: one HDF5 file per dataset that holds every snippet's features.

`FeatureWriter` writes it crash-safely, `FeatureFile` reads it; the layout is in `schema`.
"""

from .errors import InputError
from .reader import FeatureFile, Packed
from .recipe import Recipe
from .schema import Failure, Snippets, Video
from .writer import FeatureWriter

__all__ = [
    "Failure",
    "FeatureFile",
    "FeatureWriter",
    "InputError",
    "Packed",
    "Recipe",
    "Snippets",
    "Video",
]
