"""Runs as programs, each of one run or of several, and the loop that steps them to their end."""
