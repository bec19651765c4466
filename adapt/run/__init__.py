"""One run on the disk: its folder, its record, and the finished run as an object."""
