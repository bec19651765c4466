"""Pickles as data alone: read by a machine of our own that runs nothing that is in them.

``machine`` does what a pickle says with lists, dicts, text and numbers; ``arrays``, ``frames`` and
``tensors`` stand in for numpy's, pandas' and torch's classes; ``read`` has the list of names that a
pickle may use. Neither `pickle` nor pandas is imported.
"""

from .arrays import Array
from .frames import Frame
from .machine import Refused
from .read import check_size, read_pickle, require_trust

__all__ = ["Array", "Frame", "Refused", "check_size", "read_pickle", "require_trust"]
