"""New videos, predicted by a finished run."""
