"""The commands of this room: ``tcon extract``, ``tcon import`` and ``tcon flow``.

Heavy packages are imported inside the commands, so that ``tcon --help`` is quick.
"""
