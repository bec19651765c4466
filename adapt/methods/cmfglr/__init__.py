"""CMFGLR: collective matrix factorisation; importing this package registers it."""

from . import method  # noqa: F401  (it registers itself)
