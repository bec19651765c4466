"""What a run trains on: domains, splits, statistics, batches and the one door to target labels."""
