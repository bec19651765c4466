"""The commands of this room, a file each.

Heavy packages are imported inside the commands, so that ``tcon --help`` is quick.
"""
