"""The training loop and what surrounds it: optimiser, recorder, resuming, health."""
