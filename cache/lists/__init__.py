"""Lists of videos, in the forms that the field uses: which videos there are, their labels, splits.

Reading a list touches nothing but the list; whoever reads it joins its entries with files.
"""

from .entry import Entry
from .names import Names, normalise

__all__ = ["Entry", "Names", "normalise"]
