"""Clips for end-to-end training, decoded anew for every step."""
