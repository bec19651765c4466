"""A few labels by hand: which videos to ask for, and what the answers say of every group."""
