"""Choose an epoch or a setting without target labels, and what choices reach."""
