"""Pickles as data alone: nothing that is in them is run.

``unpickler`` is the standard library's, without the instructions that could do harm; ``arrays``
and ``frames`` stand in for numpy's and torch's and for pandas' classes; ``read`` has the list of
names that a pickle may use. Neither pandas nor a function of numpy's or torch's pickles is called.
"""

from .arrays import Array
from .frames import Frame
from .read import check_size, read_pickle, require_trust
from .unpickler import Refused

__all__ = ["Array", "Frame", "Refused", "check_size", "read_pickle", "require_trust"]
