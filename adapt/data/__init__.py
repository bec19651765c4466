"""What a run trains on: domains, where their features lie, splits, statistics, batches and the one
door to target labels.
"""
