"""Formats of features that users already have, one file each."""
