"""TCoN and its ablations; importing this package registers them."""

from . import method, ablations  # noqa: F401, I001  (they register themselves, in this order)
