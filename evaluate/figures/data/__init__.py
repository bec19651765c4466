"""What the figures show, computed from runs; nothing here draws."""
