"""Folders of videos, and the files that a list's names mean."""
