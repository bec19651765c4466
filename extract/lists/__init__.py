"""Lists of videos in the forms that the field uses: which videos there are, their labels, splits.

From a row of a csv to a video that can be decoded::

    read.read_list          which form (forms/, one file each), its lines -> Entry (entries)
      classes.name_labels   numbers of classes -> names
      entries.splits        "trainlist01.txt" -> train
    videos.read_videos      Entry -> VideoItem: id, path, label, split
      folders               what lies below the root: video files, folders of frames, class/video
      matching.join         names in lists -> names of files
    shards.Shard            the share of one of several processes
    labels                  what is kept of them: hash of the list, refusal of other labels

``datasets/`` has the official layouts, each of which gives entries; `importers` joins the same
entries with features. Reading a list touches nothing but the list.
"""

from .entries.entry import Entry
from .forms.epic import entries_from_epic
from .matching import Joined, join
from .read import ReadList, read_list

__all__ = [
    "Entry",
    "Joined",
    "ReadList",
    "entries_from_epic",
    "join",
    "read_list",
]
