"""TCoN and its ablations; importing this package registers them."""

from . import method, plus, ablations  # noqa: F401, I001  (they register themselves, in this order)
