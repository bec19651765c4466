"""Predictions for new videos, their files and pictures."""
