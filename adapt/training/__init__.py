"""Training of runs: what surrounds a step. The steps and their loop are in ``programs/``."""
