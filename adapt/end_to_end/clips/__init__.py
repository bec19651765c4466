"""Clips for end-to-end training, decoded again for every step."""
