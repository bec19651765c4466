"""Tables of scored runs and the paper's tables."""
