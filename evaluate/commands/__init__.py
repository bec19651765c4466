"""The commands of this room, a file each; ``plugins`` is an option that they share.

Heavy packages are imported inside the commands, so that ``tcon --help`` is quick.
"""
