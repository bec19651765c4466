"""What a person sees of runs being trained: a table, what starts, what failed, a dry run."""
