"""How far to trust the label of a single video, without target labels."""
