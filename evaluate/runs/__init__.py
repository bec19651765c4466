"""Finished runs: find, read, group and label them."""
