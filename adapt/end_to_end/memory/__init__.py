"""How much memory a training step needs, and how much is free."""
