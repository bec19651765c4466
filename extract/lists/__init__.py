"""Lists of videos, in the forms that the field uses: which videos there are, their labels, splits.

Reading a list touches nothing but the list; whoever reads it joins its entries with files. Every
form has a file of its own; `forms` has them all.
"""

from .entry import Entry
from .forms.epic import entries_from_epic
from .join import Joined, join
from .names import normalise
from .read import ReadList, read_list

__all__ = [
    "Entry",
    "Joined",
    "ReadList",
    "entries_from_epic",
    "join",
    "normalise",
    "read_list",
]
